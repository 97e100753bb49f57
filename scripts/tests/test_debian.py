"""Debian's own programs on Linux and on Hardtack, compared byte for byte.

user/tests/debian/README.md says how the suite is made. Linux is this machine:
the programs run in a bubblewrap sandbox on the very tree that the guest's image
was made from, so both sides have the same files. Hardtack runs the same jobs
as the command of one boot. Besides: the shell at the console, as a person uses
it, and a database when the power fails.
"""

import os
import random
import re
import shutil
import subprocess

import pexpect
import pytest
from conftest import ROOT, needs_user_space, run_tool
from test_busybox import Run, difference, parse
from test_console import ANYWHERE, NEXT, READY, Shell, loud
from test_console import difference as transcript_difference
from test_powercut import (MARKS, SYNCED, logged_disk, more_disks, new_disk,
                           states, told)

SUITE = ROOT / "user/tests/debian"

# Jobs that need chapters which a tree may not have yet.
NEEDS = {"sockets": ("event", "socket")}


def can_run(job):
    """Whether the chapters that the job needs are there."""
    return all(list((ROOT / "kern").glob(f"*-{chapter}"))
               for chapter in NEEDS.get(job, ()))


JOBS = sorted(p.stem for p in SUITE.glob("*.sh")
              if p.stem != "driver" and can_run(p.stem))
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
        "--dev", "/dev", "--tmpfs", "/tmp", "--dir", "/home/student",
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


# --- At the console -----------------------------------------------------------

class Bash(Shell):
    """bash at a terminal. Its prompt is to begin a line."""

    FIRST = ["bind 'set enable-bracketed-paste off'"]


CTRL = {name: chr(ord(name) - 64) for name in "BCDKRWYZ"}
# A job that says when the terminal is its own: the shell says "fg" before.
IN_FRONT = ("sh -c 'until [ $(cut -d\" \" -f8 /proc/$$/stat) = $$ ]; do sleep 0.1;"
            " done; echo in front; exec sleep 1001'")
SESSIONS = {
    "job control": [
        [(loud("sleep 1000") + "\n", READY), (CTRL["Z"], NEXT)],
        "jobs",
        IN_FRONT + " &",
        "jobs",
        "bg %1",
        "jobs %1; kill %1; wait %1; echo $?",
        [("fg\n", "in front\r*\n"), (CTRL["C"], NEXT)],
        "echo $?; jobs",
        "(exit 3) & wait $!; echo $?",
        [("cat | tr a-z A-Z | " + loud("cat") + "\n", READY),
         ("through three\n", "THREE|three"), (CTRL["D"], NEXT)],
        [(loud("cat") + "\n", READY), (CTRL["Z"], NEXT)],
        [("fg\n", "cat'?\r*\n"), ("read again\n", "again\r*\nread again\r*\n"),
         (CTRL["D"], ANYWHERE)],
        "set -b; sleep 0 & wait; set +b",
        "trap 'echo chld' CHLD; /bin/true; trap - CHLD",
        "bash -c 'kill -STOP $$; echo went on'; fg",
        "disown -a; echo $-",
    ],
    "the line editor": [
        "cho one\x1b[He",      # Home: ^A is for QEMU
        f"echo rest kill{CTRL['B']}{CTRL['B']}{CTRL['B']}{CTRL['B']}"
        f"{CTRL['K']}done",
        f"echo a b{CTRL['W']}c {CTRL['Y']}",
        "echo first; true",
        [("!!\n", NEXT)],
        [(f"{CTRL['R']}first\r", NEXT)],
        [("\x1b[A\x1b[A\n", NEXT)],
        [(f"echo never{CTRL['C']}", NEXT)],
        "touch 'a long name'; mkdir folder",
        [("echo a\\ l\t\n", NEXT)],
        [("cd fol\t\n", NEXT)],
        "cd ..; history | tail -n 3 | cut -c8-",
        [("for i in 1 2\n", "> "), ("do echo $i\n", "> "), ("done\n", NEXT)],
        [("read -s -p 'sec''ret: ' x; echo; echo ${#x}\n", "secret: $"),
         ("word\n", NEXT)],
        [("select x in p q; do echo $x; break; done\n", r"#\? $"),
         ("2\n", NEXT)],
    ],
    "full screens": [
        "seq 1 100 > n",
        [("less n\n", r"\x1b\[7mn"), (" ", r"\n46\r*\n.*:"), ("/77\n", "99"),
         ("q", ANYWHERE)],
        # A word may be drawn in pieces, as it comes: its last letter is waited
        # for.
        [("vi f\n", r"\[New"), ("ihello world\x1bo", "d"), ("second\x1b", "d"),
         (":1s/world/vim/\n:wq\n", "written.*" + ANYWHERE)],
        "cat f",
        [("top -d 100\n", "COMMAND"), ("q", ANYWHERE)],
        "stty -a | grep -o -- '-*icanon\\|-*echo '",
    ],
    "interpreters": [
        [("python3 -q\n", ">>> $"), ("6 * 7\n", "42\r*\n>>> $"),
         ("import os; os.isatty(0)\n", "True\r*\n>>> $"),
         (CTRL["D"], NEXT)],
        [("python3 -q\n", ">>> $"),
         # It is past its first instruction, which has line 0, once it speaks.
         ("for i in range(10 ** 12): x = i or print('going')\n\n", r"\ngoing\r*\n"),
         (CTRL["C"], "KeyboardInterrupt\r*\n>>> $"), ("exit()\n", NEXT)],
        [("sqlite3\n", "sqlite> $"), ("select 1 +\n", r"   \.\.\.> $"),
         ("2;\n", r"3\r*\n.*sqlite> $"), (CTRL["D"], ANYWHERE)],
        [("lua5.4\n", "> $"), ("= 6 * 7\n", r"42\r*\n.*> $"), (CTRL["D"], NEXT)],
    ],
}


