"""The same scripts by the same busybox on Linux and on Hardtack.

user/tests/sh/README.md says how the suite is made. Linux is this machine: the
driver runs in a bubblewrap sandbox that holds nothing but busybox. Hardtack
runs the same driver as the command of one boot. Output and exit status of
each script must be equal, byte for byte.
"""

import difflib
import os
import re
import shutil
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import ROOT, needs_user_space, run_tool

SUITE = ROOT / "user/tests/sh"
EXPECTED = SUITE / "expected"
NAMES = sorted(p.stem for p in SUITE.glob("*.sh")
               if p.stem not in ("lib", "driver"))
HOST_LIMIT = 60         # seconds a script may take on Linux; most take 0.1
GUEST_LIMIT = 240       # ... on Hardtack, under an emulator on a loaded host
KILLED = 137            # the status of a script that met its limit

# Where the scripts work, and where the other file system is.
PLACES = {"tmpfs": ("/tmp", "/var"), "ext2": ("/var", "/tmp")}

# Each is one boot: options of scripts/run, and the place.
GUESTS = {
    "4 CPUs, tmpfs": (["--smp", "4"], "tmpfs"),
    "1 CPU, ext2": (["--smp", "1"], "ext2"),
    "debug, ext2, data=journal": (
        ["--debug", "--smp", "4", "--append", "rootflags=data=journal"],
        "ext2"),
}


@dataclass
class Result:
    """What one script did."""

    status: int
    output: bytes


@dataclass
class Run:
    """What one run of the driver did."""

    results: dict       # name: Result
    progress: str       # names as they began
    ending: str = ""    # how the machine under it ended, in words

    def last(self):
        """The script that was running when all ended."""
        begun = re.findall(r"^run (\S+)", self.progress, re.M)
        return begun[-1] if begun else "no script yet"


def parse(data):
    """The driver's results: {name: Result}. A torn last record is left out."""
    results = {}
    while data.startswith(b"=== "):
        head, _, data = data.partition(b"\n")
        _, name, status, size = head.decode().split()
        if len(data) < int(size):
            break
        results[name] = Result(int(status), data[:int(size)])
        data = data[int(size):]
    return results


def show(result):
    """A result as lines for a diff."""
    text = result.output.decode(errors="backslashreplace")
    lines = text.splitlines()
    # The rest of a line without an end must not hide the status.
    return lines + [f"(exit status {result.status})"]


def difference(expected, seen, names=("Linux", "Hardtack"), limit=80):
    """None, or a unified diff with the case in which it begins."""
    if expected == seen:
        return None
    left, right = show(expected), show(seen)
    lines = list(difflib.unified_diff(left, right, *names, lineterm="",
                                      n=3))
    if not lines:
        return "only bytes that print alike differ"
    same = next((i for i, (a, b) in enumerate(zip(left, right)) if a != b),
                min(len(left), len(right)))
    case = next((line[3:] for line in reversed(left[:same + 1])
                 if line.startswith("## ")), "before the first case")
    if len(lines) > limit:
        lines[limit:] = [f"... {len(lines) - limit} more lines"]
    return f"first difference in the case: {case}\n" + "\n".join(lines)


# --- Linux ------------------------------------------------------------------

@pytest.fixture(scope="session")
def busybox(tmp_path_factory):
    """The busybox of the guest: that of build/, or where it comes from."""
    built = ROOT / "build/busybox"
    if built.exists():
        return built
    path = tmp_path_factory.mktemp("busybox") / "busybox"
    subprocess.run([ROOT / "scripts/get-busybox", path], check=True)
    path.chmod(0o755)
    return path


