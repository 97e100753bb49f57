"""Exercise 2: memory that comes when it is touched."""

import errno

from grading.points import expect, points
from model import (FAULT_FETCH, FAULT_WRITE, PAGE, World, place, somewhere,
                   word)


def two_mappings(world, rng):
    """A space with two mappings far apart."""
    space = world.new()
    for _ in range(2):
        world.map(space, place(rng), rng.randrange(20, 60))
    world.run()
    return space


@points(5, exercise=2, see="fault_zero_fill, install")
def test_untouched_memory_reads_as_zeros(boot, rng):
    """Reading what nobody has written shows zeros, and takes no memory."""
    world = World(boot())
    for _ in range(2):
        space = two_mappings(world, rng)
        for _ in range(60):
            world.load(space, somewhere(rng, rng.choice(space.mappings)))
        world.run()
        world.check()


@points(6, exercise=2, see="fault_zero_fill, install, try_fault")
def test_written_pages_are_fresh(boot, rng):
    """The first write to a page gives it memory of its own, cleared."""
    world = World(boot())
    for _ in range(3):
        space = two_mappings(world, rng)
        # Memory that is not clean: what was there must not be seen.
        program = world.kernel.program()
        dirty = program.many("page_alloc", 0, world.kernel.const.PAGE_KERNEL,
                             0, count=100)
        program.run(limit_ms=50)
        for page in dirty.values:
            world.kernel.machine.write(
                0xffff800000000000 + world.array.physical(page),
                rng.randbytes(PAGE))
        program = world.kernel.program()
        program.many("page_unref", dirty.values)
        program.run(limit_ms=50)
        pages = [m.start + i * PAGE for m in space.mappings
                 for i in range(m.pages)]
        rng.shuffle(pages)
        for va in pages[:len(pages) // 2]:
            world.store(space, va + 8 * rng.randrange(512), word(rng))
        for va in rng.choices(pages[:len(pages) // 2], k=40):
            rng.choice((world.load, lambda s, a: world.store(
                s, a, word(rng))))(space, va + 8 * rng.randrange(512))
        world.run()
        world.check()


@points(4, exercise=2, see="allowed, try_fault")
def test_rights_are_kept(boot, rng):
    """What the mapping forbids is an error, and an entry says no more."""
    world = World(boot())
    space, base = world.new(), place(rng)
    prots = ["", "r", "w", "x", "rw", "rx", "wx", "rwx"]
    rng.shuffle(prots)
    for i, prot in enumerate(prots):
        world.map(space, base + 8 * i * PAGE, 6, prot)
    world.run()
    for how, letter in ((0, "r"), (FAULT_WRITE, "w"), (FAULT_FETCH, "x")):
        for i, prot in enumerate(prots + ["none"]):
            va = base + (8 * i + 2 * "rwx".index(letter)) * PAGE
            able = prot if letter == "r" else letter in prot
            wanted = -errno.EFAULT if prot == "none" else \
                0 if able else -errno.EACCES
            world.call("agent_fault", space.vm, va + 123, how, wanted=wanted)
            if wanted == 0:
                world.touch(space, va, "w" if letter == "w" else "r")
    world.run()
    world.check()


@points(5, exercise=2, see="install, try_fault")
def test_first_writes_on_four_cpus(boot, rng):
    """Four threads touch the same pages first: all find the same page."""
    kernel = boot(smp=4, early=False)
    world = World(kernel)
    for _ in range(2):
        space = world.new()
        mapping = world.map(space, place(rng), 30)
        world.run()
        programs = {cpu: kernel.program() for cpu in range(4)}
        asked = []
        for program in programs.values():
            program.call("agent_enter", space.vm)
        for i in range(mapping.pages):
            va = mapping.start + i * PAGE
            for cpu, program in programs.items():
                at, value = va + 512 * cpu + 8 * rng.randrange(64), word(rng)
                program.call("agent_meet", 4)
                program.call("agent_delay", rng.randrange(120))
                asked.append((at, value, program.call("agent_store", at,
                                                      value)))
        kernel.run(programs, slice=rng.randrange(300, 1500), limit_ms=50)
        for at, value, got in asked:
            expect(f"a store at {at:#x}", got.value, 0)
            world.touch(space, at, "w")
            space.pages[at & -PAGE].put(at % PAGE, value)
        world.check()
