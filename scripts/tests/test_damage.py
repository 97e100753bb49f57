"""Damaged disks: fields of superblock, descriptors, inodes, directories, trees,
bitmaps and journal have extreme or random values. They are mounted, read and
changed, by the kernel's ext2 compiled for the host with sanitizers, and by the
kernel. All that may come of it is an error.

`make damage` tries a million, and each field with each extreme value."""

import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from conftest import needs_user_space, run_tool
from ext2_model import Host
from test_ext2 import build, fill, mke2fs, program  # noqa: F401 (fixture)

# Small, so that many can be tried.
DISKS = {
    "1k": ("-t ext2 -b 1024 -I 128 -N 128", 700),
    "4k": ("-t ext2 -b 4096 -I 256 -N 128", 1200),
    "rev0": ("-r 0 -b 1024 -O none -N 128", 700),
    "journal": ("-t ext2 -j -J size=1 -b 1024 -N 128", 1800),
}
EACH_STEP = 41     # in the tests, one in so many of the systematic ones
RANDOM = 300       # and so many random ones, of each kind of disk
ON_THE_KERNEL = 250


def good_disk(program, path, kind):  # noqa: F811
    """A disk with all kinds of files, trees and directories; with a journal,
    the power failed in the middle, and there is much to replay."""
    mke2fs(*DISKS[kind], path)
    fill(program, path)
    if kind == "journal":
        leave_a_log(program, path)
    return path


def leave_a_log(program, path):  # noqa: F811
    host = Host(program, path)
    host("mount", 0)
    for i in range(20):
        host("create", f"/n{i}", 0o100644, 0)
        host("write", f"/n{i}", 0, 3000, 1, 3000)
        if i % 3 == 0:
            host("sync")
        if i % 4 == 1:
            host("mkdir", f"/m{i}", 0o755)
        elif i % 4 == 2:
            host("rmdir", f"/m{i - 1}")
    host("sync")
    host("mkdir", "/lost", 0o755)
    host("poweroff")
    host("save", path)
    host.close()


def attempt(program, disk, *what):  # noqa: F811
    """Have the host build try damages. (tried, of which so many were mounted
    without a message)"""
    done = subprocess.run([program, disk, "corrupt", *map(str, what)],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, (
        f"ext2_host {disk} corrupt {' '.join(map(str, what))}: "
        f"{done.stdout[-60:]}\n{done.stderr[-4000:]}")
    return tuple(map(int, re.search(r"done (\d+), (\d+)", done.stdout).groups()))


@pytest.mark.parametrize("kind", DISKS)
def test_on_the_host(program, tmp_path, kind):  # noqa: F811
    disk = good_disk(program, str(tmp_path / "good.img"), kind)
    tried, silent = attempt(program, disk, "random", 1, RANDOM, 1)
    assert tried == RANDOM
    if kind != "journal":   # whose replaying is a message
        assert 20 < silent < tried * 4 / 5, "most is not met, or all"
    attempt(program, disk, "each", len(kind), 0, EACH_STEP)


@needs_user_space
@pytest.mark.parametrize("kind", DISKS)
def test_on_the_kernel(program, tmp_path, kind):  # noqa: F811
    """The kernel is not harmed, and nothing stays mounted, in use or leaked."""
    attempt_on_the_kernel(program, tmp_path, kind, ON_THE_KERNEL)


def attempt_on_the_kernel(program, folder, kind, count):  # noqa: F811
    disk = good_disk(program, f"{folder}/good-{kind}.img", kind)
    damage = f"{folder}/damage-{kind}"
    subprocess.run([program, disk, "save", "random", "5000", str(count), "1",
                    damage], check=True)
    blank = Path(folder) / f"blank-{kind}.img"
    blank.write_bytes(bytes(4 << 20))
    done = run_tool(
        "--put", f"{disk}:/good.img", "--put", f"{damage}:/damage",
        "--qemu=-drive", f"--qemu=file={blank},format=raw,if=none,id=second,"
        "cache=unsafe",
        "--qemu=-device", "--qemu=ide-hd,drive=second,bus=ide.1",
        "--timeout", 600, "--", "/bin/sh", "-c",
        "cd /usr/lib/hardtack/tests; grep pages: /proc/heap;"
        "mkdir /mnt/x; ./damaged /good.img /damage /dev/sdb /mnt/x &&"
        "grep pages: /proc/heap")
    assert done.returncode == 0, (done.stdout[-300:], done.stderr[-3000:])
    tried, mounted = map(int, re.search(r"done: (\d+) disks, (\d+) mounted",
                                        done.stdout).groups())
    assert tried == count and tried / 4 < mounted < tried
    before, after = map(int, re.findall(r"used (\d+)", done.stdout))
    assert after - before < 60, "the heap's pages are not given back"


def main(count):
    """Try @p count random damages and all systematic ones on all CPUs, then
    2000 on the kernel."""
    share = 1000
    with (tempfile.TemporaryDirectory() as folder,
          ThreadPoolExecutor(os.cpu_count()) as pool):
        host = build(folder)
        jobs = []
        for kind in DISKS:
            disk = good_disk(host, f"{folder}/{kind}.img", kind)
            jobs += [pool.submit(attempt, host, disk, "each", i, 0, 50)
                     for i in range(50)]
            jobs += [pool.submit(attempt, host, disk, "random",
                                 i * share, share, 1)
                     for i in range(count // share // len(DISKS))]
        tried = 0
        for number, job in enumerate(jobs):
            tried += job.result()[0]
            if number % 100 == 99:
                print(f"{tried} disks", flush=True)
        print(f"{tried} damaged disks on the host: errors, nothing worse")
        for kind in DISKS:
            attempt_on_the_kernel(host, folder, kind, 500)
        print("2000 on the kernel: errors, nothing worse")


if __name__ == "__main__":
    main(int(sys.argv[1]))
