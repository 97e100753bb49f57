"""What scripts/run makes of kernels that end in every way one can."""

import signal
import subprocess
import time

import pytest
import tiny
from conftest import ROOT, run_tool

PASSED = "selftest: 3 passed, 0 failed\npower off\n"
PANIC = "panic: the dough is dry\n  ffffffff80100000 knead+0x10\npanic: end\n"


def end(tmp_path, text, ending, *options):
    """Run a tiny kernel in the self-tests' way."""
    elf = tiny.build(tmp_path, text, ending)
    return run_tool("--kernel", elf, "--no-disk", "--smp", 1, *options)


@pytest.mark.parametrize("text, ending, status", [
    (PASSED, "off", 0),
    (PASSED, "acpi", 0),
    ("selftest: 3 passed, 1 failed\n", "fail", 1),
    ("selftest: 3 passed, 1 failed\n", "off", 1),
    ("selftest: 0 passed, 0 failed\n", "off", 1),
    (PASSED, "fail", 1),
    ("selftest: 3 passed, 0 failed, or so\n", "off", 125),
])
def test_selftest_verdict(tmp_path, text, ending, status):
    assert end(tmp_path, text, ending).returncode == status


@pytest.mark.parametrize("text, ending, status, says", [
    (PANIC, "fail", 125, "kernel panic:\n" + PANIC.strip()),
    (PANIC, "off", 125, "kernel panic:"),
    ("panic: cut sho", "triple", 125, "panic: cut sho"),
    ("", "triple", 125, "triple fault: CPU 0 at _start+"),
    (PASSED, "triple", 125, "triple fault"),
    ("", "reset", 125, "the machine was reset"),
    ("", "off", 125, "switched off before"),
])
def test_crashes_are_told_apart(tmp_path, text, ending, status, says):
    done = end(tmp_path, text, ending)
    assert done.returncode == status
    assert says in done.stderr


def test_hang_is_a_time_out(tmp_path):
    done = end(tmp_path, "thinking\n", "hang", "--timeout", 8)
    assert done.returncode == 124
    assert "timed out after 8 seconds" in done.stderr


def test_panic_that_hangs_is_a_panic(tmp_path):
    done = end(tmp_path, PANIC, "hang", "--timeout", 8)
    assert done.returncode == 125


def test_endless_print_is_stopped(tmp_path):
    done = end(tmp_path, "", "endless", "--limit", 1)
    assert done.returncode == 124
    assert "too much output" in done.stderr
    assert len(done.stderr) < 2 << 20


def test_output_is_binary_clean_and_apart_from_the_log(tmp_path):
    elf = tiny.build(tmp_path, PASSED, "output")
    log = tmp_path / "log"
    done = run_tool("--kernel", elf, "--no-disk", "--log", log, text=False)
    assert done.stdout == bytes(range(256))
    assert log.read_text() == PASSED
    assert done.stderr == b""


def test_the_command_s_status_needs_an_orderly_end(tmp_path):
    from hardtack import machine, verdict
    said = "init: command exited with status 7\n"
    off = machine.Ending(said + "power off\n", "off")
    assert verdict.judge(off, False, 9) == (7, None)
    assert verdict.judge(machine.Ending(said, "timeout"), False, 9)[0] == 124
    assert verdict.judge(machine.Ending("", "off"), False, 9)[0] == 125
    # A program may write what it likes to the log; the last word is init's.
    forged = machine.Ending("panic: not really\n" + said, "off")
    assert verdict.judge(forged, False, 9) == (7, None)


@pytest.mark.parametrize("argv, says", [
    ([], "no command"),
    (["--chapter", "nowhere"], "there is no chapter 'nowhere'"),
    (["--put", "a", "--", "x"], "not of the form FROM:TO"),
    (["--kernel", "/nonexistent"], "no such kernel"),
    (["--kernel", "/bin/true"], "QEMU failed"),
    (["--smp", "0", "--selftest"], "must be positive"),
    (["--smp", "two", "--selftest"], "invalid int"),
])
def test_wrong_usage_is_status_2_and_a_word(argv, says):
    done = run_tool(*argv)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT,
                                    signal.SIGKILL])
def test_an_interrupted_run_leaves_no_machine(tmp_path, number):
    elf = tiny.build(tmp_path, "waiting\n", "hang")
    with subprocess.Popen(
            [ROOT / "scripts/run", "--kernel", elf, "--no-disk"],
            stderr=subprocess.PIPE, stdin=subprocess.DEVNULL) as process:
        assert b"waiting" in process.stderr.readline()
        child = children(process.pid)
        assert len(child) == 1
        process.send_signal(number)
        process.wait(20)
    deadline = time.monotonic() + 20
    while alive(child[0]) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not alive(child[0])


def children(pid):
    """Ids of a process's children."""
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
        return [int(word) for word in f.read().split()]


def alive(pid):
    """Whether a process is there and not only waiting to be reaped."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as f:
            return f.read().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_two_runs_side_by_side(tmp_path):
    elf = tiny.build(tmp_path, PASSED, "off")
    argv = [ROOT / "scripts/run", "--kernel", elf, "--no-disk"]
    both = [subprocess.Popen(argv, stderr=subprocess.DEVNULL) for _ in "ab"]
    assert [p.wait(60) for p in both] == [0, 0]


def test_where_bochs_was():
    """Its debugger's answers at a time-out become a backtrace of each CPU."""
    from hardtack import bochs, tree
    names = [line.split() for line in subprocess.run(
        ["nm", tree.kernel_image()], check=True, capture_output=True,
        text=True).stdout.splitlines()]
    idle = int(next(a for a, _, name in names if name == "idle_loop"), 16)
    said = (f"<bochs:1> set $cpu=0\n<bochs:2> bt 20\n"
            f"ffffc0000000fef8 -> {idle + 9:x} ((null))\n"
            f"<bochs:3> set $cpu=1\n<bochs:4> bt 20\n"
            f"ffffc0000000ff08 -> {idle + 1:x} (<unknown>)\n"
            f"ffffc0000000ff18 -> 0000000000000010 (<unknown>)\n")
    assert bochs._where(said, tree.kernel_image()) == (
        f"cpu 0 at\n  {idle + 9:x} idle_loop+0x9\n"
        f"cpu 1 at\n  {idle + 1:x} idle_loop+0x1\n")
