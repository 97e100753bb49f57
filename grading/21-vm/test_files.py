"""Exercise 4: files in memory."""

import errno

from grading.points import points
from model import (AROUND, FAULT_WRITE, PAGE, PRIVATE, SHARED, File, World,
                   place, somewhere, word)

WINDOW = AROUND * PAGE


def aligned(rng):
    """An address where a window of neighbours begins."""
    return place(rng) & -WINDOW


@points(4, exercise=4, see="fault_file, install_file_page")
def test_file_pages_are_the_caches(boot, rng):
    """A mapping has the page cache's own pages, read from disk once."""
    world = World(boot())
    file = File(world, rng, world.kernel.const.FILE_PAGES * PAGE -
                rng.randrange(PAGE - 8))
    for index in rng.sample(range(file.pages), 8):
        file.bring(index)
    world.run()
    # One page of each window: what the neighbours do is another test's.
    chosen = [w + rng.choice([i for i in range(AROUND) if w + i in
                              file.cached] or range(AROUND))
              for w in range(0, file.pages - AROUND, AROUND)]
    for index in list(file.cached):
        if index not in chosen:
            chosen = [c for c in chosen if c // AROUND != index // AROUND]
    for flags in PRIVATE, SHARED, PRIVATE:
        space, base = world.new(), aligned(rng)
        world.map(space, base, file.pages, rng.choice(("r", "rx", "rw")),
                  flags, 0)
        rng.shuffle(chosen)
        for index in chosen:
            for _ in range(2):
                world.load(space, base + index * PAGE +
                           8 * rng.randrange(512))
        world.run()
        world.check()
    file.check()


@points(3, exercise=4, see="fault_around")
def test_neighbours_come_along(boot, rng):
    """A read maps those neighbours that the cache has, and no others."""
    world = World(boot())
    file = File(world, rng, world.kernel.const.FILE_PAGES * PAGE -
                rng.randrange(20 * PAGE))
    for index in rng.sample(range(file.pages), 60):
        file.bring(index)
    world.run()
    for _ in range(12):
        space, first = world.new(), rng.randrange(file.pages - 40)
        base = aligned(rng) + rng.randrange(AROUND) * PAGE
        mapping = world.map(space, base, rng.randrange(
            3, file.pages - first + 8), "rw", PRIVATE, first)
        for _ in range(rng.randrange(1, 4)):
            va = somewhere(rng, mapping)
            rng.choice((world.load, world.load, lambda s, a: world.store(
                s, a, word(rng))))(space, va)
        world.run()
        world.check()
    file.check()


@points(4, exercise=4, see="fault_file, fault_copy")
def test_private_writes_stay_private(boot, rng):
    """A private mapping's stores are seen by nobody else."""
    world = World(boot())
    file = File(world, rng, 40 * PAGE)
    spaces = []
    for flags in PRIVATE, PRIVATE, SHARED:
        space = world.new()
        world.map(space, aligned(rng), 40, "rw" if flags == PRIVATE else "r",
                  flags, 0)
        spaces.append(space)
    for _ in range(3):
        for _ in range(80):
            space = rng.choice(spaces)
            va = somewhere(rng, space.mappings[0])
            if rng.random() < 0.4 and space is not spaces[2]:
                world.store(space, va, word(rng))
            else:
                world.load(space, va)
        world.run()
        world.check()
        file.check()
        world.scribble(rng)


@points(4, exercise=4, rule="VM5", see="fault_shared_write, fault_file")
def test_shared_writes_are_told(boot, rng):
    """The first store to a page of a file finds room, and marks it dirty."""
    world = World(boot())
    file = File(world, rng, 60 * PAGE)
    spaces = [world.new() for _ in range(2)]
    for space in spaces:
        world.map(space, aligned(rng), 60, "rw", SHARED, 0)
    for full in False, True, False:
        file.full(full)
        for _ in range(40):
            space = rng.choice(spaces)
            va = somewhere(rng, space.mappings[0])
            rng.choice((world.load, lambda s, a: world.store(
                s, a, word(rng))))(space, va)
        world.run()
        world.check()
        file.check()


@points(3, exercise=4, see="fault_file, part_of, vm_unmap_pages")
def test_past_the_end_is_an_error(boot, rng):
    """Pages past the end of a file are none, and leave when it is cut."""
    world = World(boot())
    file = File(world, rng, rng.randrange(90, 110) * PAGE - 100)
    spaces = []
    for i in range(6):
        space, first = world.new(), rng.randrange(0, 70)
        flags = PRIVATE if i % 2 else SHARED
        world.map(space, aligned(rng), 50, "rw", flags, first)
        spaces.append(space)
    for cut in range(3):
        for _ in range(120):
            space = rng.choice(spaces)
            va = somewhere(rng, space.mappings[0])
            rng.choice((world.load, lambda s, a: world.store(
                s, a, word(rng))))(space, va)
        for space in spaces:
            m = space.mappings[0]
            past = m.start + (file.pages - m.index) * PAGE
            if m.start <= past < m.end and past not in space.pages:
                for how in 0, FAULT_WRITE:
                    world.call("agent_fault", space.vm, past, how,
                               wanted=-errno.ENXIO)
        world.run()
        world.check(references=False)
        first = rng.randrange(file.pages)
        last = first + rng.randrange(20)
        world.call("vm_unmap_pages", file.vnode, first, last)
        file.take_away(first, last)
        world.run()
        world.check(references=False)
        file.truncate(file.size - rng.randrange(1, 25 * PAGE) // 8 * 8)
        world.run()
        world.check(references=False)
    file.check()


@points(2, exercise=4, rule="VM5", see="clean_entries")
def test_written_back_pages_are_told_again(boot, rng):
    """Write-back takes the right to write, so that the next store is seen."""
    world = World(boot())
    file = File(world, rng, 50 * PAGE)
    spaces = [world.new() for _ in range(3)]
    for space, flags in zip(spaces, (SHARED, SHARED, PRIVATE)):
        world.map(space, aligned(rng), 50, "rw", flags, 0)
    for _ in range(4):
        for _ in range(50):
            space = rng.choice(spaces)
            va = somewhere(rng, space.mappings[0])
            rng.choice((world.load, lambda s, a: world.store(
                s, a, word(rng))))(space, va)
        world.run()
        world.check(references=False)
        file.sync()
        world.run()
        world.check(references=False)
        file.check()
