"""fsx: random operations on a file, compared with a model while they run. Here
the file is on ext2 with a journal; afterwards e2fsck judges the disk, and what
debugfs finds in the file is what the program says it left there."""

import re
import subprocess
import zlib

import pytest
from conftest import ROOT, needs_user_space, run_tool

PROGRAM = "/usr/lib/hardtack/tests/fsx"
TAILS = "/usr/lib/hardtack/tests/tails"  # fills the journal
SECOND_DISK = ["--qemu=-drive", "--qemu=file={},if=none,id=second,format=raw",
               "--qemu=-device", "--qemu=ide-hd,drive=second,bus=ide.2"]
OPERATIONS = 8000


def adler(output):
    """The file's size and sum, as fsx says."""
    found = re.search(r"operations, seed \d+: (\d+) bytes, adler32 (\w+)",
                      output)
    assert found, output
    return int(found[1]), int(found[2], 16)


def sums(data):
    return len(data), zlib.adler32(data)


def fsck(image):
    done = subprocess.run(["e2fsck", "-fn", image], capture_output=True,
                          text=True)
    assert done.returncode == 0, done.stdout


def on_linux(image, folder, want):
    """Linux mounts the same disk, finds the same, and goes on with it."""
    folder.mkdir()
    if subprocess.run(["mount", "-o", "loop", image, folder],
                      capture_output=True).returncode:
        return  # not root, or no loop devices
    try:
        assert sums((folder / "f").read_bytes()) == want
        subprocess.run([ROOT / "build/user/tests/fsx", folder / "f", "2000"],
                       check=True, capture_output=True)
    finally:
        subprocess.run(["umount", folder], check=True)
    fsck(image)


@needs_user_space
@pytest.mark.parametrize("block, seed", [(1024, 11), (4096, 12)])
def test_on_ext2(tmp_path, block, seed):
    image, dump = tmp_path / "image", tmp_path / "dump"
    subprocess.run(["mke2fs", "-q", "-F", "-t", "ext2", "-j", "-J",
                    f"size={block // 1024}", "-b", str(block), image,
                    "16384k"], check=True)
    disk = [option.format(image) for option in SECOND_DISK]
    done = run_tool(*disk, "--timeout", 200, "--", "sh", "-c",
                    f"mount -t ext2 /dev/sdb /mnt && {TAILS} /mnt && "
                    f"{PROGRAM} /mnt/f {OPERATIONS} {seed} && umount /mnt")
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]
    fsck(image)
    subprocess.run(["debugfs", "-R", f"dump /f {dump}", image], check=True,
                   capture_output=True)
    assert sums(dump.read_bytes()) == adler(done.stdout)
    on_linux(image, tmp_path / "mnt", adler(done.stdout))


@needs_user_space
def test_on_tmpfs():
    done = run_tool("--", PROGRAM, "/tmp/f", OPERATIONS, 13)
    assert done.returncode == 0, done.stdout
    assert adler(done.stdout)


def test_on_the_host(tmp_path):
    program = ROOT / "build/user/tests/fsx"
    done = subprocess.run([program, tmp_path / "f", str(OPERATIONS), "14"],
                          capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stdout
    assert sums((tmp_path / "f").read_bytes()) == adler(done.stdout)
