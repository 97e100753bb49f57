"""Exercises 4 and 5: the kernel heap's slabs and magazines."""

from grading.agent import TIMER
from grading.points import expect, points, require
from model import (MAGAZINE_MAX, PAGE, Bursts, Objects, PageArray, Share,
                   check_contents, class_of, cost, fill_objects, kalloc,
                   slabs_for)

OBJECT_COST_MAX = 170           # instructions (handout, exercise 5)


def zeroed(kernel, address, size):
    """Whether an object that was just given out is clear."""
    data = kernel.machine.read(address, size)
    expect(f"bytes that are not 0 in a new object of {size} bytes",
           size - data.count(0), 0)


def take(kernel, objects, sizes, check_zero=True):
    """kalloc each size; the model follows; the addresses."""
    program = kernel.program()
    calls = [kalloc(program, size) for size in sizes]
    program.run()
    for call, size in zip(calls, sizes):
        objects.give(call.value, size)
        if check_zero:
            zeroed(kernel, call.value, size)
    return [call.value for call in calls]


def give(kernel, objects, addresses, *more):
    """kfree all, then call what is in more."""
    program = kernel.program()
    if addresses:
        program.many("kfree", addresses)
    for call in more:
        program.call(*call)
    program.run()
    for address in addresses:
        objects.back(address)


@points(6, exercise=4, rule="MEM5", see="slab_create, slab_with_room")
def test_objects_are_apart(boot, rng):
    """Objects of all sizes are aligned, disjoint, cleared, and in slabs."""
    share = Share(boot, rng)
    kernel, objects = share.kernel, Objects(share.array)
    sizes = [rng.randrange(1, 4097) for _ in range(200)]
    sizes += [rng.randrange(1, 400) for _ in range(800)]
    sizes = sizes[:share.pages - 100] if share.pages < 700 else sizes
    for _ in range(2):          # the second time, over used memory
        rng.shuffle(sizes)
        addresses = take(kernel, objects, sizes)
        objects.check_pages()
        contents = fill_objects(kernel, objects, rng)
        check_contents(kernel, contents, "an object")
        rng.shuffle(addresses)
        give(kernel, objects, addresses)