def sandbox(busybox, results_folder):
    """bwrap's arguments for a root with only busybox, /etc, /proc, /dev."""
    user = [] if os.getuid() == 0 else ["--unshare-user", "--uid", "0",
                                        "--gid", "0"]
    return [
        # What ignores a signal here must not make the scripts ignore it.
        "env", "--default-signal", "bwrap", *user, "--unshare-pid",
        "--unshare-ipc", "--unshare-uts", "--unshare-net",
        "--unshare-cgroup-try", "--hostname", "hardtack", "--cap-add", "ALL",
        "--tmpfs", "/", "--perms", "0755", "--dir", "/bin",
        "--perms", "0755", "--dir", "/etc",
        "--ro-bind", str(busybox), "/bin/busybox",
        "--symlink", "busybox", "/bin/sh",
        "--ro-bind", str(SUITE), "/suite",
        "--ro-bind", str(SUITE / "etc/passwd"), "/etc/passwd",
        "--ro-bind", str(SUITE / "etc/group"), "/etc/group",
        "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp",
        "--tmpfs", "/var", "--bind", str(results_folder), "/out",
        "--new-session", "--die-with-parent", "--clearenv", "--chdir", "/"]


def run_on_linux(busybox, folder, place, names=None):
    """Run the driver here, sandboxed."""
    names = NAMES if names is None else names
    home, other = PLACES[place]
    done = subprocess.run(
        [*sandbox(busybox, folder), "/bin/busybox", "sh", "/suite/driver.sh",
         "/out/results", str(HOST_LIMIT), home, other, *names],
        stdin=subprocess.DEVNULL, capture_output=True, check=False,
        timeout=HOST_LIMIT * (len(names) + 1))
    assert done.returncode == 0, (
        "the sandbox did not run:\n" + done.stderr.decode(errors="replace"))
    return Run(parse((folder / "results").read_bytes()),
               done.stdout.decode(errors="replace"))


@pytest.fixture(scope="session")
def linux(busybox, tmp_path_factory):
    """linux(place): a Run on this machine. Both places run side by side."""
    with ThreadPoolExecutor() as pool:
        runs = {place: pool.submit(run_on_linux, busybox,
                                   tmp_path_factory.mktemp("linux"), place)
                for place in PLACES}
        yield lambda place: runs[place].result()


def needs_root(name):
    """Whether Linux gives the script's output only to a real root."""
    return "# needs: root\n" in (SUITE / f"{name}.sh").read_text()


def expectation(linux, place, name):
    """What Linux does: seen here now or, without the rights, as recorded."""
    if needs_root(name) and os.getuid() != 0:
        return recorded(name)
    return linux(place).results[name]


def recorded(name):
    """A Result kept in the tree for those who are not root."""
    status, _, output = (EXPECTED / name).read_bytes().partition(b"\n")
    return Result(int(status), output)


def record():
    """Keep what Linux does in the scripts that need root; run as root:

        cd scripts/tests && sudo /usr/bin/python3 test_busybox.py
    """
    names = [n for n in NAMES if needs_root(n)]
    EXPECTED.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        run = run_on_linux(ROOT / "build/busybox", Path(folder), "tmpfs",
                           names)
    for name, result in run.results.items():
        (EXPECTED / name).write_bytes(b"%d\n" % result.status + result.output)


@pytest.mark.parametrize("name", NAMES)
def test_on_linux(linux, name):
    """Two runs on Linux agree: the script is fit to judge Hardtack by."""
    first = linux("tmpfs").results[name]
    second = linux("ext2").results[name]
    assert first.status != KILLED, "the script took too long on Linux"
    assert b"\n## " in b"\n" + first.output, "the script names no cases"
    # The working directory's name is all that may differ.
    alike = Result(second.status, second.output.replace(b"/var/t", b"/tmp/t"))
    problem = difference(first, alike, ("first run", "second run"))
    assert not problem, problem


@pytest.mark.skipif(os.getuid() != 0, reason="needs a real root")
@pytest.mark.parametrize("name", [n for n in NAMES if needs_root(n)])
def test_recorded_expectation(linux, name):
    """What is kept for those who are not root is what Linux does."""
    problem = difference(recorded(name), linux("tmpfs").results[name],
                         ("recorded", "Linux"))
    assert not problem, problem


# --- Hardtack ---------------------------------------------------------------

