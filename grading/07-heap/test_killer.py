"""Exercise 5: making room."""

import struct

from callers import MS, Callers
from grading.points import expect, points

PATIENCE = 100 * MS     # for calls in progress, and of who ends processes
SOON = 30 * MS          # what the killer takes to see that nothing comes


class Shortage(Callers):
    """Callers, caches and victims."""

    def __init__(self, boot, rng):
        super().__init__(boot, rng, n=4)
        self.rng = rng

    def caches(self, *sizes):
        """How many pages caches hold."""
        for i, n in enumerate(sizes):
            self.gate.used = self.call("agent_fill_cache", i, n)

    def victims(self, *sizes_and_delays, of_pages=0):
        """(pages, ns until they are free) of those who can be ended."""
        self.kernel.write_symbol("agent_victims", b"".join(
            struct.pack("<4Q", n, ns, 0, 0) for n, ns in sizes_and_delays))
        self.gate.used = self.call("agent_victims_prepare",
                                   len(sizes_and_delays), of_pages)

    def told(self, i):
        """When a victim was told to end, and when its memory was free."""
        at = self.kernel.symbol("agent_victims") + 32 * i
        return struct.unpack("<2Q", self.kernel.machine.read(at + 16, 16))

    def wait_for(self, pages, settle):
        """A call that needs more than there is."""
        return self.add(0, "reserve", pages, settle=settle)


def expect_kills(callers, heap, pages=0):
    """How many have been ended."""
    expect("processes ended for their heap", callers.word("agent_kills"), heap)
    expect("processes ended for their memory",
           callers.word("agent_kills_for_pages"), pages)


@points(4, exercise=5, see="evict")
def test_caches_come_first(boot, rng):
    """All caches are asked, and nobody is ended while they give something."""
    callers = Shortage(boot, rng)
    callers.victims((10, MS), (10, MS))
    sizes = [rng.randrange(140, 180), rng.randrange(20, 40)]
    rng.shuffle(sizes)
    callers.caches(*sizes)
    call = callers.wait_for(callers.gate.room() + sum(sizes) -
                            rng.randrange(3), 100 * MS)
    callers.run()
    expect("whether a call for which caches have room is through", call.over,
           1)
    expect_kills(callers, 0)
    for i, n in enumerate(sizes):
        expect(f"pages given back by a cache that had {n}",
               callers.word("agent_evicted", i), (n - 3, n))


@points(3, exercise=5, see="wait_for_line")
def test_calls_in_progress_are_waited_for(boot, rng):
    """Nobody is ended for pages that calls in progress give back."""
    callers = Shortage(boot, rng)
    callers.victims(*[(10, MS)] * 4)
    room = callers.gate.room()
    callers.add(1, "reserve", rng.randrange(room // 4, room // 2))
    callers.add(2, "reserve", rng.randrange(room // 8, room // 4))
    call = callers.wait_for(room - rng.randrange(5), 0)
    for who in rng.sample((1, 2), 2):
        callers.add(None, "join", rng.randrange(15, 45) * MS, settle=0)
        last = callers.add(who, "release", settle=0)
    callers.add(None, "join", 25 * MS)
    callers.run(limit_ms=200)
    expect("whether the call is through when the others have ended, not "
           "before", call.over and call.end > last.begin, True)
    expect_kills(callers, 0)


@points(4, exercise=5, see="serve_line, wait_for_line")
def test_one_at_a_time(boot, rng):
    """As few are ended as must be, each when the last one's memory is free."""
    callers = Shortage(boot, rng)
    victims = [(rng.randrange(15, 40), rng.randrange(5, 60) * MS)
               for _ in range(6)]
    callers.victims(*victims)
    n = rng.randrange(2, 5)
    room = callers.gate.room() + sum(v[0] for v in victims[:n])
    call = callers.wait_for(room - rng.randrange(5), n * (PATIENCE + SOON))
    callers.run()
    expect(f"whether a call for which {n} processes must end is through",
           call.over, 1)
    expect_kills(callers, n)
    for i in range(1, n):
        before, freed = callers.told(i - 1)
        told = callers.told(i)[0]
        expect("us from when one was told to end until the next was",
               (told - before) // 1000,
               ((freed - before) // 1000, (freed - before + SOON) // 1000),
               "the least is when the memory of the first came free")


@points(2, exercise=5, see="wait_for_line, serve_line")
def test_patience_has_an_end(boot, rng):
    """Who gives nothing back is waited for, but not for ever."""
    callers = Shortage(boot, rng)
    size = rng.randrange(20, 40)
    callers.victims((10, 0), (size, MS))
    room = callers.gate.room()
    holds = rng.randrange(room // 8, room // 4)
    callers.add(1, "reserve", holds)
    call = callers.wait_for(room - holds + rng.randrange(1, size),
                            2 * (PATIENCE + SOON))
    more = callers.add(2, "reserve", room + size - holds, settle=2 * PATIENCE)
    callers.add(0, "release", settle=PATIENCE)
    callers.add(3, "reserve", room + size + rng.randrange(1, 9),
                settle=3 * PATIENCE)
    callers.add(None, "kill", 3)
    callers.run()
    expect("whether a call is through whose second victim ends", call.over, 1)
    first, second = (callers.told(i)[0] for i in range(2))
    expect("us from when a call waits for what another holds to the first "
           "victim", (first - call.begin) // 1000,
           (PATIENCE // 1000, (PATIENCE + SOON) // 1000))
    expect("us between the first victim, which does not end, and the second",
           (second - first) // 1000,
           (PATIENCE // 1000, (2 * PATIENCE + SOON) // 1000))
    expect("whether a call that came later is through when it has ended",
           more.over, 1)
    expect("how often somebody was to be ended when nobody was left, while a "
           "call waited for 300 ms", callers.word("agent_deaf_kills"), (1, 5))


@points(2, exercise=5, see="wait_for_line, serve_line")
def test_memory_for_all(boot, rng):
    """When other pages than the heap's are short, one is ended for these."""
    callers = Shortage(boot, rng)
    short = rng.randrange(10, 30)   # they come free a page a millisecond
    callers.victims((10, MS), of_pages=short)
    callers.write("agent_frees", short + rng.randrange(9))
    call = callers.wait_for(rng.randrange(70, 100), PATIENCE)
    callers.run()
    expect("whether a call is through when pages are free again", call.over, 1)
    expect_kills(callers, 0, 1)
