#!/usr/bin/env python3
"""The crash harness: many states in which a power cut can leave a disk, each
recovered and judged.

    crash_run.py [--limit N] [--seed N] [--fast] [--keep FOLDER]

How the parts fit: crash_workloads.py makes workloads, as text. The kernel's
journal and ext2, compiled for the host (ext2_host/), do each of them on a disk
in memory that keeps a record of writes and flushes; make every state that a cut
may leave (states.c); mount it, which recovers it; and judge the tree that is
there (judge.c, expect.c), with e2fsck as another judge. crash_mutants.py breaks
the journal in known ways, each of which must be found out.

What is promised, and judged:
P1  our recovery mounts it; then e2fsck has no complaint; e2fsck's own recovery
    gives the same tree (where no write is torn: see judge.c)
P2  the tree is that after the first k calls
P3  k covers what was synced
P4  link, unlink, rename, mkdir are old or new (P2, of every single call)
P5  nothing that the file never held: free blocks are full of poison
P6  a cut in the midst of recovery changes nothing of this
"""

import argparse
import concurrent.futures
import os
import re
import subprocess
import sys
import tempfile
import time
from array import array
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import crash_workloads

HERE = Path(__file__).resolve().parent
MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
POISON = b"POISON!!"
UUID = "11111111-2222-3333-4444-555555555555"
EPOCH = 1700000000
# Name: block size, KiB, KiB of the log, KiB that fill it, mount options.
KINDS = {
    "1k": (1024, 2560, 1, 1500, ""),
    "4k": (4096, 8448, 4, 4300, ""),
    "1k-data": (1024, 2560, 1, 1500, "data=journal"),
    "4k-data": (4096, 8448, 4, 4300, "data=journal"),
}
COUNTS = ("workloads", "states", "images", "torn", "recoveries cut",
          "of their images", "replays by e2fsck", "checks", "violations")


def build(out, fast=False, replace=None):
    """Build the host program. replace: (a C file, the program's path)."""
    done = subprocess.run(
        [HERE / "ext2_host/build", out, *["fast"] * fast,
         *(["replace", *replace] if replace else [])],
        capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return Path(replace[1] if replace else out / "ext2_host")


def image(path, kind):
    """A file system whose free blocks are full of poison: the same bytes each
    time, for which states are tried follows from them."""
    block, kib, log = KINDS[kind][:3]
    path.write_bytes(POISON * (kib << 10 >> 3))
    subprocess.run(
        ["mke2fs", "-q", "-F", "-t", "ext2", "-j", "-J", f"size={log}", "-b",
         str(block), "-I", "128", "-N", "128", "-m", "0", "-U", UUID, "-O",
         "^resize_inode,^dir_index", "-E", f"nodiscard,hash_seed={UUID}",
         path], check=True, capture_output=True,
        env={**os.environ, "E2FSPROGS_FAKE_TIME": str(EPOCH)})
    return path


def known_commands():
    """What the host program can do."""
    return set(re.findall(r'\{ "(\w+)", \d',
                          (HERE / "ext2_host/commands.c").read_text()))


def arguments(program, folder, kind, **options):
    """The command line; image and workloads are made if they are missing."""
    path, workloads = folder / f"{kind}.img", folder / f"{kind}.workloads"
    if not path.exists():
        image(path, kind)
    if not workloads.exists():
        workloads.write_text(
            crash_workloads.text(known_commands(), KINDS[kind][3])[0])
    options = {"workloads": workloads, "dir": folder, "mount": KINDS[kind][4],
               **options}
    return [str(program), str(path), "crash",
            *(f"{key}={value}" for key, value in options.items())]


class Result:
    def __init__(self, command, done):
        self.ok = done.returncode == 0
        self.command, self.text = " ".join(command), done.stderr
        numbers = re.findall(r"(\d+) ", (done.stdout.splitlines() or [""])[-1])
        self.counts = dict(zip(COUNTS, map(int, numbers)))


def run(command, timeout=3600):
    return Result(command, subprocess.run(command, capture_output=True,
                                          text=True, timeout=timeout,
                                          check=False))


def run_kinds(program, folder, kinds, jobs=2, **options):
    """Every kind, in shares. The results, and how many images differ."""
    commands = []
    for kind in kinds:
        for share in range(jobs):
            sub = folder / f"{kind}-{share}"
            sub.mkdir(parents=True, exist_ok=True)
            commands.append(arguments(
                program, folder, kind, dir=sub, share=share, shares=jobs,
                out=sub / "hashes", **options))
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        results = list(pool.map(run, commands))
    hashes = set()
    for path in folder.glob("*/hashes"):
        hashes.update(array("Q", path.read_bytes()))
    return results, len(hashes)


def summary(results, images, seconds):
    total = {name: sum(r.counts.get(name, 0) for r in results)
             for name in COUNTS}
    return (f"{total['workloads']} workloads, {total['states']} states, "
            f"{images} distinct images ({total['torn']} with a torn write, "
            f"{total['of their images']} of recoveries cut off), "
            f"{total['replays by e2fsck']} replayed by e2fsck, "
            f"{total['checks']} checked by it, {seconds:.0f} seconds, "
            f"{total['violations']} violations")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--limit", type=int, default=90,
                        help="states of each workload, about")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--e2fsck", type=int, default=10,
                        help="one image in so many is replayed by it, too")
    parser.add_argument("--sanitize", action="store_true",
                        help="with ASan and UBSan: half as fast")
    parser.add_argument("--keep", type=Path, help="a folder for all files")
    options = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(dir=MEMORY) as name:
        folder = options.keep or Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        program = build(folder / "host", fast=not options.sanitize)
        results, images = run_kinds(
            program, folder, options.kinds.split(","), limit=options.limit,
            seed=options.seed, e2fsck=options.e2fsck)
        bad = [r for r in results if not r.ok]
        for result in bad:
            print(f"{result.text}\nof: {result.command}")
        print("crash:", summary(results, images, time.monotonic() - began))
        if bad and not options.keep:
            print("to keep the images and the program: --keep FOLDER")
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main())
