"""Crash states of ext2 with its journal: what the disk is told is recorded; then
each state is made in which a power cut could leave it, and judged.

A disk keeps what it was told before a flush that has ended. Of what it was told
since, it may keep any part. So a state is all up to some write, less some of the
writes since the last flush; some of its sectors may be torn.
"""

import hashlib
import random
import subprocess

import pytest
from ext2_model import Host, fsck
from test_ext2 import make, program  # noqa: F401 (fixtures)

SECTOR = 512
KIND = "-t ext2 -j -J size=1 -b 1024 -N 200 -O ^resize_inode"
SIZE = 3000     # KiB
SYNCED = 1000   # added to a mark's number: all up to it has been synced
STATES = 220    # distinct ones, judged by both our replay and e2fsck's


class Workload:
    """Random operations whose results show: names, links, sizes, contents. What
    is written is appended, so a file's contents follow from its size."""

    def __init__(self, host, rng):
        self.host, self.rng = host, rng
        self.files, self.folders = set(), {""}
        self.number = 0

    def name(self):
        self.number += 1
        return f"{self.rng.choice(sorted(self.folders))}/n{self.number}"

    def step(self):
        """One operation that succeeds or says that the disk is full."""
        rng, host = self.rng, self.host
        kind = rng.randrange(12)
        file = rng.choice(sorted(self.files)) if self.files else None
        if kind < 3 or not file:
            name = self.name()
            if isinstance(host("create", name, 0o100644, 0), list):
                self.files.add(name)
        elif kind < 6:
            size = int(host("stat", file)[4])
            length = rng.choice([1, 700, 5000, 30000])
            host("write", file, size, length, size % 251, length)
        elif kind < 7:
            name = self.name()
            if isinstance(host("mkdir", name, 0o755), list):
                self.folders.add(name)
        elif kind < 8:
            host("unlink", file)
            self.files.discard(file)
        elif kind < 9:
            name = self.name()
            host("rename", file, name)
            self.files.discard(file)
            self.files.add(name)
        elif kind < 10 and len(self.files) > 1:
            other = rng.choice(sorted(self.files - {file}))
            host("rename", file, other)
            self.files.discard(file)
        elif kind < 11:
            name = self.name()
            if isinstance(host("link", file, name), list):
                self.files.add(name)
        else:
            # To a whole page: what is cut off within one is zeroed in place,
            # which ordered data does not undo (nor does Linux's).
            size = int(host("stat", file)[4])
            host("truncate", file, size // 2 // 4096 * 4096)


def tree(host, path=""):
    """All that a program can see below a folder: {path: what}."""
    seen = {}
    for word in host("list", path or "/"):
        name = word.rpartition(":")[0]
        if name in (".", "..", "lost+found"):
            continue
        full = f"{path}/{name}"
        mode, nlink, _, _, size = host("stat", full)[:5]
        if mode.startswith(("4", "04")):
            seen[full] = (mode, nlink)
            seen.update(tree(host, full))
        else:
            seen[full] = (mode, nlink, size,
                          tuple(host("read", full, 0, int(size) or 1)))
    return seen


def events(path):
    """The record: ("write", offset, bytes), ("flush",), ("mark", number)."""
    data, at, found = path.read_bytes(), 0, []
    while at < len(data):
        end = data.index(b"\n", at)
        words = data[at:end].split()
        at = end + 1
        if words[0] == b"write":
            length = int(words[2])
            found.append(("write", int(words[1]) * SECTOR,
                          data[at:at + length]))
            at += length
        else:
            found.append((words[0].decode(), *map(int, words[1:])))
    return found


def states(start, told, rng):
    """(image, operations synced, operations that had ended) for states that a
    power cut can leave, one for each write."""
    lasting, since = bytearray(start), []
    ended = synced = 0
    for event in told:
        if event[0] == "mark" and event[1] > SYNCED:
            synced = event[1] - SYNCED
        elif event[0] == "mark":
            ended = event[1]
        elif event[0] == "flush":
            for _, offset, data in since:
                lasting[offset:offset + len(data)] = data
            since = []
        else:
            since.append(event)
            yield cut(lasting, since, rng), synced, ended


def cut(lasting, since, rng):
    """One state: the last flush's, and some of what came after."""
    how = rng.randrange(4)
    kept = since if how == 0 else since[:-1] if how == 1 else [
        event for event in since if rng.random() < 0.5]
    image = bytearray(lasting)
    for _, offset, data in kept:
        image[offset:offset + len(data)] = data
    if how == 3 and since:   # and one write torn between two sectors
        _, offset, data = rng.choice(since)
        part = rng.randrange(len(data) // SECTOR + 1) * SECTOR
        image[offset:offset + part] = data[:part]
    return bytes(image)


@pytest.fixture
def recorded(program, make, tmp_path):  # noqa: F811
    """recorded(seed): a workload's beginning, what the disk was told, and the
    tree after each operation."""
    def run(seed):
        rng = random.Random(seed)
        host = Host(program, make(KIND, SIZE))
        assert isinstance(host("mount", 0), list)
        first, record = tmp_path / "first.img", tmp_path / "record"
        host("sync")
        host("save", first)
        host("record", record)
        work, trees = Workload(host, rng), [tree(host)]
        for number in range(1, 61):
            work.step()
            trees.append(tree(host))
            host("mark", number)
            if rng.random() < 0.15:
                host("sync")
                host("mark", SYNCED + number)
        told = events(record)
        host("unmount")
        host.close()
        return first.read_bytes(), told, trees
    return run


@pytest.mark.parametrize("seed", range(2))
def test_crash_states(program, recorded, tmp_path, seed):  # noqa: F811
    """After a power cut at any moment the disk is whole, as it was after some
    number of operations, all that was synced among them: by our replay, and by
    e2fsck's."""
    start, told, trees = recorded(seed)
    judge(program, tmp_path, start, told, trees, random.Random(seed))


def test_a_disk_that_does_not_flush_is_found_out(program, recorded,  # noqa: F811
                                                 tmp_path):
    """The judge can find fault: with a disk that ignores flushes."""
    start, told, trees = recorded(7)
    told = [event for event in told if event[0] != "flush"]
    with pytest.raises(AssertionError):
        judge(program, tmp_path, start, told, trees, random.Random(7))


def judge(program, tmp_path, start, told, trees, rng):  # noqa: F811
    """Judge STATES distinct states of a record."""
    candidates = list(states(start, told, rng))
    rng.shuffle(candidates)
    done = set()
    for image, synced, ended in candidates:
        digest = hashlib.sha256(image).digest()
        if digest in done or len(done) == STATES:
            continue
        done.add(digest)
        ours, theirs = tmp_path / "ours.img", tmp_path / "theirs.img"
        ours.write_bytes(image)
        theirs.write_bytes(image)
        found = tree_after_mount(program, ours)
        assert fsck(ours) is None
        assert found in trees[synced:ended + 2], (
            f"a tree that was not between operations {synced} and {ended}")
        assert fsck(theirs) is None
        assert tree_after_mount(program, theirs) == found
    assert len(done) > 50


def tree_after_mount(program, image):  # noqa: F811
    """Mount, which replays; look; unmount. The image is written back."""
    host = Host(program, str(image))
    assert isinstance(host("mount", 0), list)
    found = tree(host)
    host("unmount")
    host("save", image)
    host.close()
    return found