@pytest.fixture(scope="module")
def local_bash(image, suite):
    """local_bash(name): a session on this machine."""
    def get(name):
        bash = Bash([*sandbox(suite, "--setenv", "HOME", "/root", "--setenv",
                              "TERM", "linux", "--setenv", "PATH", GUEST_PATH),
                     "bash", "--login"])
        try:
            return without_numbers(bash.session(SESSIONS[name]))
        finally:
            bash.close()
    return get


@pytest.fixture(scope="module")
def console(image):
    """console(): bash at the console of one boot, or of a new one."""
    made = []

    def get(broken=False):
        if made and broken:
            made.pop().close()
        if not made:
            made.append(Bash(["make", "-s", "qemu", "DEBIAN=1"],
                             cwd=str(ROOT)))
        return made[0]
    yield get
    if made:
        made[0].close()


GUEST_PATH = "/sbin:/bin:/usr/sbin:/usr/bin"


def without_numbers(transcript):
    """The same without what differs: numbers of processes; and full screens,
    of which what is redrawn depends on how fast keys come."""
    return [(typed, "" if typed.startswith(("less ", "vi ", "top ")) else re.sub(r"(\[\d\][+-]?) +\d+", r"\1 PID", shown))
            for typed, shown in transcript]


@pytest.mark.parametrize("name", SESSIONS)
def test_at_the_console(local_bash, console, name):
    """What a person sees there is what a terminal on Linux shows."""
    expected = local_bash(name)
    try:
        seen = without_numbers(console().session(SESSIONS[name]))
    except pexpect.ExceptionPexpect as error:
        console(broken=True)
        raise AssertionError(f"no answer: {error}") from error
    problem = transcript_difference(expected, seen, ("Linux", "Hardtack"))
    assert not problem, problem


# --- A database when the power fails ------------------------------------------

GROUPS, ROWS = 12, 20   # transactions for each database, rows in each
STATES, MOUNTED = 30, 4
DATABASES = ("delete", "wal")      # journal modes
SHOW = "".join(
    f"sqlite3 {mode}.db 'pragma integrity_check'\n"
    f"sqlite3 {mode}.db 'select count(*), count(*) % {ROWS} from t' 2>&1\n"
    for mode in DATABASES)


