"""gdb's helper: a backtrace goes through a trap frame."""

import subprocess
import time

import pytest
from conftest import ROOT
from hardtack import tree


@pytest.fixture
def debugged(tmp_path):
    """A machine that runs the self-tests of chapter trap under gdb."""
    kernel = tree.kernel_image("trap", debug=True)
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


def test_backtrace_through_a_trap_frame(debugged):
    out = debugged("hbreak trap_dispatch", "continue", "bt", "trapframe", "ps")
    trap, _, below = out.partition("vector_common")
    assert "trap_dispatch" in trap
    assert "selftest_run" in below and "boot_main" in below
    assert "from kernel" in below and "rip 0xffffffff8" in below
    assert "no processes" in below
    assert "Traceback" not in out and "Python Exception" not in out
