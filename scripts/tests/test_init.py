"""init as process 1 of a Linux container: a root made for it, its command's
serial line a pseudo-terminal, its kernel log a file. Wants root and unshare."""

import os
import pty
import select
import shutil
import subprocess

import pexpect.fdpexpect
import pytest
from conftest import ROOT, needs_user_space

BUSYBOX = ROOT / "build/busybox"
LIMIT = 120             # seconds, for what hangs: hosts differ

pytestmark = [needs_user_space, pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("unshare"),
    reason="needs root and unshare")]

# In a mount namespace of its own: bind what init needs, then become init.
ENTER = """
set -e
mount --bind "$1" "$1"
mount --bind "$1/dev" "$1/dev"
[ -z "$2" ] || mount --bind "$2" "$1/dev/$3"
exec chroot "$1" /init
"""


@pytest.fixture(scope="session")
def init():
    subprocess.run(["make", "-s", "-f", "user/user.mk", "build/user/bin/init"],
                   cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return ROOT / "build/user/bin/init"


@pytest.fixture
def guest(tmp_path, init):
    """A root folder with busybox, init and the files that stand for devices."""
    for folder in "bin", "dev", "proc", "tmp", "root", ".hardtack":
        (tmp_path / folder).mkdir()
    shutil.copy(init, tmp_path / "init")
    shutil.copy(BUSYBOX, tmp_path / "bin/busybox")
    for applet in "sh", "printf", "cat", "sleep", "env", "stty", "ps":
        (tmp_path / "bin" / applet).symlink_to("busybox")
    for device in "console", "kmsg", "null":
        (tmp_path / "dev" / device).touch()
    return tmp_path


def start(guest, device="", terminal=""):
    """Becomes init in the guest's root, with a terminal as one device."""
    if device:
        (guest / "dev" / device).touch()
    return subprocess.Popen(
        ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c",
         ENTER, "sh", guest, terminal, device],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL)


def boot(guest, argv, env=(), channel=True):
    """Runs a command by init; what came out of the serial line."""
    (guest / ".hardtack/run").write_bytes(
        b"".join(os.fsencode(word) + b"\0" for word in argv))
    if env:
        (guest / ".hardtack/env").write_bytes("\0".join(env).encode())
    master, slave = pty.openpty()
    running = start(guest, *("ttyS1", os.ttyname(slave)) if channel else ())
    try:
        running.wait(timeout=LIMIT)
    finally:
        running.kill()
    received = b""
    while select.select([master], [], [], 0)[0]:
        received += os.read(master, 65536)
    os.close(master)
    os.close(slave)
    return received


def log(guest):
    return (guest / "dev/kmsg").read_text()


STATUS = "init: command exited with status {}\n"


def test_output_passes_unchanged(guest):
    assert boot(guest, ["printf", "a\\nb\\r\\n\\004\\001x"]) \
        == b"a\nb\r\n\x04\x01x"
    assert log(guest) == STATUS.format(0)


def test_arguments_and_status(guest):
    out = boot(guest, ["sh", "-c", 'printf "<%s>" "$@"; exit 42', "sh",
                       "a b", "", "c'd"])
    assert out == b"<a b><><c'd>"
    assert log(guest) == STATUS.format(42)


def test_killed_by_signal(guest):
    boot(guest, ["sh", "-c", "kill -9 $$"])
    assert log(guest) == STATUS.format(137)


def test_not_found(guest):
    assert boot(guest, ["no-such"]) \
        == b"init: no-such: No such file or directory\n"
    assert log(guest) == STATUS.format(127)


def test_not_executable(guest):
    (guest / "plain").write_text("x")
    assert boot(guest, ["/plain"]) == b"init: /plain: Permission denied\n"
    assert log(guest) == STATUS.format(126)


def test_empty_command(guest):
    assert boot(guest, []) == b"init: /.hardtack/run holds no command\n"
    assert log(guest) == STATUS.format(127)


def test_environment(guest):
    out = boot(guest, ["env"], env=["A=b c", "HOME=/elsewhere", "nonsense"])
    lines = out.decode().splitlines()
    assert "A=b c" in lines and "HOME=/elsewhere" in lines
    assert "TERM=linux" in lines
    assert any(line.startswith("PATH=/sbin:/bin") for line in lines)
    assert not any("nonsense" in line for line in lines)


def test_orphans_are_reaped(guest):
    """The command's orphan exits first; its status must not be taken."""
    out = boot(guest, ["sh", "-c", """
        sh -c '(until [ -e /tmp/go ]; do :; done; exit 9) &
            echo $! >/tmp/orphan'
        [ -e /proc/$(cat /tmp/orphan) ] || echo none
        : >/tmp/go
        while [ -e /proc/$(cat /tmp/orphan) ]; do :; done
        exit 5"""])
    assert out == b""
    assert log(guest) == STATUS.format(5)


def test_no_channel(guest):
    boot(guest, ["sh", "-c", "exit 3"], channel=False)
    assert "using the console" in (guest / "dev/console").read_text()
    assert log(guest) == STATUS.format(3)


@pytest.fixture
def console(guest):
    """A terminal for the console; init runs until the test is over."""
    master, slave = pty.openpty()
    terminal = pexpect.fdpexpect.fdspawn(master, timeout=LIMIT, encoding="utf-8")
    terminal.start = lambda: setattr(
        terminal, "init", start(guest, "console", os.ttyname(slave)))
    terminal.init = None
    yield terminal
    if terminal.init:
        terminal.init.kill()
        terminal.init.wait()
    os.close(slave)


def test_shell_is_respawned(console):
    console.start()
    console.expect("# ")
    console.send("cd; pwd; echo pid-$((20 + 3)) $PPID\n")
    console.expect(r"/root\r\npid-23 1\r\n")
    console.expect("# ")
    console.send("exit\n")
    console.expect("# ")
    console.send("echo again-$((1 + 1))\n")
    console.expect("again-2\r\n")


def test_shell_has_job_control(console):
    """Its own session with the console as its terminal: ^C reaches the job."""
    console.start()
    console.expect("# ")
    console.send("sh -c 'echo i''s there; exec sleep 1000'\n")
    console.expect("is there\r\n")
    console.send("\x03")
    console.expect("# ")
    console.send("echo status-$?\n")
    console.expect("status-130\r\n")


def test_no_shell(guest, console):
    (guest / "bin/sh").unlink()
    console.start()
    console.expect("there is no /bin/sh on this disk.*scripts/mkroot")


def test_refuses_other_processes(init):
    done = subprocess.run([init], capture_output=True, text=True,
                          timeout=LIMIT)
    assert done.returncode == 2 and "process 1" in done.stderr
