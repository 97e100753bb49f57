"""The ABI and library test programs, the same ELFs on the host and on Hardtack:
what they expect is what Linux does, and Linux is asked first (as root, for they
change users). Then what misuses the machine: random calls, a fork bomb, a full
disk, full pipes, storms. Nothing of it may be left in the kernel."""

import functools
import os
import re
import subprocess

import pytest
from conftest import ROOT, Guest, needs_user_space, run_tool

OTHERS = {"fuzz", "storm"}  # in user/tests/abi, but run by tests of their own
PROGRAMS = sorted(
    path.stem for path in [*(ROOT / "user/tests/abi").glob("*.c"),
                           ROOT / "user/tests/libc.c"]
    if path.stem not in OTHERS)
FOLDERS = {"gcc": "build/user", "clang": "build/user-clang"}

MISUSE = ["forkbomb", "fulldisk", "fullpipe", "fuzz 1 20000", "storm"]
GUEST_FOLDER = "/usr/lib/hardtack/tests"
KEPT_KIB = 128      # page tables of kernel stacks, pages of slabs half full
COLD_KIB = 1024     # the same from the start of the machine on
# Numbers made at random hardly ever name a segment, or where it is attached.
UNLIKELY = {"shmat", "shmctl", "shmdt"}

HARNESS = """
#include "check.h"
TEST(passes) { CHECK(1); CHECK_EQ(2, 2); CHECK_ERR(close(-1), EBADF); }
TEST(skips) { SKIP("no reason"); }
TEST(check_fails) { CHECK(1 == 2); }
TEST(eq_fails) { CHECK_EQ(3, 4); }
TEST(err_succeeds) { CHECK_ERR(getpid(), EBADF); }
TEST(err_is_another) { CHECK_ERR(close(-1), ENOENT); }
TEST(require_fails) { REQUIRE(0); _exit(0); }
TEST(child_fails) { CHECK_EQ(IN_CHILD(CHECK(0)), 0); }
TEST(crashes) { *(volatile int *)BAD = 1; }
TEST(user_fails) { AS_USER(CHECK(getuid() == 0)); }
"""


needs_root = pytest.mark.skipif(os.geteuid() != 0,
                                reason="the tests change users")


