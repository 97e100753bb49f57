"""Debian's own programs on Linux and on Hardtack, compared byte for byte.

user/tests/debian/README.md says how the suite is made. Linux is this machine:
the programs run in a bubblewrap sandbox on the very tree that the guest's image
was made from, so both sides have the same files. Hardtack runs the same jobs
as the command of one boot. Besides: the shell at the console, as a person uses
it, and a database when the power fails.
"""

import os
import re
import shutil
import subprocess

import pytest
from conftest import ROOT, needs_user_space, run_tool
from test_busybox import Run, difference, parse

SUITE = ROOT / "user/tests/debian"
JOBS = sorted(p.stem for p in SUITE.glob("*.sh") if p.stem != "driver")
IMAGE = ROOT / "build/debian.img"
TREE = ROOT / "build/debian/root"
HOST_LIMIT = 60         # seconds a job may take on Linux
GUEST_LIMIT = 200       # ... on Hardtack, under an emulator on a loaded host

pytestmark = needs_user_space


@pytest.fixture(scope="session")
def image():
    """The root image of Debian's packages; made, if it is not there."""
    done = subprocess.run(["make", "-s", "debian"], cwd=ROOT, check=False,
                          capture_output=True, text=True)
    if done.returncode and os.environ.get("HARDTACK_OFFLINE"):
        pytest.skip("HARDTACK_OFFLINE is set, and Debian's packages cannot be "
                    "had: NONE of Debian's programs is tested")
    assert done.returncode == 0, done.stdout + done.stderr
    return IMAGE


@pytest.fixture(scope="session")
def suite(tmp_path_factory):
    """The jobs and what they share with the shell's suite, in one folder."""
    folder = tmp_path_factory.mktemp("debian") / "suite"
    shutil.copytree(SUITE, folder)
    shutil.copy(ROOT / "user/tests/sh/lib.sh", folder)
    return folder


def sandbox(suite, *options):
    """bwrap's arguments for a root that is the guest's, with nothing else."""
    user = [] if os.getuid() == 0 else ["--unshare-user", "--uid", "0",
                                        "--gid", "0"]
    links = [word for name in ("bin", "lib", "lib64", "sbin")
             for word in ("--symlink", f"usr/{name}", f"/{name}")]
    return [
        "env", "--default-signal", "bwrap", *user, "--unshare-pid",
        "--unshare-ipc", "--unshare-uts", "--unshare-net",
        "--unshare-cgroup-try", "--hostname", "hardtack", "--cap-add", "ALL",
        "--tmpfs", "/", *links, "--ro-bind", str(TREE / "usr"), "/usr",
        "--ro-bind", str(TREE / "etc"), "/etc",
        "--ro-bind", str(TREE / "var"), "/var", "--proc", "/proc",
        "--dev", "/dev", "--tmpfs", "/tmp", "--dir", "/home",
        "--ro-bind", str(TREE / "root"), "/root",
        "--ro-bind", str(suite), "/suite", "--die-with-parent", "--clearenv",
        "--chdir", "/", *options]


@pytest.fixture(scope="session")
def linux(image, suite, tmp_path_factory):
    """A Run of all jobs on this machine."""
    folder = tmp_path_factory.mktemp("linux")
    done = subprocess.run(
        [*sandbox(suite, "--new-session", "--bind", str(folder), "/out"),
         "bash", "/suite/driver.sh", "/out/results", str(HOST_LIMIT), "/home",
         *JOBS],
        stdin=subprocess.DEVNULL, capture_output=True, check=False,
        timeout=HOST_LIMIT * len(JOBS))
    assert done.returncode == 0, (
        "the sandbox did not run:\n" + done.stderr.decode(errors="replace"))
    return Run(parse((folder / "results").read_bytes()), done.stdout.decode())


@pytest.fixture(scope="session")
def hardtack(image, suite, tmp_path_factory):
    """A Run of all jobs in one boot."""
    folder = tmp_path_factory.mktemp("hardtack")
    results = folder / "results"
    limit = 500
    done = run_tool("--root", image, "--append", "trace=syscall",
                    "--put", f"{suite}:/suite", "--get", f"/results:{results}",
                    "--timeout", limit, "--", "/bin/bash", "/suite/driver.sh",
                    "/results", GUEST_LIMIT, "/home", *JOBS, text=False,
                    timeout=limit + 60)
    log = done.stderr.decode(errors="replace").splitlines()
    return Run(parse(results.read_bytes()) if results.exists() else {},
               done.stdout.decode(errors="replace"),
               "\n".join([f"scripts/run ended with {done.returncode}",
                          *log[-30:]]))


@pytest.mark.parametrize("name", JOBS)
def test_on_linux(linux, name):
    """The jobs are fit to judge by: they end, and name their cases."""
    result = linux.results[name]
    assert result.status == 0, result.output[-1000:].decode(errors="replace")
    assert b"\n## " in b"\n" + result.output


@pytest.mark.parametrize("name", JOBS)
def test_on_hardtack(linux, hardtack, name):
    """Hardtack does what Linux does."""
    assert name in hardtack.results, (
        f"no result: the guest ended during {hardtack.last()}\n"
        f"{hardtack.ending}")
    problem = difference(linux.results[name], hardtack.results[name])
    assert not problem, problem + "\n" + "\n".join(
        line for line in hardtack.ending.splitlines()
        if re.match(r"trap: no system call", line))
