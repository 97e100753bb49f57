"""What the host knows of chapter mem: who holds which pages and objects.

It is written from the contract (mem.h, the chapter's README) and reads only
what the contract lets everybody see: the page array and its fields.
"""

from bisect import bisect_left, bisect_right, insort

from grading import pages
from grading.machine import DIRECT_MAP
from grading.pages import PAGE
from grading.points import expect, require

CACHED_MAX = 64         # single pages that a CPU keeps (handout, exercise 3)
MAGAZINE_MAX = 32       # objects that a CPU keeps of a class (exercise 5)
# The size classes of slab.c (handout, exercise 4).
CLASSES = (16, 32, 48, 64, 128, 192, 256, 320, 384, 448, 512, 576, 640, 768,
           1024, 1344, 2048, 4096)
TRAILER = 4


def class_of(size):
    """The size of the objects that a request gets: who caused it is kept
    behind it, but for an object that is a whole page."""
    return next((c for c in CLASSES if c >= size + TRAILER), PAGE)


def slabs_for(size, n):
    """Slabs that n objects fill."""
    return -(-n // (PAGE // class_of(size)))


class PageArray(pages.PageArray):
    """The page array, read as blocks: whoever gets 2^n pages holds one."""

    def taken(self):
        """[(frame, pages, use)]: what is not free, reserved pages too."""
        found, i, reserved = [], 0, self.kernel.const.PAGE_RESERVED
        while i < self.len:
            n = 1
            if self.refs[i]:
                if self.use[i] != reserved:
                    n = 1 << min(self.order[i], 20)
                found.append((i, n, self.use[i]))
            i += n
        return found

    def free(self):
        """How many pages are free."""
        return self.len - sum(n for _, n, _ in self.taken())

    def used_as(self, use):
        """How many pages have a use."""
        return sum(n for _, n, u in self.taken() if u == use)

    def whole_blocks(self, order):
        """Aligned runs of 2^order pages that are free from end to end."""
        size, busy = 1 << order, set()
        for first, n, _ in self.taken():
            busy.update(range(first // size, (first + n - 1) // size + 1))
        return self.len // size - len([b for b in busy
                                       if b < self.len // size])


class Holders:
    """Who holds which frames: finds what is given out twice."""

    def __init__(self, array):
        self.array = array
        self.starts, self.blocks = [], {}       # first frame -> (pages, page)
        for first, n, _ in array.taken():
            self._put(first, n, None)

    def _put(self, first, n, page):
        insort(self.starts, first)
        self.blocks[first] = (n, page)

    def give(self, page, order):
        """The kernel has given out a block of 2^order pages."""
        first, n = self.array.number(page), 1 << order
        require(first is not None, f"page_alloc({order})",
                "the address of an entry of page_array", f"{page:#x}")
        expect(f"page_alloc({order}): first frame {first:#x} modulo {n}",
               first % n, 0, "a block is aligned to its size (MEM1)")
        require(first + n <= self.array.len, f"page_alloc({order})",
                "a block that ends before the end of memory",
                f"frames {first:#x} to {first + n - 1:#x}")
        other = self.overlap(first, n)
        require(other is None, f"page_alloc({order})",
                "pages that nobody holds",
                f"frames {first:#x} to {first + n - 1:#x}; frame "
                f"{other or 0:#x} is in use")
        self._put(first, n, page)

    def overlap(self, first, n):
        """A frame of a block that overlaps [first, first + n), or None."""
        i = bisect_right(self.starts, first)
        if i and self.starts[i - 1] + self.blocks[self.starts[i - 1]][0] \
                > first:
            return self.starts[i - 1]
        if i < len(self.starts) and self.starts[i] < first + n:
            return self.starts[i]
        return None

    def back(self, page):
        """A block is given back."""
        first = self.array.number(page)
        del self.blocks[first]
        del self.starts[bisect_left(self.starts, first)]

    def pages(self):
        """The blocks that page_alloc has given out: [struct page]."""
        return [p for _, p in self.blocks.values() if p is not None]

    def check_entries(self, use):
        """Each block's entry says that it is held once, and for what."""
        self.array.read()
        for first, (n, page) in self.blocks.items():
            if page is None:
                continue
            expect(f"references of the page at {first * PAGE:#x}",
                   self.array.refs[first], 1, "MEM2: 0 if and only if free")
            expect(f"use of the page at {first * PAGE:#x}",
                   self.array.use[first], use)
            expect(f"order of the block at {first * PAGE:#x}",
                   1 << self.array.order[first], n)


class Share:
    """A boot with a heap share of random size, and what that promises."""

    def __init__(self, boot, rng, **options):
        self.pages = rng.randrange(300, 1500)
        self.kernel = boot(append=f"heap={self.pages * 4}", **options)
        self.array = PageArray(self.kernel)

    def for_all(self):
        """Free pages that others than the heap may have (MEM3)."""
        self.array.read()
        used = self.array.used_as(self.kernel.const.PAGE_SLAB)
        return max(0, self.array.free() - max(0, self.pages - used))

    def blocks(self, order):
        """Blocks of an order that can be had at once, if all free pages are
        merged as far as they can be."""
        return min(self.array.read().whole_blocks(order),
                   self.for_all() >> order)


class Bursts:
    """Decides between taking and giving back: in runs of random length, so
    that caches and magazines fill up and run empty."""

    def __init__(self, rng, longest):
        self.rng, self.longest = rng, longest
        self.left, self.giving = 0, True

    def give(self):
        """Whether the next call gives something back."""
        if self.left == 0:
            self.left = self.rng.randrange(1, self.longest)
            self.giving = not self.giving
        self.left -= 1
        return self.giving


class Mix:
    """A random program that takes and gives back pages, and its check."""

    def __init__(self, kernel, rng, orders, use, holders=None, flags=0):
        self.kernel, self.rng, self.orders = kernel, rng, orders
        self.use, self.flags = use, flags
        self.holders = holders
        self.live = []          # [(struct page, order)]

    def run(self, n, most_pages, **limits):
        """n calls, never holding more than most_pages; then the check."""
        program = self.kernel.program()
        events = self.add(program, n, most_pages)
        program.run(**limits)
        self.check(events)

    def add(self, program, n, most_pages, longest=4):
        """Add n random calls to a program; the list of them, for check().
        longest: how many in a row take, or give back, at most."""
        held = sum(1 << order for _, order in self.live)
        bursts = Bursts(self.rng, longest)
        events, live = [], list(self.live)
        for _ in range(n):
            order = self.rng.choice(self.orders)
            if live and (held + (1 << order) > most_pages or bursts.give()):
                page, order = live.pop(self.rng.randrange(len(live)))
                program.call("page_unref", page)
                events.append((None, page, order))
                held -= 1 << order
            elif held + (1 << order) <= most_pages:
                page = program.call("page_alloc", order, self.use, self.flags)
                events.append((True, page, order))
                live.append((page, order))
                held += 1 << order
        return events

    def check(self, events):
        """Follow the calls that were made, in their order."""
        for took, page, order in events:
            known = page if isinstance(page, int) else page.values[0]
            if took:
                require(known, f"page_alloc({order})", "a block",
                        "NULL, though enough memory is free")
                if self.holders:
                    self.holders.give(known, order)
                self.live.append((known, order))
            else:
                if self.holders:
                    self.holders.back(known)
                self.live.remove((known, order))

    def give_all_back(self, program):
        """Add giving back all that is held, in random order."""
        pages = [page for page, _ in self.live]
        self.rng.shuffle(pages)
        if pages:
            program.many("page_unref", pages)
        if self.holders:
            for page in pages:
                self.holders.back(page)
        self.live = []


def exhaust(program, order, use, flags=0, most=20000):
    """Add taking blocks of an order until there are none."""
    return program.many("page_alloc", order, use, flags, count=most,
                        until_zero=True)


def blocks_got(result):
    """How many blocks exhaust() got, and their pages."""
    return [page for page in result.values if page]


def largest_blocks(kernel):
    """How many blocks of the largest order can be had now."""
    program, top = kernel.program(), kernel.const.PAGE_ORDER_MAX
    got = exhaust(program, top, kernel.const.PAGE_USER, most=64)
    program.many("page_unref", got)
    program.run()
    return len(blocks_got(got))


class Objects:
    """Objects of the heap that are held: finds what is given out twice."""

    def __init__(self, array):
        self.array = array
        self.starts, self.sizes = [], {}

    def give(self, address, size):
        """kalloc(size) has returned address."""
        what = f"kalloc({size})"
        align = 64 if size >= 64 else 16
        require(address >= DIRECT_MAP and address < DIRECT_MAP +
                self.array.len * PAGE, what,
                "an address in the direct map of memory", f"{address:#x}")
        expect(f"{what}: address {address:#x} modulo {align}",
               address % align, 0)
        require(address // PAGE == (address + size - 1) // PAGE, what,
                "an object within one page", f"{address:#x}")
        i = bisect_right(self.starts, address)
        before = self.starts[i - 1] if i else None
        require(before is None or before + self.sizes[before] <= address,
                what, "an object that nobody holds",
                f"{address:#x}, inside the object at {before or 0:#x}")
        after = self.starts[i] if i < len(self.starts) else None
        require(after is None or address + size <= after, what,
                "an object that nobody holds",
                f"{address:#x}, which overlaps the object at {after or 0:#x}")
        self.starts.insert(i, address)
        self.sizes[address] = size

    def back(self, address):
        """The object is freed."""
        del self.sizes[address]
        del self.starts[bisect_left(self.starts, address)]

    def check_pages(self):
        """All objects lie in pages that say they are slabs."""
        slab = self.array.kernel.const.PAGE_SLAB
        self.array.read()
        for address in self.starts:
            frame = (address - DIRECT_MAP) // PAGE
            expect(f"use of the page of the object at {address:#x}",
                   self.array.use[frame], slab)
            expect(f"references of the page of the object at {address:#x}",
                   self.array.refs[frame], 1)


def kalloc(program, size):
    """Add a call of kalloc."""
    return program.call("kalloc", size, program.kernel.symbol("agent_site"))


def fill_objects(kernel, objects, rng):
    """Write random bytes into all objects; {address: bytes}."""
    contents = {}
    for address, size in objects.sizes.items():
        contents[address] = rng.randbytes(size)
        kernel.machine.write(address, contents[address])
    return contents


def check_contents(kernel, contents, whose):
    """Nobody has written to the objects."""
    for address, data in contents.items():
        seen = kernel.machine.read(address, len(data))
        if seen != data:
            at = next(i for i, (a, b) in enumerate(zip(seen, data)) if a != b)
            expect(f"{whose} at {address:#x}, byte {at}", f"{seen[at]:#x}",
                   f"{data[at]:#x}", "somebody wrote to memory that is not "
                   "theirs: given out twice, or used after it was freed")


def cost(kernel, bursts, give_back):
    """Instructions for a call and its give_back, on average.

    bursts: [(count, function, arguments)]: so many calls in a row, whose
    results are then given back. What the agent itself takes is measured by
    the same calls of a function that does nothing, and taken off.
    """
    def measure(instead=None):
        for _ in range(2):      # the first run warms caches up
            program, taken = kernel.program(), []
            for count, function, args in bursts:
                got = program.many(instead or function, *args, count=count)
                program.many(instead or give_back, got)
                taken.append(got)
            before = kernel.machine.ns
            program.run(slice=SLICE_NS)
            took = kernel.machine.ns - before
        return took, taken
    took, taken = measure()
    for (count, function, _), got in zip(bursts, taken):
        expect(f"different results of {count} calls of {function}",
               len(set(got.values) - {0}), count)
    # Where nothing is taken nothing is given back: give it something.
    nothing, _ = measure("agent_something")
    return (took - nothing) // sum(count for count, _, _ in bursts)


SLICE_NS = 10000        # the clock may err by so much
