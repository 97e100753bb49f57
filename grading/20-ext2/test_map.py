"""Exercises 1 and 4: a file's blocks, found and made."""

import struct

from disk import Disk, make, name_of, number
from grading.points import expect, points, require
from image import DIRECT, Image

FILES = 4
LEVEL = ("the inode's own", "the first tree's", "the second tree's",
         "the third tree's")


# ---- Planted files ----

def edges(slots):
    """Blocks at which a tree begins, and the last one of all."""
    starts = [DIRECT, DIRECT + slots, DIRECT + slots + slots ** 2]
    last = starts[2] + slots ** 3 - 1
    near = [0] + [s + d for s in starts for d in (-1, 0, 1, slots - 1, slots)]
    return near + [last - 1, last]


def some_logical(rng, image, top):
    """A block of a file: of any tree, near its edges or not."""
    slots = image.slots
    if rng.random() < 0.3:
        return min(rng.choice(edges(slots)), top)
    start = rng.choice([0, DIRECT, DIRECT + slots,
                        DIRECT + slots + slots ** 2])
    width = rng.choice([slots, slots ** 2, slots ** 3])
    return min(start + rng.randrange(width), top)


class Planted:
    """An image with files of which all trees have blocks, by the host."""

    def __init__(self, host, rng, kind, pieces=12):
        self.rng = rng
        self.image = image = make(host, kind, *(
            f"write /dev/null f{i}" for i in range(FILES)))
        self.free = image.free_blocks()
        rng.shuffle(self.free)
        self.inodes = [image.look_up(f"f{i}") for i in range(FILES)]
        # i_size of what this kernel can have: see ext2_map_max_size.
        slots = image.slots
        self.top = min(DIRECT + slots + slots ** 2 + slots ** 3,
                       (2**32 - 1) // (image.block_size // 512)
                       - 3 - 2 * slots - slots ** 2) - 1
        for ino in self.inodes:
            inode = image.inode(ino)
            for _ in range(pieces):
                self._piece(inode)
        image.recount()

    def _piece(self, inode):
        """Some neighbouring blocks of a file, mostly neighbours on disk."""
        rng, image = self.rng, self.image
        start, n = some_logical(rng, image, self.top), rng.randrange(1, 9)
        run = self._run(rng.randrange(1, 9))
        for i in range(start, min(start + n, self.top + 1)):
            if image.find(inode, i):
                return
            # Inner blocks come from anywhere, data from the run.
            at = image.path(i)
            block = run.pop(0) if run else self.take()
            self.hang(inode, at, block)
            inode.bytes = max(inode.bytes, (i + 1) * image.block_size)
        image.store(inode)

    def take(self):
        """A block that is free."""
        block = self.free.pop()
        self.image.set_used(block, 1)
        return block

    def _run(self, n):
        """Neighbours that are free."""
        left = set(self.free)
        for first in self.free:
            if all(first + i in left for i in range(n)):
                run = list(range(first, first + n))
                self.free = [b for b in self.free if b not in run]
                for b in run:
                    self.image.set_used(b, 1)
                return run
        return []

    def hang(self, inode, way, block):
        """Put a block where a way leads."""
        image, inner = self.image, None
        for depth, at in enumerate(way):
            here = inode.block[at] if inner is None else image.slot(inner, at)
            if depth == len(way) - 1:
                here = block
                image.block(block)[:] = self.rng.randbytes(image.block_size)
            elif here == 0:
                here = self.take()
                image.block(here)[:] = bytes(image.block_size)
            else:
                inner = here
                continue
            inode.sectors += image.block_size // 512
            if inner is None:
                inode.block[at] = here
            else:
                image.set_slot(inner, at, here)
            inner = here

    def questions(self, n):
        """[(inode, logical, max)]: at and around what is there, and edges."""
        rng, asked = self.rng, []
        for ino in self.inodes:
            there = sorted(self.image.blocks_of(self.image.inode(ino))[0])
            around = [max(0, b + d) for b in there for d in (-1, 0, 1)]
            asked += [(ino, b) for b in
                      rng.choices(around, k=n) + edges(self.image.slots) +
                      [some_logical(rng, self.image, self.top)
                       for _ in range(n // 2)]]
        return [(i, min(b, self.top),
                 rng.choice([1, 2, 3, 8, 64, 5000, 100000]))
                for i, b in asked]


def describe(image, logical):
    """A block of a file, for people."""
    tree = len(image.path(logical)) - 1
    return f"block {logical}, which is {LEVEL[tree]},"


def ask(disk, image, questions):
    """[(inode, logical, max, count, first)]: what ext2_map says."""
    answers = []
    for ino, logical, most in questions:
        at = disk.room(8)
        answers.append((ino, logical, most, disk.call(
            "agent_map", ino, logical, most, at), at))
    disk.run()
    return [(i, b, m, number(got.value),
             struct.unpack("<I", disk.read(at, 4))[0])
            for i, b, m, got, at in answers]


# ---- Exercise 1 ----

@points(5, exercise=1, see="ext2_map_path")
def test_ways_through_the_trees(boot, rng):
    """The way to a block is the tree's, for blocks of 1, 2 and 4 KiB."""
    disk = Disk(boot())
    asked = []
    for shift in 10, 11, 12:
        slots = 1 << shift - 2
        top = DIRECT + slots + slots ** 2 + slots ** 3
        image = FakeImage(slots)
        some = edges(slots) + [top, min(top + slots, 2**32 - 1), 2**32 - 1]
        some += [min(top - 1, rng.randrange(2 ** rng.randrange(1, 31)))
                 for _ in range(150)]
        for logical in some:
            at = disk.room(16)
            asked.append((image, logical, at, disk.call(
                "agent_path", shift, logical, at)))
    disk.run()
    for image, logical, at, got in asked:
        way = image.path(logical)
        seen = list(struct.unpack("<4I", disk.read(at, 16)))
        what = (f"ext2_map_path, block {logical}, blocks of "
                f"{image.slots * 4} bytes: ")
        expect(what + "positions", number(got.value), len(way))
        expect(what + "the way", seen[:len(way)], way)


class FakeImage:
    """As much of an image as the way to a block needs."""

    path = Image.path

    def __init__(self, slots):
        self.slots = slots


@points(5, exercise=1, rule="EXT1", see="leaf_find, leaf_run")
def test_blocks_are_found(boot, rng, host):
    """Blocks and holes of files that the host made are found."""
    disk = Disk(boot())
    for kind in "1k", "4k":
        planted = Planted(host, rng, kind)
        image = planted.image
        disk.mount(image)
        for ino, logical, most, n, first in ask(disk, image,
                                                planted.questions(150)):
            inode = image.inode(ino)
            what = describe(image, logical)
            require(n > 0, f"ext2_map of {what}", "a count", name_of(n))
            expect(f"where {what} is", first, image.find(inode, logical))
            right = image.run(inode, logical, most)
            require(n <= right, f"for how many blocks that of {what} holds",
                    f"at most {right}", n, "a run ends where the array does, "
                    "or a tree that is missing, and where what follows is no "
                    "neighbour")
        disk.unmount()


@points(3, exercise=1, rule="EXT5", see="leaf_find, leaf_run")
def test_files_are_read(boot, rng, host):
    """What the host wrote is read, and holes read as zeros."""
    disk = Disk(boot())
    for kind in "1k", "4k":
        planted = Planted(host, rng, kind)
        image, asked = planted.image, []
        disk.mount(image)
        for ino, logical, _ in planted.questions(12):
            pos = max(0, logical * image.block_size - rng.randrange(5000))
            n = rng.randrange(1, 12000)
            at = disk.room(n)
            asked.append((ino, pos, n, at, disk.call("agent_read", ino, pos,
                                                     n, at)))
            if disk.full:
                check_read(disk, image, asked)
                asked = []
        check_read(disk, image, asked)
        disk.unmount()


def check_read(disk, image, asked):
    """Run, and compare what was read."""
    disk.run()
    for ino, pos, n, at, got in asked:
        wanted = image.contents(image.inode(ino), pos, n)
        what = f"{n} bytes at {pos} of a file of {image.inode(ino).bytes}"
        expect(f"read: {what}", name_of(got.value), str(len(wanted)))
        same_bytes(what, disk.read(at, len(wanted)), wanted)


def same_bytes(what, seen, wanted):
    """Contents must be equal; says where they are not."""
    if seen != wanted:
        at = next(i for i, (a, b) in enumerate(zip(seen, wanted)) if a != b)
        expect(f"{what}: byte {at}", f"{seen[at]:#04x}", f"{wanted[at]:#04x}")


@points(3, exercise=1, see="leaf_run, leaf_find")
def test_runs_are_whole(boot, rng, host):
    """A run goes to its end, so that a read asks the disk once."""
    disk = Disk(boot())
    planted = Planted(host, rng, "1k", pieces=20)
    image = planted.image
    disk.mount(image)
    for ino, logical, most, n, _ in ask(disk, image, planted.questions(250)):
        expect(f"for how many blocks that of {describe(image, logical)} of "
               f"{most} holds", n,
               image.run(image.inode(ino), logical, most))
    disk.unmount()


@points(4, exercise=1, rule="EXT1", see="leaf_find, ext2_map_path")
def test_bad_numbers_are_refused(boot, rng, host):
    """Numbers that no block can have are not followed: -EUCLEAN."""
    disk = Disk(boot())
    for kind in "1k", "4k":
        planted = Planted(host, rng, kind)
        image, slots = planted.image, planted.image.slots
        bad = [1, image.desc(0)[0], image.desc(0)[1], image.desc(1)[2] + 1,
               image.blocks_count, 0xffffffff, image.blocks_count + 77]
        asked = []
        for ino in planted.inodes:
            inode = image.inode(ino)
            level = rng.choice([1, 2, 3])
            start = [0, DIRECT, DIRECT + slots, DIRECT + slots + slots ** 2]
            at = start[level] + rng.randrange(slots)
            at = wreck(image, planted, inode, at, rng.randrange(level + 1),
                       rng.choice(bad))
            asked.append((ino, at, 1))
        disk.mount(image)
        for _, logical, _, n, first in ask(disk, image, asked):
            expect(f"ext2_map of {describe(image, logical)} to which a wrong "
                   "number leads", name_of(n), "-EUCLEAN",
                   f"it answered {n} blocks from {first} on")
        if kind == "1k":
            top = DIRECT + slots + slots ** 2 + slots ** 3
            for _, logical, _, n, _ in ask(disk, image, [
                    (planted.inodes[0], top, 1),
                    (planted.inodes[0], 2**32 - 1, 4)]):
                expect(f"ext2_map of block {logical}, past the largest tree",
                       name_of(n), "-EFBIG")
        disk.unmount()


def wreck(image, planted, inode, logical, level, wrong):
    """Have a wrong number at a level of the way to a block."""
    way = image.path(logical)
    if not image.find(inode, logical):
        planted.hang(inode, way, planted.take())
    if level == 0:
        inode.block[way[0]] = wrong
    else:
        inner = inode.block[way[0]]
        for at in way[1:level]:
            inner = image.slot(inner, at)
        image.set_slot(inner, way[level], wrong)
    image.store(inode)
    return logical
