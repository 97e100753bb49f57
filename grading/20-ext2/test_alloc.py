"""Exercise 3: blocks and inodes that are free."""

import struct

from disk import Disk, counts_agree, make, name_of, number, sound
from grading.points import expect, points, require


class Bitmaps:
    """An image whose block bitmaps the host has filled at random, and what
    they should be. Nobody owns those blocks: e2fsck is not asked."""

    def __init__(self, host, rng, kind="1k", shares=(0.05, 0.5, 0.9, 0.99)):
        self.rng, self.image = rng, make(host, kind)
        image = self.image
        self.metadata = {b for b in range(image.first_data,
                                          image.blocks_count)
                         if image.block_used(b)}
        for group in range(image.ngroups):
            share = rng.choice(shares)
            used, rest = True, 0
            for b in image.free_blocks(group):
                if rest == 0:
                    used = rng.random() < share
                    rest = rng.choice([1, 1, 2, 5, 9, 20])
                rest -= 1
                image.set_used(b, used)
        image.recount()
        self.free = set(image.free_blocks())

    def allocate(self, disk, wishes):
        """Allocate: [(goal, want)]. @return: [(goal, want, count, first)]"""
        asked = []
        for goal, want in wishes:
            at = disk.room(8)
            asked.append((goal, want, at, disk.call(
                "agent_blocks_alloc", goal, want, at)))
        disk.run()
        return [(goal, want, number(got.value),
                 struct.unpack("<I", disk.read(at, 4))[0])
                for goal, want, at, got in asked]

    def take(self, goal, want, n, first):
        """Blocks were handed out: judge."""
        what = f"ext2_blocks_alloc(goal {goal}, want {want})"
        if not self.free:
            expect(f"{what} on a full disk", name_of(n), "-ENOSPC")
            return
        require(0 < n <= want, what, f"1 to {want} blocks", name_of(n))
        for b in range(first, first + n):
            require(b in self.free, f"{what}: {n} blocks from {first} on",
                    "blocks that are free", f"{b}, which is " + (
                        "metadata" if b in self.metadata else "in use"
                        if 0 < b < self.image.blocks_count else
                        "not on the disk"))
            self.free.remove(b)

    def goal(self):
        """A block of the disk."""
        return self.rng.randrange(self.image.first_data,
                                  self.image.blocks_count)

    def check(self, image, when):
        """Bitmaps and counts are what they should be."""
        seen = set(image.free_blocks())
        for b in sorted(seen ^ self.free)[:1]:
            expect(f"block {b} in its bitmap {when}",
                   "free" if b in seen else "in use",
                   "free" if b in self.free else "in use")
        counts_agree(image, when)


@points(4, exercise=3, rule="EXT1, EXT6", see="take_run, choose")
def test_blocks_handed_out_were_free(boot, rng, host):
    """Only free blocks are handed out, and are marked and counted."""
    disk = Disk(boot())
    for kind in "1k", "4k":
        maps = Bitmaps(host, rng, kind)
        disk.mount(maps.image)
        for _ in range(3):
            wishes = [(maps.goal(), rng.choice([1, 2, 7, 30, 300]))
                      for _ in range(30)]
            wishes += [(0, 1), (maps.image.blocks_count, 2), (2**32 - 1, 1)]
            for answer in maps.allocate(disk, wishes):
                maps.take(*answer)
        maps.check(disk.unmount(), "after blocks were allocated")


