"""What untrusted code cannot do, tried."""

import subprocess

import common  # noqa: F401
import pytest
from grading import host, sandbox
from grading.lab import ROOT


@pytest.fixture(scope="module")
def box():
    return sandbox.Sandbox()


def run(box, *command, **folders):
    """Run in the sandbox; (status, output)."""
    done = subprocess.run(box.argv(command, **folders), capture_output=True,
                          text=True, timeout=60, check=False)
    return done.returncode, done.stdout + done.stderr


def test_system_is_there(box):
    assert run(box, "sh", "-c", "gcc --version && make --version")[0] == 0


def test_grader_and_homes_are_not(box):
    for path in (ROOT, ROOT / "grading", "/root", "/home", "/etc/passwd",
                 "/var"):
        status, text = run(box, "ls", str(path))
        assert status != 0 and "No such file" in text, path


def test_no_network(box):
    status, text = run(box, "cat", "/proc/net/dev")
    assert status == 0
    names = [line.split(":")[0].strip() for line in text.splitlines()[2:]]
    assert set(names) <= {"lo"}


def test_only_named_folders_can_be_written(box, tmp_path):
    mine, other = tmp_path / "mine", tmp_path / "other"
    mine.mkdir()
    other.mkdir()
    assert run(box, "touch", str(mine / "a"), write=[mine])[0] == 0
    assert (mine / "a").exists()
    assert run(box, "touch", str(other / "a"), read=[other])[0] != 0
    assert run(box, "touch", "/usr/a")[0] != 0


def test_other_processes_are_not_seen(box):
    status, text = run(box, "sh", "-c", "ls /proc | grep -c '^[0-9]'")
    assert status == 0 and int(text) < 8


def test_limits():
    done = subprocess.run(
        ["sh", "-c", "while :; do :; done"], timeout=60, check=False,
        preexec_fn=sandbox.limits(cpu_s=1, memory_mib=1024, file_mib=1))
    assert done.returncode < 0
    done = subprocess.run(
        ["head", "-c", "3000000", "/dev/zero"], stdout=subprocess.PIPE,
        check=True, preexec_fn=sandbox.limits(60, 1024, 1))
    assert len(done.stdout) == 3000000      # a pipe is no file


def test_without_it_nothing_is_changed():
    assert sandbox.Sandbox(False).argv(["a", "b"]) == ["a", "b"]


# ---- The host's programs, on what a submission made ----

def test_host_programs_see_one_folder(box, tmp_path):
    tools = host.Host(box, tmp_path / "files")
    inside, outside = tools.path("a", b"in"), tmp_path / "secret"
    outside.write_text("out")
    assert tools.run("cat", inside) == (0, "in")
    status, text = tools.run("cat", outside)
    assert status == 1 and "No such file" in text


def test_host_programs_come_to_an_end(box, tmp_path, monkeypatch):
    monkeypatch.setattr(host, "CPU_S", 1)
    status, _ = host.Host(box, tmp_path).run("sh", "-c", "while :; do :; done")
    assert status != 0
