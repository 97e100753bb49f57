"""scripts/run with a command: streams, status, files, disk."""

import hashlib
import os
import re
import select
import subprocess
import threading

import pytest
from conftest import ROOT, needs_user_space, run_tool
from hardtack import qemu

pytestmark = needs_user_space


def sh(script, *options, **more):
    """Run a line of shell in a guest."""
    return run_tool("--smp", 2, *options, "--", "/bin/sh", "-c", script, **more)


@pytest.mark.parametrize("script, status", [
    ("exit 0", 0), ("exit 77", 77), ("nosuchcommand", 127),
    ("touch /tmp/x; exec /tmp/x", 126), ("kill -9 $$", 128 + 9),
])
def test_exit_status(script, status):
    assert sh(script).returncode == status


def test_a_command_that_is_not_there():
    assert run_tool("--", "/nosuch").returncode == 127


def test_a_command_that_is_no_program():
    assert run_tool("--", "/etc/passwd").returncode == 126


def test_only_the_command_s_output_is_on_stdout():
    done = run_tool("--", "/bin/echo", "a  b", "", "c'\"\\")
    assert done.stdout == "a  b  c'\"\\\n"
    assert "init: command exited with status 0" in done.stderr


def test_bytes_pass_unchanged_both_ways(tmp_path):
    data = bytes(range(256)) * 100 + os.urandom(5000)
    (tmp_path / "in").write_bytes(data)
    done = run_tool("--stdin", tmp_path / "in", "--", "/bin/cat", text=False)
    assert done.stdout == data


def test_standard_input_is_passed_on_or_empty():
    done = run_tool("--stdin", "-", "--", "/usr/bin/wc", "-c", input="12345",
                    stdin=None)
    assert done.stdout.split() == ["5"]
    assert run_tool("--", "/usr/bin/wc", "-c").stdout.split() == ["0"]


@pytest.mark.parametrize("pause", [0, 2])
def test_live_input_is_whole_and_unchanged(pause):
    """Far more than all buffers on the way hold, from before the kernel runs,
    to a command that reads at once, or only after a while."""
    data = os.urandom(200_000)
    done = sh(f"sleep {pause}; head -c {len(data)} | md5sum", "-i",
              input=data, stdin=None, text=False)
    assert done.stdout.split()[:1] == [
        hashlib.md5(data).hexdigest().encode()], done.stderr.decode()


def test_live_input_waits_until_the_kernel_listens():
    """Before, an emulator could take a byte that the kernel never sees."""
    (source, to_source), (end, pipe) = os.pipe(), os.pipe()
    os.write(to_source, b"typed")
    os.close(to_source)
    listening = threading.Event()
    qemu.Input(source, pipe, listening)
    assert select.select([end], [], [], 0.3)[0] == []
    listening.set()
    assert os.read(end, 100) == b"typed"
    assert os.read(end, 100) == b""
    os.close(source)
    os.close(end)


def test_environment():
    done = sh('echo "$A|$B"', "--env", "A=x y", "--env", "B=")
    assert done.stdout == "x y|\n"


def test_files_in_and_out(tmp_path):
    data = os.urandom(300_000)
    (tmp_path / "in").write_bytes(data)
    done = sh("mkdir -p /new/er; tr 'a-z' 'A-Z' </deep/in >/new/er/out",
              "--put", f"{tmp_path}/in:/deep/in",
              "--get", f"/new/er/out:{tmp_path}/out")
    assert done.returncode == 0, done.stderr[-2000:]
    low, up = bytes(range(97, 123)), bytes(range(65, 91))
    assert (tmp_path / "out").read_bytes() == data.translate(
        bytes.maketrans(low, up))


def test_a_file_to_get_that_is_not_there(tmp_path):
    done = sh("true", "--get", f"/nosuch:{tmp_path}/x")
    assert done.returncode == 1
    assert "there is no /nosuch in the guest" in done.stderr
    assert sh("exit 5", "--get", f"/nosuch:{tmp_path}/x").returncode == 5


def test_a_disk_is_kept_and_sound(tmp_path):
    disk = tmp_path / "disk.img"
    assert sh("echo one >/root/f", "--disk", disk).returncode == 0
    done = sh("echo two >>/root/f; cat /root/f", "--disk", disk)
    assert done.stdout == "one\ntwo\n"
    judge = subprocess.run(["e2fsck", "-fn", disk], capture_output=True,
                           text=True, check=False)
    assert judge.returncode == 0, judge.stdout
    assert sh("test -e /root/f").returncode == 1    # not in the root image


def test_time_out():
    done = sh("echo begun; sleep 1000", "--timeout", 15, "--smp", 4)
    assert done.returncode == 124
    assert done.stdout == "begun\n"
    # Where the kernel is, by NMI: one CPU after the other.
    chains = re.findall(r"^cpu (\d) at\n((?:  [0-9a-f]{16} \S+\n)+)", done.stderr,
                        re.M)
    assert sorted(cpu for cpu, _ in chains) == ["0", "1", "2", "3"], done.stderr
    assert all("idle_loop+" in chain for _, chain in chains)


def test_too_much_output():
    done = sh("cat /dev/zero", "--limit", 1, text=False)
    assert done.returncode == 124
    assert len(done.stdout) <= 1 << 20


def test_kernel_log_to_a_file(tmp_path):
    done = sh("true", "--log", tmp_path / "log")
    assert done.stderr == ""
    assert "init: command exited with status 0" in (
        tmp_path / "log").read_text()


def test_two_guests_side_by_side():
    argv = [ROOT / "scripts/run", "--", "/bin/sh", "-c", "echo $$ >/f; cat /f"]
    both = [subprocess.Popen(argv, stdout=subprocess.PIPE, text=True,
                             stderr=subprocess.DEVNULL) for _ in "ab"]
    outputs = [p.communicate(timeout=120)[0] for p in both]
    assert [p.returncode for p in both] == [0, 0]
    assert outputs[0] == outputs[1] and outputs[0].strip().isdigit()


def test_instruction_clock_repeats():
    runs = [sh("date; cat /proc/uptime", "--icount", "--smp", 1)
            for _ in "ab"]
    assert runs[0].stdout == runs[1].stdout != ""
    assert "2024" in runs[0].stdout


def test_any_disk_under_the_instruction_clock(tmp_path):
    disk = tmp_path / "disk.img"
    assert sh("true", "--disk", disk).returncode == 0
    os.truncate(disk, disk.stat().st_size + 512)
    size = disk.stat().st_size
    assert sh("echo 1 >/root/f", "--icount", "--smp", 1,
              "--disk", disk).returncode == 0
    assert disk.stat().st_size == size
    assert sh("cat /root/f", "--disk", disk).stdout == "1\n"


def test_no_disk_says_what_to_do():
    done = run_tool("--no-disk", "--timeout", 60, "--", "/bin/true")
    assert done.returncode == 125
    assert "disk" in done.stderr


def test_reboot_is_told_apart_from_a_crash():
    done = sh("reboot -f")
    assert done.returncode == 125
    assert "the machine was reset" in done.stderr
