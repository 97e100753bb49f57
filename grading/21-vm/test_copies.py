"""Exercise 3: copy on write."""

from grading.points import points
from model import PAGE, World, place, somewhere, word


def family(world, rng, pages=60):
    """A space with mappings that are partly written, partly read."""
    space = world.new()
    base = place(rng)
    world.map(space, base, pages)
    world.map(space, base + (pages + 1000) * PAGE, pages // 2)
    world.map(space, place(rng), pages // 2)
    for mapping in space.mappings:
        for _ in range(mapping.pages // 2):
            world.store(space, somewhere(rng, mapping), word(rng))
        for _ in range(mapping.pages // 4):
            world.load(space, somewhere(rng, mapping))
    world.run()
    world.check()
    world.scribble(rng)
    return space


@points(6, exercise=3, rule="VM2", see="share_entries, share_mapping")
def test_fork_shares_pages(boot, rng):
    """After fork both have the same pages, and neither may write."""
    world = World(boot())
    for _ in range(2):
        space = family(world, rng)
        child = world.fork(space)
        world.check()
        world.fork(child)
        world.fork(space)
        world.check()


@points(8, exercise=3, rule="VM2", see="fault_copy, install_copy")
def test_writers_get_a_copy(boot, rng):
    """Who writes to a shared page has a copy; the others see nothing."""
    world = World(boot())
    for _ in range(2):
        spaces = [family(world, rng, 40)]
        for _ in range(5):
            spaces.append(world.fork(rng.choice(spaces)))
            for _ in range(60):
                space = rng.choice(spaces)
                va = somewhere(rng, rng.choice(space.mappings))
                if rng.random() < 0.6:
                    world.store(space, va, word(rng))
                else:
                    world.load(space, va)
            world.run()
            world.check()
            world.scribble(rng)


@points(6, exercise=3, see="reclaim_sole, fault_copy")
def test_last_holder_writes_in_place(boot, rng):
    """The last one that has a page writes it without a copy."""
    world = World(boot())
    for generations in 1, 2, 3:
        spaces = [family(world, rng, 30)]
        for _ in range(generations):
            spaces.append(world.fork(spaces[-1]))
        written = [va for va, frame in spaces[0].pages.items()
                   if not isinstance(frame, str)]
        for va in written:
            rng.shuffle(spaces)
            for space in spaces:
                world.store(space, va + 8 * rng.randrange(512), word(rng))
        world.run()
        world.check()