def make(cc, *targets):
    subprocess.run(["make", "-s", "-f", "user/user.mk", f"CC={cc}", *targets],
                   cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


@pytest.fixture(scope="session", params=sorted(FOLDERS))
def folder(request):
    make(request.param, "user")
    return ROOT / FOLDERS[request.param] / "tests"


@needs_root
@pytest.mark.parametrize("program", PROGRAMS)
def test_program(folder, program):
    done = subprocess.run([folder / program], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=300)
    # What a sandbox around this Linux forbids is seen on Hardtack alone.
    wrong = [line for line in done.stdout.splitlines()
             if not line.startswith("ok ") and
             not (line.startswith("skip ") and line.endswith(" here"))]
    assert done.returncode == 0, "\n".join(wrong)
    assert len(wrong) == 1 and wrong[0].endswith(" 0 failed")


@needs_root
def test_the_harness_can_fail(tmp_path):
    make("gcc", "build/user/libc.a")
    source = tmp_path / "harness.c"
    source.write_text(HARNESS)
    builtin = subprocess.run(["gcc", "-print-file-name=include"], text=True,
                             capture_output=True, check=True).stdout.strip()
    program = tmp_path / "harness"
    subprocess.run(
        ["gcc", "-std=gnu11", "-ffreestanding", "-fno-pie",
         "-fno-stack-protector", "-nostdinc", "-isystem", builtin,
         "-Ilib/include", "-Iuser", "-Iuser/tests/abi", source, "build/user/libc.a",
         "-static", "-nostdlib", "-Wl,-u,_start", "-o", program],
        cwd=ROOT, check=True)
    done = subprocess.run([program], capture_output=True, text=True,
                          timeout=60)
    out = done.stdout.splitlines()
    assert done.returncode == 1
    assert out[-1] == "10 tests, 8 failed"
    assert "ok passes" in out and "skip skips: no reason" in out
    for name in ("check_fails", "eq_fails", "err_succeeds", "err_is_another",
                 "require_fails", "child_fails", "crashes", "user_fails"):
        assert f"FAIL {name}" in out
    assert any("close(-1) fails with 9 (Bad file descriptor), not ENOENT"
               in line for line in out)
    one = subprocess.run([program, "passes"], capture_output=True, text=True)
    assert one.returncode == 0
    assert subprocess.run([program, "no-such"]).returncode == 1


@needs_root
@pytest.mark.parametrize("command", MISUSE)
def test_misuse(folder, command):
    name, *arguments = command.split()
    done = subprocess.run([folder / name, *arguments], capture_output=True,
                          text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr


# --- The book's table, which `make abi` measures ---------------------------------

def page():
    """Its rows: {call: (tests, tests on Linux, on Hardtack, text)}."""
    rows = re.findall(r"^\| (\w+) \| (\d+) \| (\d+) \| (\d+) \|(.*)", (
        ROOT / "book/abi.md").read_text(), re.M)
    return {call: (int(tests), int(linux), int(hardtack), text)
            for call, tests, linux, hardtack, text in rows}


def test_the_page_has_every_call():
    calls = {name for path in (ROOT / "kern").glob("*/*.c") for name in
             re.findall(r"^SYSCALL\(NR_(\w+)", path.read_text(), re.M)}
    assert set(page()) == calls, "make abi measures it anew"
    for call, (tests, linux, hardtack, _) in page().items():
        assert tests == hardtack > 0 and linux > 0, call


def test_the_page_names_tests_that_are():
    names = {f"{path.stem}.{name}"
             for path in (ROOT / "user/tests/abi").glob("*.c") for name in
             re.findall(r"^TEST\((\w+)\)", path.read_text(), re.M)}
    for call, (*_, text) in page().items():
        assert set(re.findall(r"`(.*?)`", text)) <= names, call


def test_the_page_has_every_error():
    """Each is seen by a test, or excused."""
    lines = (ROOT / "user/tests/abi/errors").read_text().splitlines()
    excused = [[part.split() for part in line.split("|")[:2]]
               for line in lines if "|" in line and line[0] != "#"]
    for line in lines:
        if line[:1] in ("", "#", "[") or "|" in line:
            continue
        call, *errors = line.split()
        seen = set(re.findall(r"(\w+) `", page()[call][3]))
        unseen = [e for e in errors if e not in seen and not any(
            e in some and (call in calls or calls == ["*"])
            for calls, some in excused)]
        assert not unseen, call


# --- On Hardtack --------------------------------------------------------------

MACHINES = {
    "4cpus": ([], ""),
    "1cpu": (["--smp", 1, "--icount"], ""),
    "ext2": ([], "-d /home"),
    "debug": (["--debug"], ""),
    "debug1cpu": (["--debug", "--smp", 1, "--append",
                   "rootflags=data=journal"], "-d /home"),
}


COUNTED = "debug"   # where what is left is counted


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """results(name of a machine): all programs in one boot: {program: (status,
    output)}, and the Guest."""
    @functools.cache
    def boot(name):
        options, arguments = MACHINES[name]
        machine = Guest(tmp_path_factory.mktemp(name), *options)
        if name == COUNTED:
            machine.under = [f"{GUEST_FOLDER}/leaks", "-k", COLD_KIB]
        for program in PROGRAMS:
            machine.add(program, f"exec {GUEST_FOLDER}/{program} {arguments}")
        return machine.run(), machine
    return boot


@needs_user_space
@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("name", MACHINES)
def test_on_hardtack(results, name, program):
    outcomes, machine = results(name)
    assert program in outcomes, "it did not end:\n" + machine.log[-3000:]
    status, output = outcomes[program]
    wrong = [line for line in output.splitlines()
             if not line.startswith("ok ")]
    assert status == 0, "\n".join(wrong)


@needs_user_space
def test_nothing_is_left_of_all_programs(results):
    _, machine = results(COUNTED)
    text = machine.done.stdout.decode(errors="replace")
    left = [line for line in text.splitlines() if line.startswith("leaks:")]
    assert (machine.done.returncode, left) == (0, [])


def misuse(command, *options, timeout=280):
    """Runs a program that misuses the machine, which must stay up."""
    name, *arguments = command.split()
    done = run_tool(*options, "--timeout", timeout, "--",
                    f"{GUEST_FOLDER}/{name}", *arguments, timeout=timeout + 20)
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]


@needs_user_space
@pytest.mark.parametrize("command", [
    "forkbomb", "forkbomb --all 5", "fulldisk /", "fulldisk /tmp", "fullpipe",
    "fullpipe 100"])
def test_misuse_of_hardtack(command):
    misuse(command)


def without_leaks(warm_up, command, *options, timeout=280):
    """Runs a command after which the kernel must have all that it had, but for
    what the warm-up has made it keep. Its output."""
    done = run_tool(*options, "--timeout", timeout, "--",
                    f"{GUEST_FOLDER}/leaks", "-k", KEPT_KIB, "-w",
                    f"cd {GUEST_FOLDER}; ./{warm_up} >/dev/null",
                    *f"{GUEST_FOLDER}/{command}".split(), timeout=timeout + 20)
    assert done.returncode == 0, re.sub(
        "fuzz: call .*\n", "", done.stdout)[-4000:] + done.stderr[-3000:]
    return done.stdout


def test_fuzz_knows_every_call():
    known = re.findall(r"CALL\((\w+),",
                       (ROOT / "user/tests/abi/fuzzcalls.h").read_text())
    there = {name for path in (ROOT / "kern").glob("*/*.c")
             for name in re.findall(r"\bSYSCALL\(NR_(\w+),", path.read_text())
             if not path.name.startswith("test_")}
    assert there and not there - set(known)


@needs_user_space
def test_a_million_random_calls():
    output = without_leaks("fuzz --all 9 20000", "fuzz --all 1 1000000",
                           "--debug", timeout=900)
    # Each call that can succeed has done so.
    calls = re.findall(r"^fuzz: call (\w+) +\d+ +\d+( NEVER)?$", output, re.M)
    assert len(calls) > 200
    assert {name for name, never in calls if never} <= UNLIKELY


@needs_user_space
def test_random_calls_release():
    misuse("fuzz --all 2 100000")


@needs_user_space
@pytest.mark.parametrize("options", [["--debug"], ["--smp", 1]])
def test_storms(options):
    without_leaks("storm fork_and_exec_storm terminal_and_socket_storm", "storm",
                  "--mem", 640, *options)
