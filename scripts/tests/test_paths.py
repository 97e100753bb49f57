"""Every call on names with every kind of path: Hardtack answers what Linux
answers, and leaves the same folder behind (user/tests/paths.c)."""

import os
import subprocess

import pytest
from conftest import ROOT, Guest, needs_user_space

PROGRAM = "/usr/lib/hardtack/tests/paths"
USERS = {"root": "home", "user": "tmp"}  # and where: ext2, tmpfs


@pytest.fixture(scope="module")
def on_linux():
    """{who: lines}; on a tmpfs, for speed."""
    folder = f"/dev/shm/hardtack.{os.getpid()}"
    os.umask(0o022)
    os.mkdir(folder)
    try:
        return {who: subprocess.run([ROOT / "build/user/tests/paths", folder,
                                     who], check=True, capture_output=True,
                                    text=True).stdout.splitlines()
                for who in USERS}
    finally:
        os.rmdir(folder)


@pytest.fixture(scope="module")
def on_hardtack(tmp_path_factory):
    machine = Guest(tmp_path_factory.mktemp("paths"))
    for who, folder in USERS.items():
        machine.add(who, f"exec {PROGRAM} /{folder} {who}")
    return machine.run()


@needs_user_space
@pytest.mark.skipif(os.geteuid() != 0, reason="the calls change users")
@pytest.mark.parametrize("who", USERS)
def test_same_answers(on_linux, on_hardtack, who):
    status, output = on_hardtack[who]
    assert status == 0
    ours, theirs = output.splitlines(), on_linux[who]
    wrong = [pair for pair in zip(ours, theirs) if pair[0] != pair[1]]
    assert not wrong, f"{len(wrong)} differ, first {wrong[0]}"
    assert len(ours) == len(theirs) > 1000