def workload():
    """For bash: transactions; a mark on the disk after each commit."""
    sql, number = {}, 0
    for mode in DATABASES:
        sql[mode] = f"pragma journal_mode = {mode}; pragma synchronous = extra;\n"
        sql[mode] += "create table t (n, text);\n"
        for _ in range(GROUPS):
            number += 1
            sql[mode] += "begin;\n" + "".join(
                f"insert into t values ({row}, '{'x' * 90}');\n"
                for row in range(ROWS)) + "commit;\n"
            sql[mode] += f".shell bash /mark {SYNCED + number}\n"
    return "set -e\nmount -t ext2 /dev/sdb /mnt\ncd /mnt\n" + "".join(
        f"sqlite3 {mode}.db <<'END'\n{text}END\n"
        for mode, text in sql.items())


def check_rows(shown, committed):
    """What SHOW has printed of a state: whole, and all that was committed."""
    lines = shown.splitlines()
    for mode in DATABASES:
        least = min(committed, GROUPS) * ROWS
        committed -= min(committed, GROUPS)
        assert lines.pop(0) == "ok", (mode, shown)
        answer = lines.pop(0)
        if "no such table" in answer and not least:
            continue
        rows, rest = map(int, answer.split("|"))
        assert rest == 0 and rows >= least, (mode, rows, least)
    assert not lines


def seen_by_linux(suite, folder, state):
    """The databases of a state, which e2fsck recovers, read on this machine."""
    path, files = folder / "state.img", folder / "files"
    path.write_bytes(state)
    assert subprocess.run(["e2fsck", "-fp", path], stdout=subprocess.DEVNULL,
                          check=False).returncode < 2
    shutil.rmtree(files, ignore_errors=True)
    files.mkdir()
    subprocess.run(["debugfs", "-R", f"rdump / {files}", path], check=True,
                   capture_output=True)
    return subprocess.run(
        [*sandbox(suite, "--bind", str(files), "/mnt"), "bash", "-c",
         "cd /mnt\n" + SHOW + "true"], check=True, capture_output=True,
        text=True).stdout


def test_database_after_power_cuts(image, suite, tmp_path):
    """Each state that a cut can leave holds a sound database with every
    committed transaction, whole; the kernel recovers it as e2fsck does."""
    disk, log = tmp_path / "disk.img", tmp_path / "log"
    first = new_disk(disk)
    (tmp_path / "work").write_text(workload())
    (tmp_path / "mark").write_text(
        f"printf '%016d' $1 | dd of=/dev/sdb bs=512 seek={MARKS} "
        "conv=notrunc status=none\n")
    done = run_tool("--root", image, "--put", f"{tmp_path}/work:/work", "--put",
                    f"{tmp_path}/mark:/mark", *logged_disk(disk, log), "--",
                    "bash", "/work")
    assert done.returncode == 0, (done.stdout[-500:], done.stderr[-2000:])
    rng = random.Random(5)
    candidates = list(states(first, told(log), rng, cuts=2, part=0.2))
    assert len(candidates) > STATES
    kept = []
    for state, committed, _ in rng.sample(candidates, STATES):
        shown = seen_by_linux(suite, tmp_path, state)
        check_rows(shown, committed)
        kept.append((state, shown))
    kept = kept[:MOUNTED]
    (tmp_path / "show").write_text(
        f"for disk in {' '.join('bcde'[:len(kept)])}; do\necho disk\n"
        f"mount -t ext2 /dev/sd$disk /mnt && cd /mnt\n{SHOW}cd /; umount /mnt\n"
        "done\n")
    done = run_tool("--root", image, *more_disks([s for s, _ in kept], tmp_path),
                    "--put", f"{tmp_path}/show:/show", "--", "bash", "/show")
    assert done.stdout.split("disk\n")[1:] == [shown for _, shown in kept], \
        done.stdout + done.stderr[-2000:]
