"""Exercise 3: single pages, the CPUs' caches, the heap's share."""

from grading.agent import TIMER
from grading.points import expect, points, require
from model import (CACHED_MAX, PAGE, Holders, Mix, PageArray, Share,
                   blocks_got, cost, exhaust, largest_blocks)

SINGLE_COST_MAX = 170           # instructions (handout, exercise 3)


@points(4, exercise=3, rule="MEM2", see="take_single, free_pages")
def test_single_pages_are_apart(boot, rng):
    """Single pages are given out once, and cleared when asked for."""
    share = Share(boot, rng)
    kernel, const = share.kernel, share.kernel.const
    holders = Holders(share.array)
    mix = Mix(kernel, rng, [0] * 9 + [1, 3], const.PAGE_KERNEL, holders)
    for most in (100, 1000, 5000):
        mix.run(2500, most)
        holders.check_entries(const.PAGE_KERNEL)
    for page in holders.pages():        # dirty, to be cleared later
        frame = share.array.number(page)
        kernel.machine.write(page_memory(frame), b"\xaa" * PAGE)
    program = kernel.program()
    mix.give_all_back(program)
    got = program.many("page_alloc", 0, const.PAGE_USER, const.ALLOC_ZERO,
                       count=300)
    program.run()
    for page in got.values:
        holders.give(page, 0)
        data = kernel.machine.read(page_memory(share.array.number(page)),
                                   PAGE)
        expect("bytes that are not 0 in a page of ALLOC_ZERO",
               PAGE - data.count(0), 0)


def page_memory(frame):
    """Address of a frame in the direct map."""
    return 0xffff800000000000 + frame * PAGE


@points(5, exercise=3, rule="MEM3", see="take_single, cache_refill, "
        "free_for_all, free_pages")
def test_heap_share_is_kept(boot, rng):
    """The heap gets its whole share when all other pages are taken."""
    share = Share(boot, rng)
    kernel, const = share.kernel, share.kernel.const
    heap = const.ALLOC_HEAP | const.ALLOC_NOWAIT
    first = rng.randrange(2 * CACHED_MAX, 3 * CACHED_MAX)
    program = kernel.program()
    program.many("page_alloc", 0, const.PAGE_SLAB, heap, count=first)
    program.run()
    wanted = share.for_all()
    program = kernel.program()
    plain = exhaust(program, 0, const.PAGE_USER)
    mine = program.many("page_alloc", 0, const.PAGE_SLAB, heap,
                        count=share.pages - first)
    program.run()
    n = len(blocks_got(plain))
    expect("single pages until they are refused (heap share "
           f"{share.pages} pages, of which it has {first})", n,
           (wanted - CACHED_MAX, wanted))
    expect("pages of the heap's share that the heap gets after that",
           len([p for p in mine.values if p]), share.pages - first)
    back = rng.sample(mine.values,
                      rng.randrange(100, min(200, len(mine.values))))
    program = kernel.program()
    program.many("page_unref", back)
    others = exhaust(program, 0, const.PAGE_USER, most=300)
    again = program.many("page_alloc", 0, const.PAGE_SLAB, heap,
                         count=len(back))
    program.run()
    expect("pages that others get after the heap gave some back",
           len(blocks_got(others)), (0, wanted - n),
           "what the heap gives back is its share again, at once")
    expect(f"pages that the heap gets again, of {len(back)} that it gave "
           "back", len([p for p in again.values if p]), len(back))


@points(3, exercise=3, see="take_single, free_pages, cache_refill, "
        "cache_drain")
def test_single_pages_are_cheap(boot, rng):
    """Taking and giving back a single page costs few instructions."""
    kernel = Share(boot, rng).kernel
    each = cost(kernel, [(rng.randrange(20, 64), "page_alloc",
                          (0, kernel.const.PAGE_KERNEL, 0))
                         for _ in range(80)], "page_unref")
    expect("instructions for page_alloc(0) and page_unref together, on "
           "average", each, (1, SINGLE_COST_MAX),
           "most calls should find a page, or room, in the CPU's cache; "
           "refill and drain move many at once")


