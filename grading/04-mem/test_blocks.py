"""Exercises 1 and 2: the buddy allocator, blocks of two pages and more."""

from grading.points import expect, points
from model import (Holders, Mix, Share, blocks_got, exhaust, largest_blocks)

BIG = "a block of 1024 pages can only be had again if all its parts merged"


@points(12, exercise=1, rule="MEM1", see="buddy_insert")
def test_freed_blocks_merge(boot, rng):
    """Freed blocks merge until blocks of 4 MiB are whole again."""
    share = Share(boot, rng)
    kernel, use = share.kernel, share.kernel.const.PAGE_USER
    wanted = share.blocks(kernel.const.PAGE_ORDER_MAX)
    expect("blocks of 4 MiB after the boot", largest_blocks(kernel), wanted,
           BIG)
    # The last one leaves halves of most sizes, which nobody has had before.
    for n in (share.for_all() // 4, share.for_all() // 4 + 3):
        program = kernel.program()
        got = program.many("page_alloc", 1, use, 0, count=n)
        program.run()
        program = kernel.program()
        program.many("page_unref", got.values)
        program.run()
        expect("blocks of 4 MiB after small ones were given back",
               largest_blocks(kernel), wanted, BIG)
    for _ in range(3):
        mix = Mix(kernel, rng, list(range(1, 10)), use)
        mix.run(600, share.for_all() - 600)
        program = kernel.program()
        mix.give_all_back(program)
        program.run()
        expect("blocks of 4 MiB after blocks of all sizes were given back",
               largest_blocks(kernel), wanted, BIG)


@points(8, exercise=1, rule="MEM1", see="buddy_insert")
def test_only_free_buddies_merge(boot, rng):
    """A block merges with nothing but its own, wholly free buddy."""
    share = Share(boot, rng)
    kernel, use = share.kernel, share.kernel.const.PAGE_USER
    holders = Holders(share.array)
    mix = Mix(kernel, rng, list(range(1, 8)), use, holders)
    room = share.for_all()
    for part in (8, 3, 2):
        mix.run(1500, room - room // part)
        holders.check_entries(use)


@points(6, exercise=2, rule="MEM1, MEM2", see="buddy_remove")
def test_blocks_are_aligned_and_apart(boot, rng):
    """Blocks of every size are aligned, disjoint, and inside memory."""
    share = Share(boot, rng)
    kernel, use = share.kernel, share.kernel.const.PAGE_USER
    holders, room = Holders(share.array), share.for_all()
    program, got = kernel.program(), []
    for order in rng.sample(range(1, 11), 10) + rng.choices(
            range(1, 6), k=400):
        if 1 << order < room - 1024:
            got.append((True, program.call("page_alloc", order, use, 0),
                        order))
            room -= 1 << order
    program.run()
    Mix(kernel, rng, [], use, holders).check(got)
    holders.check_entries(use)


@points(5, exercise=2, rule="MEM1", see="buddy_remove")
def test_splitting_loses_nothing(boot, rng):
    """All free pages can be had, as small blocks, again and again."""
    share = Share(boot, rng)
    kernel, use = share.kernel, share.kernel.const.PAGE_USER
    for order in rng.sample(range(1, 5), 3):
        wanted = share.blocks(order)
        program = kernel.program()
        got = exhaust(program, order, use)
        program.many("page_unref", got)
        program.run()
        expect(f"blocks of {1 << order} pages until there are none",
               len(blocks_got(got)), (wanted, share.array.len),
               "halves of a split block got lost")


@points(4, exercise=2, rule="MEM1", see="buddy_remove")
def test_small_requests_spare_large_blocks(boot, rng):
    """A small request splits a large block only if no small one is free."""
    share = Share(boot, rng)
    kernel, use = share.kernel, share.kernel.const.PAGE_USER
    before = largest_blocks(kernel)
    program = kernel.program()
    program.many("page_alloc", 1, use, 0, count=rng.randrange(100, 240))
    program.run()
    expect("blocks of 4 MiB after some 200 blocks of 8 KiB were taken",
           largest_blocks(kernel), (max(1, before - 1), before),
           "the smallest block that is large enough is the one to split")


@points(5, exercise=2, rule="MEM3", see="free_for_all")
def test_blocks_leave_the_heap_its_share(boot, rng):
    """Blocks are refused when only the heap's share is left."""
    share = Share(boot, rng)
    kernel, use = share.kernel, share.kernel.const.PAGE_USER
    for order in (rng.randrange(1, 3), rng.randrange(3, 6)):
        wanted = share.blocks(order)
        program = kernel.program()
        got = exhaust(program, order, use)
        program.run()
        expect(f"blocks of {1 << order} pages until they are refused "
               f"(heap share: {share.pages} pages)",
               len(blocks_got(got)), (wanted // 2, wanted))
        left = share.array.read().free()
        expect("free pages that are left", left,
               (share.pages, share.pages + 2 * (1 << order) + 1024),
               "the heap's share is what it may have, less what it has")
        program = kernel.program()
        program.many("page_unref", blocks_got(got))
        program.run()
