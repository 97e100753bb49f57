"""A person at the serial console: `make qemu`, typed at."""

import pexpect
import pytest
from conftest import ROOT, needs_user_space

pytestmark = needs_user_space
PROMPT = r"[#$] $"


@pytest.fixture
def console():
    """A shell's prompt on the first serial port."""
    child = pexpect.spawn("make", ["-s", "qemu"], cwd=str(ROOT), timeout=120,
                          encoding="utf-8", codec_errors="replace")
    child.expect(PROMPT)
    yield child
    child.close(force=True)


def test_type_a_command_and_power_off(console):
    console.sendline("echo $((6 * 7)) > /tmp/f; cat /tmp/f")
    console.expect("\n42\r?\n")
    console.expect(PROMPT)
    console.sendline("poweroff -f")
    console.expect(pexpect.EOF)
    console.wait()
    assert console.exitstatus == 0


def test_interrupt_key(console):
    console.sendline("sleep 1000")
    console.expect("sleep 1000\r?\n")
    console.sendintr()
    console.expect(PROMPT)
    console.sendline("echo status $?")
    console.expect("status 130")


def test_end_of_file_key(console):
    console.sendline("cat > /tmp/g; echo got $(cat /tmp/g)")
    console.sendline("a line")
    console.sendeof()
    console.expect("got a line")