@points(2, exercise=3, see="cache_drain, free_pages")
def test_caches_are_small(boot, rng):
    """A CPU keeps no more than 64 free pages to itself."""
    share = Share(boot, rng)
    kernel, use = share.kernel, share.kernel.const.PAGE_USER
    before = largest_blocks(kernel)
    expect("blocks of 4 MiB after the boot", before, (2, share.array.len))
    array = PageArray(kernel)
    program = kernel.program()
    got = exhaust(program, 0, use)
    program.run()
    pages = blocks_got(got)
    expect("single pages until they are refused", len(pages),
           (before << 10, share.array.len))
    # First and last the pages of one block, in case the cache keeps these.
    of_block = {}
    for page in pages:
        number = array.number(page)
        require(number is not None, "page_alloc(0)", "an entry of page_array",
                f"{page:#x}")
        of_block.setdefault(number >> 10, []).append(page)
    kept = of_block.pop(max(of_block, key=lambda b: len(of_block[b])))
    rest = [page for block in of_block.values() for page in block]
    rng.shuffle(rest)
    program = kernel.program()
    program.many("page_unref", kept[::2] + rest + kept[1::2])
    program.run()
    expect("blocks of 4 MiB after all single pages were given back",
           largest_blocks(kernel), (before - 1, before),
           "pages that stay in the cache cannot merge")


@points(3, exercise=3, see="try_alloc, take_single, free_pages")
def test_single_pages_in_interrupts(boot, rng):
    """An interrupt handler may take and give back pages at any moment."""
    share = Share(boot, rng, early=False)
    kernel, use = share.kernel, share.kernel.const.PAGE_KERNEL
    before = share.for_all()
    holders = Holders(share.array)
    main, timer = Mix(kernel, rng, [0], use), Mix(kernel, rng, [0], use)
    for _ in range(4):
        programs = {0: kernel.program(), TIMER: kernel.program()}
        events = main.add(programs[0], 5000, 150)
        ticks = timer.add(programs[TIMER], 150, 100, longest=40)
        kernel.run(programs, tick_ns=rng.randrange(4000, 9000))
        main.check(events)
        timer.check([e for e, op in zip(ticks, programs[TIMER].ops)
                     if op.values])
        now = Holders(PageArray(kernel))
        now.starts, now.blocks = list(holders.starts), dict(holders.blocks)
        for page, order in main.live + timer.live:
            now.give(page, order)
        now.check_entries(use)
    program = kernel.program()
    main.give_all_back(program)
    timer.give_all_back(program)
    got = exhaust(program, 0, use)
    program.run()
    expect("single pages that can be had when all were given back",
           len(blocks_got(got)), (before - CACHED_MAX, before + CACHED_MAX),
           "pages got lost, or twice into the cache")


@points(3, exercise=3, rule="MEM1, MEM2", see="cache_refill, cache_drain, "
        "take_single, free_pages")
def test_single_pages_on_four_cpus(boot, rng):
    """Four CPUs take and give back pages at once, in seeded schedules."""
    share = Share(boot, rng, smp=4, early=False)
    kernel, use = share.kernel, share.kernel.const.PAGE_USER
    before = share.for_all()
    base = Holders(share.array)
    mixes = [Mix(kernel, rng, [0] * 12 + [1, 2], use) for _ in range(4)]
    for _ in range(8):
        rng.shuffle(mixes)      # the next CPU gives back what this one took
        programs = {cpu: kernel.program() for cpu in range(4)}
        events = []
        for cpu, mix in enumerate(mixes):
            programs[cpu].call("agent_delay", rng.randrange(2000))
            events.append(mix.add(programs[cpu], 1500, 300, longest=150))
        kernel.run(programs, slice=rng.randrange(60, 900))
        for mix, made in zip(mixes, events):
            mix.check(made)
        now = Holders(PageArray(kernel))
        now.starts, now.blocks = list(base.starts), dict(base.blocks)
        for mix in mixes:
            for page, order in mix.live:
                now.give(page, order)
        now.check_entries(use)
    program = kernel.program()
    for mix in mixes:
        mix.give_all_back(program)
    got = exhaust(program, 0, use)
    program.run()
    expect("single pages that can be had when all were given back",
           len(blocks_got(got)), (before - 4 * CACHED_MAX,
                                  before + CACHED_MAX),
           "pages got lost, or twice into the free lists")