def run_on_hardtack(folder, options, place):
    """Run the driver as the one command of a boot."""
    home, other = PLACES[place]
    results = folder / "results"
    time = GUEST_LIMIT * 4      # all scripts together
    done = run_tool(
        *options, "--put", f"{SUITE}:/suite",
        "--put", f"{SUITE / 'etc/passwd'}:/etc/passwd",
        "--put", f"{SUITE / 'etc/group'}:/etc/group",
        "--get", f"/results:{results}", "--timeout", time,
        "--", "/bin/busybox", "sh", "/suite/driver.sh", "/results",
        GUEST_LIMIT, home, other, *NAMES, text=False, timeout=time + 60)
    log = done.stderr.decode(errors="replace").splitlines()
    ending = f"scripts/run ended with status {done.returncode}"
    return Run(parse(results.read_bytes()) if results.exists() else {},
               done.stdout.decode(errors="replace"),
               "\n".join([ending, *log[-30:]]))


@pytest.fixture(scope="session")
def hardtack(tmp_path_factory):
    """hardtack(key of GUESTS): a Run; each guest is booted once."""
    made = {}

    def get(key):
        if key not in made:
            made[key] = run_on_hardtack(
                tmp_path_factory.mktemp("hardtack"), *GUESTS[key])
        return made[key]
    return get


@needs_user_space
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("key", GUESTS)
def test_on_hardtack(linux, hardtack, key, name):
    """Hardtack does what Linux does."""
    run = hardtack(key)
    assert name in run.results, (
        f"no result: the guest ended during {run.last()}\n{run.ending}")
    expected = expectation(linux, GUESTS[key][1], name)
    problem = difference(expected, run.results[name])
    assert not problem, problem


# --- The comparison itself --------------------------------------------------

RECORDS = b"=== one 0 8\n## a\nok\n=== two 3 5\nhello=== three 0 99\ntorn"


def test_results_are_parsed():
    """Each record to its byte; a torn one (a kernel that died) is no result."""
    assert parse(RECORDS) == {"one": Result(0, b"## a\nok\n"),
                              "two": Result(3, b"hello")}
    assert parse(b"") == {}


@pytest.mark.parametrize("seen", [
    Result(1, b"## a\nx\n## b\ny\n"), Result(0, b"## a\nx\n## b\nz\n"),
    Result(0, b"## a\nx\n## b\n"), Result(0, b"## a\nx\n## b\ny"),
    Result(0, b"## a\nx\n## b\ny\n\n"), Result(0, b"")])
def test_a_difference_is_seen(seen):
    """A wrong status, byte, or length is told."""
    expected = Result(0, b"## a\nx\n## b\ny\n")
    assert difference(expected, seen)
    assert not difference(expected, Result(0, expected.output))


def test_a_difference_names_its_case():
    """The report begins with the case to look at."""
    text = difference(Result(0, b"## a\nx\n## b\ny\n"),
                      Result(0, b"## a\nx\n## b\nz\n"))
    assert text.startswith("first difference in the case: b\n")
    assert "-y" in text and "+z" in text


def test_a_script_that_hangs_is_ended(busybox, tmp_path):
    """The driver ends it, says 137, and goes on; nothing of it is left."""
    suite = tmp_path / "suite"
    shutil.copytree(SUITE, suite)
    (suite / "hang.sh").write_text("echo begun; sleep 99 & sleep 100\n")
    (suite / "after.sh").write_text(
        "grep -l '^sleep' /proc/[0-9]*/cmdline; echo alive\n")
    argv = [str(suite) if word == str(SUITE) else word
            for word in sandbox(busybox, tmp_path)]
    subprocess.run(argv + ["/bin/busybox", "sh", "/suite/driver.sh",
                           "/out/results", "1", "/tmp", "/var", "hang",
                           "after"], check=True, timeout=60,
                   stdin=subprocess.DEVNULL, capture_output=True)
    results = parse((tmp_path / "results").read_bytes())
    assert results["hang"].status == KILLED
    assert results["hang"].output.startswith(b"begun\n")
    assert results["after"].output == b"alive\n"


if __name__ == "__main__":
    record()