@points(7, exercise=4, rule="MEM5", see="slab_with_room, slab_put")
def test_slabs_are_filled_first(boot, rng):
    """A new page is taken only when no slab of the size has room."""
    share = Share(boot, rng)
    kernel, objects = share.kernel, Objects(share.array)
    slab = kernel.const.PAGE_SLAB
    for size in (rng.randrange(33, 300), rng.randrange(500, 1300)):
        n = rng.randrange(300, 500) if size < 500 else rng.randrange(150, 240)
        start = share.array.read().used_as(slab)
        addresses = take(kernel, objects, [size] * n, check_zero=False)
        full = share.array.read().used_as(slab) - start
        expect(f"pages for {n} objects of {size} bytes (class "
               f"{class_of(size)})", full, (slabs_for(size, n) - 1,
                                            slabs_for(size, n) + 1))
        rng.shuffle(addresses)
        for _ in range(3):
            half = [addresses.pop() for _ in range(n // 2)]
            give(kernel, objects, half)
            addresses += take(kernel, objects, [size] * len(half))
            rng.shuffle(addresses)
        expect("pages after half of the objects were freed and taken again, "
               "three times", share.array.read().used_as(slab) - start,
               (slabs_for(size, n) - 1, slabs_for(size, n) + 2),
               "a slab that was full and has room again must be found again")
        give(kernel, objects, addresses)


@points(7, exercise=4, rule="MEM5", see="slab_put")
def test_empty_slabs_go_back(boot, rng):
    """Slabs without an object in use give their pages back."""
    share = Share(boot, rng)
    kernel, objects = share.kernel, Objects(share.array)
    slab = kernel.const.PAGE_SLAB
    program = kernel.program()
    program.call("agent_count_pages")
    program.run()
    start = share.array.read().used_as(slab)
    sizes = [rng.randrange(700, 1024), rng.randrange(1400, 2048)]
    for size in sizes + sizes:
        n = rng.randrange(80, 110) * (PAGE // class_of(size))
        addresses = take(kernel, objects, [size] * n, check_zero=False)
        rng.shuffle(addresses)
        give(kernel, objects, addresses)
        expect(f"pages that are kept when all {n} objects of {size} bytes "
               "have been freed", share.array.read().used_as(slab) - start,
               (0, 2 * MAGAZINE_MAX),
               "a class keeps one empty slab, and what is in the magazine")
    give(kernel, objects, [], ("slab_shrink",))
    expect("pages that are kept after slab_shrink",
           share.array.read().used_as(slab) - start, 0)
    taken = kernel.u64(kernel.symbol("agent_pages_taken"))
    returned = kernel.u64(kernel.symbol("agent_pages_returned"))
    expect("pages that heap_ops heard of as taken, less those returned",
           taken - returned, 0)
    require(taken > 80, "pages that heap_ops.page_taken heard of",
            "one call a page", taken)


@points(5, exercise=5, rule="MEM5", see="kalloc, kfree, magazine_refill, "
        "magazine_drain")
def test_objects_keep_their_contents(boot, rng):
    """Thousands of objects come and go, and nobody writes to another's."""
    share = Share(boot, rng)
    kernel, objects = share.kernel, Objects(share.array)
    contents, sizes = {}, [rng.randrange(1, 600) for _ in range(12)]
    for _ in range(12):
        wanted = rng.choices(sizes, k=rng.randrange(50, 250))
        held = list(objects.sizes)
        rng.shuffle(held)
        freed = held[:max(0, len(held) - rng.randrange(100, 600))]
        program, events = kernel.program(), []
        while wanted or freed:
            if wanted and (not freed or rng.random() < 0.5):
                size = wanted.pop()
                events.append((kalloc(program, size), size))
            else:
                program.call("kfree", freed[-1])
                events.append((freed.pop(), None))
        program.run()
        fresh = follow(objects, contents, events)
        check_contents(kernel, contents, "an object")
        for address in fresh:
            zeroed(kernel, address, objects.sizes[address])
        contents = fill_objects(kernel, objects, rng)
    objects.check_pages()


def follow(objects, contents, events):
    """Let the model follow calls of kalloc and kfree; the new objects."""
    fresh = set()
    for call, size in events:
        if size is None:
            address = call if isinstance(call, int) else call.value
            objects.back(address)
            contents.pop(address, None)
            fresh.discard(address)
        else:
            objects.give(call.value, size)
            fresh.add(call.value)
    return fresh


@points(3, exercise=5, see="kalloc, kfree, magazine_refill, magazine_drain")
def test_objects_are_cheap(boot, rng):
    """Taking and freeing an object costs few instructions."""
    kernel = Share(boot, rng).kernel
    site = kernel.symbol("agent_site")
    each = cost(kernel, [(rng.randrange(8, 20), "kalloc",
                          (rng.choice((24, 64, 100)), site))
                         for _ in range(150)], "kfree")
    expect("instructions for kalloc and kfree together, on average, for "
           "objects of 24 to 100 bytes", each, (1, OBJECT_COST_MAX),
           "most calls should find an object, or room, in the magazine")


@points(4, exercise=5, rule="HEAP1", see="magazine_refill, slab_create")
def test_a_call_takes_one_page_at_most(boot, rng):
    """One kalloc takes one page at most: reservations count on it."""
    share = Share(boot, rng)
    kernel, slab = share.kernel, share.kernel.const.PAGE_SLAB
    start = share.array.used_as(slab)
    program, objects = kernel.program(), Objects(share.array)
    program.call("agent_count_pages")
    counts = []
    for size in rng.choices(range(1, 4097), k=250):
        counts.append((size, kalloc(program, size),
                       program.call("agent_taken")))
    program.run()
    before = 0
    for size, address, count in counts:
        objects.give(address.value, size)
        expect(f"pages that one kalloc({size}) took", count.value - before,
               (0, 1), "the call has reserved no more")
        before = count.value
    expect("pages of slabs, and pages that heap_ops.page_taken heard of",
           share.array.read().used_as(slab) - start, before)


@points(4, exercise=5, see="kalloc, kfree")
def test_objects_in_interrupts(boot, rng):
    """An interrupt handler may take and free objects at any moment."""
    share = Share(boot, rng, early=False)
    kernel, objects = share.kernel, Objects(share.array)
    size, contents = rng.choice((40, 64, 100)), {}
    pools = {0: [], TIMER: []}
    for _ in range(4):
        programs = {who: kernel.program() for who in pools}
        events = {0: random_calls(programs[0], pools[0], size, 5000, 200, rng),
                  TIMER: random_calls(programs[TIMER], pools[TIMER], size,
                                      150, 60, rng)}
        kernel.run(programs, tick_ns=rng.randrange(4000, 9000))
        settle(objects, contents, pools, programs, events, size)
        check_contents(kernel, contents, "an object")
        contents = fill_objects(kernel, objects, rng)
    everything_goes_back(share, objects, pools, rng)


def random_calls(program, pool, size, n, most, rng):
    """Add n calls of kalloc and kfree of one size; [(took, call)]."""
    held, events, bursts = list(pool), [], Bursts(rng, 80)
    for _ in range(n):
        if held and (len(held) >= most or bursts.give()):
            address = held.pop(rng.randrange(len(held)))
            program.call("kfree", address)
            events.append((False, address))
        else:
            call = kalloc(program, size)
            events.append((True, call))
            held.append(call)
    return events


def settle(objects, contents, pools, programs, events, size):
    """Who holds what after a run of several programs at once: the order among
    them is not known, but what they hold at the end must be apart."""
    for who, made in events.items():
        done = [e for e, op in zip(made, programs[who].ops) if op.values]
        held = list(pools[who])
        for took, call in done:
            address = call if isinstance(call, int) else call.value
            contents.pop(address, None)
            if took:
                held.append(address)
            else:
                require(address in held, "what kalloc returned to one CPU",
                        "an object of its own", f"{address:#x} twice")
                held.remove(address)
        pools[who][:] = held
    for address in list(objects.sizes):
        objects.back(address)
    for held in pools.values():
        for address in held:
            objects.give(address, size)


def everything_goes_back(share, objects, pools, rng, slack=0):
    """Free all; then the heap has its first pages and no more."""
    kernel, slab = share.kernel, share.kernel.const.PAGE_SLAB
    held = [address for pool in pools.values() for address in pool]
    rng.shuffle(held)
    give(kernel, objects, held, ("slab_shrink",))
    expect("pages that the heap keeps when all objects have been freed",
           PageArray(kernel).used_as(slab), (0, slack),
           "objects got lost")


@points(4, exercise=5, rule="MEM5", see="magazine_refill, magazine_drain")
def test_objects_on_four_cpus(boot, rng):
    """Four CPUs take and free objects at once, in seeded schedules."""
    share = Share(boot, rng, smp=4, early=False)
    kernel, objects = share.kernel, Objects(share.array)
    size, contents = rng.choice((40, 100, 180, 500)), {}
    pools = {cpu: [] for cpu in range(4)}
    for _ in range(8):
        # Each CPU goes on with what its neighbour has taken.
        pools = {(cpu + 1) % 4: pool for cpu, pool in pools.items()}
        programs = {cpu: kernel.program() for cpu in range(4)}
        events = {}
        for cpu, program in programs.items():
            made = [(None, program.call("agent_delay", rng.randrange(2000)))]
            made += random_calls(program, pools[cpu], size, 1500, 150, rng)
            events[cpu] = made
        kernel.run(programs, slice=rng.randrange(60, 900))
        for cpu in programs:
            events[cpu] = events[cpu][1:]
            programs[cpu].ops = programs[cpu].ops[1:]
        settle(objects, contents, pools, programs, events, size)
        check_contents(kernel, contents, "an object")
        contents = fill_objects(kernel, objects, rng)
    everything_goes_back(share, objects, pools, rng, slack=3 * MAGAZINE_MAX)