@points(3, exercise=3, see="choose, take_run, ext2_blocks_alloc")
def test_blocks_are_near_the_goal(boot, rng, host):
    """A block is the goal, or near it, and its neighbours come with it."""
    disk = Disk(boot())
    maps = Bitmaps(host, rng)
    image = maps.image
    disk.mount(image)
    wishes = [(maps.goal(), rng.choice([1, 3, 12, 40])) for _ in range(100)]
    for goal, want, n, first in maps.allocate(disk, wishes):
        free = set(maps.free)
        maps.take(goal, want, n, first)
        if not free:
            break
        start = image.group_first(image.group_of(goal))
        group = range(start, start + image.group_blocks(image.group_of(goal)))
        bit = goal - start
        word = range(goal, min(start + (bit // 64 + 1) * 64, group.stop))
        near = [b for b in word if b in free]
        wholes = [b for b in range(start + (bit // 64 + 1) * 64,
                                   group.stop - 7, 8)
                  if all(b + i in free for i in range(8))]
        behind = [b for b in range(goal, group.stop) if b in free]
        before = [b for b in range(start, goal) if b in free]
        what = f"the block allocated for goal {goal} (bit {bit} of its group)"
        for found, why in ((near, "the first in the goal's word"),
                           (wholes, "the first whole byte behind it"),
                           (behind, "the first behind the goal"),
                           (before, "the group's first")):
            if found:
                expect(what, first, found[0], f"{why} is free")
                break
        run = 1
        while run < want and first + run in free & set(
                range(first, image.group_first(image.group_of(first))
                      + image.group_blocks(image.group_of(first)))):
            run += 1
        expect(f"blocks got from {first} on of {want}", n, run,
               "all neighbours that are free")
    maps.check(disk.unmount(), "after blocks were allocated")


@points(4, exercise=3, see="ext2_blocks_alloc, choose")
def test_every_block_can_be_had(boot, rng, host):
    """All free blocks can be had, of all groups; then: -ENOSPC."""
    disk = Disk(boot())
    maps = Bitmaps(host, rng, shares=(0.05, 0.5, 0.9))
    disk.mount(maps.image)
    # What is free lies before the goal too: in its group, and in others.
    group = rng.randrange(1, maps.image.ngroups)
    goal = rng.choice(maps.image.free_blocks(group)[1:])
    while maps.free:
        for answer in maps.allocate(disk, [(goal, rng.choice([1, 4, 50]))
                                           for _ in range(200)]):
            maps.take(*answer)
    for answer in maps.allocate(disk, [(goal, 1), (1, 8)]):
        maps.take(*answer)
    maps.check(disk.unmount(), "when all blocks are allocated")


@points(3, exercise=3, rule="EXT6", see="give_back")
def test_blocks_are_freed(boot, rng, host):
    """Freed blocks are free and counted; what is free is not freed again."""
    disk = Disk(boot())
    for damage in False, True:
        maps = Bitmaps(host, rng)
        image = maps.image
        disk.mount(image)
        asked = []
        for _ in range(80):
            first, count = maps.goal(), rng.choice([1, 1, 2, 5, 16])
            blocks = set(range(first, first + count))
            if (not blocks & (maps.free | maps.metadata) and
                    max(blocks) < image.blocks_count and
                    image.group_of(first) == image.group_of(max(blocks))):
                maps.free |= blocks
                asked.append((first, count, "0"))
        if damage:
            # The last block of a run is free: none of it may be freed.
            first = next(b for b in sorted(maps.free - maps.metadata)
                         if b - 1 not in maps.free | maps.metadata and
                         b - 2 not in maps.free | maps.metadata and
                         image.group_of(b) == image.group_of(b - 2)) - 2
            asked.append((first, 3, "-EUCLEAN"))
        calls = [(first, count, wanted, disk.call("agent_blocks_free", first,
                                                  count))
                 for first, count, wanted in asked]
        disk.run()
        for first, count, wanted, got in calls:
            expect(f"ext2_blocks_free({first}, {count})" + (
                ", of which the last is free" if wanted != "0" else ""),
                name_of(got.value), wanted)
        maps.check(disk.unmount(), "after blocks were freed")


@points(3, exercise=3, rule="EXT7", see="give_back, take_run")
def test_freed_blocks_wait_for_the_commit(boot, rng, host):
    """With a journal, a freed block is had again after the commit only."""
    disk = Disk(boot())
    maps = Bitmaps(host, rng, "journal", shares=(0.3, 0.5, 0.7))
    image = maps.image
    used = sorted(set(range(image.first_data, image.blocks_count))
                  - maps.free - maps.metadata)
    # Some lie behind free ones: who takes a run from there comes upon them.
    behind = [b for b in used if b - 1 in maps.free]
    freed = rng.sample(behind, 20)
    freed += rng.sample(sorted(set(used) - set(freed)), 40)
    disk.mount(image)
    calls = [disk.call("agent_blocks_free", b, 1) for b in freed]
    disk.run()
    for b, got in zip(freed, calls):
        expect(f"ext2_blocks_free({b}, 1)", name_of(got.value), "0")
    for goal, want, n, first in maps.allocate(disk, [
            (b - i % 3, rng.choice([3, 20])) for i, b in enumerate(freed)]):
        again = set(range(first, first + max(n, 0))) & set(freed)
        require(not again, f"blocks allocated at {goal} before the commit of "
                "the transaction", "none that it has freed",
                f"{sorted(again)}", "the power may fail: then their former "
                "owner has them again")
        if n > 0:
            maps.take(goal, want, n, first)
    synced = disk.call("agent_sync")
    disk.run()
    expect("sync", name_of(synced.value), "0")
    maps.free |= set(freed)
    got = 0
    for answer in maps.allocate(disk, [(b, 1) for b in freed]):
        maps.take(*answer)
        got += answer[3] in freed
    require(got > 0, "blocks allocated at where some were freed, after the "
            "commit", "some of these", "none")
    maps.check(disk.unmount(), "after the commit")


@points(3, exercise=3, rule="EXT6", see="take_from, give_back")
def test_inodes_are_counted(boot, rng, host):
    """Inodes are taken to the last one, and come back."""
    disk = Disk(boot())
    kind = rng.choice(["1k", "plain"])
    dirs = [f"d{i}" for i in range(12)]
    image = make(host, kind, *(f"mkdir {d}" for d in dirs), inodes=200)
    free = image.free_inodes()
    disk.mount(image)
    # lost+found has room for many names: no block is needed.
    names = [f"lost+found/{i}" for i in range(len(free) + 3)]
    calls = [disk.call("agent_make", disk.path(name)) for name in names]
    disk.run()
    numbers = [number(got.value) for got in calls]
    for i, n in enumerate(numbers[:len(free)]):
        require(n in free, f"inode of new file {i + 1}", "one that is free, "
                f"and not before {free[0]}", name_of(n))
        require(n not in numbers[:i], f"inode of new file {i + 1}",
                "one of its own", f"{n}, as file {numbers.index(n) + 1}")
    for n in numbers[len(free):]:
        expect("a new file where no inode is free", name_of(n), "-ENOSPC")
    counts_agree(sound(host, disk.unmount(), "when no inode is free"),
                 "when no inode is free")
    disk.mount(disk.image())
    gone = rng.sample(names[:len(free)], len(free) // 2)
    calls = [(name, disk.call("agent_unlink", disk.path(name)))
             for name in gone]
    calls += [(d, disk.call("agent_rmdir", disk.path(d))) for d in dirs[::2]]
    disk.run()
    for name, got in calls:
        expect(f"removing {name}", name_of(got.value), "0")
    image = sound(host, disk.unmount(), "after files and directories were "
                  "removed")
    counts_agree(image, "after files and directories were removed")
    expect("directories that the descriptors say",
           sum(image.desc(g)[5] for g in range(image.ngroups)),
           2 + len(dirs) - len(dirs[::2]))
    expect("free inodes", len(image.free_inodes()),
           len(gone) + len(dirs[::2]))
