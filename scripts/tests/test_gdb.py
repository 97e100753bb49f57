"""gdb's helper: a backtrace through a trap frame, the processes."""

import re
import subprocess
import time

import pytest
from conftest import ROOT
from hardtack import tree


@pytest.fixture
def debugged(tmp_path, request):
    """A machine that runs a chapter's self-tests under gdb."""
    kernel = tree.kernel_image(request.param, debug=True)
    path = tmp_path / "gdb.sock"
    process = subprocess.Popen(
        [ROOT / "scripts/run", "--shell", "--gdb", path, "--kernel", kernel,
         "--no-disk", "--smp", "1", "--append", "selftest"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    def gdb(*commands):
        argv = ["gdb", "-q", "-batch", "-nx", "-x",
                ROOT / "scripts/gdb/hardtack.py",
                "-ex", f"target remote {path}"]
        for command in commands:
            argv += ["-ex", command]
        done = subprocess.run(argv + [kernel], capture_output=True, text=True,
                              timeout=120, check=False)
        return done.stdout + done.stderr

    deadline = time.monotonic() + 30
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    yield gdb
    process.terminate()
    process.wait(20)


@pytest.mark.parametrize("debugged", ["trap"], indirect=True)
def test_backtrace_through_a_trap_frame(debugged):
    out = debugged("hbreak trap_dispatch", "continue", "bt", "trapframe", "ps")
    trap, _, below = out.partition("vector_common")
    assert "trap_dispatch" in trap
    assert "selftest_run" in below and "boot_main" in below
    assert "from kernel" in below and "rip 0xffffffff8" in below
    assert "no processes" in below
    assert "Traceback" not in out and "Python Exception" not in out


@pytest.mark.parametrize("debugged", ["proc"], indirect=True)
def test_ps_shows_processes_and_threads(debugged):
    out = debugged("hbreak proc_exit", "continue", "ps")
    # init, which waits (or is about to) for the test's process, whose child
    # ends.
    rows = re.search(r"""^ +PID STATE +NAME
 +(\d+) alive +init
 +tid \1 (?:sleeping|runnable), CPU 0, 0xffff[0-9a-f]+
 +(\d+) alive +child
 +tid \2 (?:sleeping|runnable), CPU 0, 0xffff[0-9a-f]+
 +(\d+) alive +child
 +tid \3 runnable, CPU 0, 0xffff[0-9a-f]+$""", out, re.M)
    assert rows, out
    assert "Traceback" not in out and "Python Exception" not in out


@pytest.mark.parametrize("debugged", ["trap"], indirect=True)
def test_a_report_that_faults_ends(debugged):
    """A fault of the kernel whose report faults again and again is reported a
    few times, and then the machine is switched off: the stack does not run
    full, and it does not print on and on."""
    out = debugged("hbreak selftest_run", "continue",
                   "set var panic_ops.readable = 16", "set $pc = 16",
                   "hbreak power_off", "continue", "print 'panic.c'::nested", "bt")
    assert re.search(r"^\$1 = 5$", out, re.M), out
