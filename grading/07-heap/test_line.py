"""Exercise 2: standing in line."""

from callers import MS, Callers
from grading.points import expect, points

CPUS = 4
MOMENTS = 600           # an instruction apart


def some_release(callers, rng):
    """One of those who hold something gives it back, if there is one."""
    holders = [w for w in callers.idle() if w in callers.gate.held]
    if holders:
        callers.do(rng.choice(holders), "release")


def all_release(callers):
    """Everybody gives back what he has, until nobody waits."""
    while callers.gate.held:
        callers.do(next(iter(callers.gate.held)), "release")
    assert not callers.gate.busy()      # this test asks for what may ever fit


def free_callers(callers):
    """Those who could reserve."""
    return [w for w in callers.idle() if w not in callers.gate.held]


@points(5, exercise=2, rule="HEAP1", see="wait_in_line, grant_lines")
def test_calls_wait_and_go_on(boot, rng):
    """A call waits as long as it does not fit, and no longer."""
    callers = Callers(boot, rng)
    gate, in_the_way = callers.gate, rng.randrange(10, 30)
    callers.do(None, "take", in_the_way)
    for _ in range(3):
        # The last page decides: of what is reserved, or of what is in use.
        size = rng.randrange(40, gate.room() - 40)
        callers.do(0, "reserve", size)
        callers.do(1, "reserve", gate.room() + rng.randrange(1, 3))
        callers.do(0, "release")
        callers.do(1, "release")
        n = rng.randrange(1, 4)
        callers.do(2, "reserve", gate.room() + n)
        for _ in range(n):
            callers.do(None, "free", 1)
        callers.do(2, "release")
        # What one gives back is enough for two.
        room = gate.room()
        callers.do(0, "reserve", room)
        for who in 1, 2:
            callers.do(who, "reserve", rng.randrange(1, room // 2))
        for who in range(3):
            callers.do(who, "release")
    most = gate.limit - gate.kept - gate.used
    for _ in range(25):
        idle = free_callers(callers)
        if idle and rng.random() < 0.7:
            room = gate.room()
            callers.do(rng.choice(idle), "reserve", rng.randrange(
                room // 3, min(room + 40, most)) if room > 30
                else rng.randrange(1, 90))
        else:
            some_release(callers, rng)
    all_release(callers)
    callers.do(0, "reserve", gate.limit - gate.kept + rng.randrange(1, 9))
    callers.do(0, "reserve", gate.room())
    callers.do(1, "reserve", gate.limit - gate.kept + 1)
    callers.run()


@points(4, exercise=2, rule="HEAP4", see="wait_in_line, grant_lines, "
        "take_shared")
def test_in_order_of_arrival(boot, rng):
    """Who waits is served in order of arrival, however small others are."""
    callers = Callers(boot, rng, n=16)
    gate = callers.gate
    for _ in range(4):
        room = gate.room()
        callers.do(0, "reserve", room - rng.randrange(5, 20))
        callers.do(1, "reserve", rng.randrange(room // 2, room))
        for who in range(2, rng.randrange(6, 10)):
            callers.do(who, "reserve", rng.randrange(1, room // 3))
        callers.do(0, "release")
        while gate.held:
            some_release(callers, rng)
            idle = free_callers(callers)
            if idle and rng.random() < 0.15:
                callers.do(rng.choice(idle), "reserve",
                           rng.randrange(1, room // 2))
    callers.run()


@points(4, exercise=2, rule="HEAP4", see="grant_lines, wait_in_line, fits")
def test_who_must_go_on_goes_first(boot, rng):
    """Who must go on so that memory comes free is served before all calls."""
    callers = Callers(boot, rng, n=12)
    gate = callers.gate
    for _ in range(3):
        callers.do(0, "reserve", gate.room() - rng.randrange(4))
        callers.do(1, "last", rng.randrange(gate.kept * 2 // 3, gate.kept))
        callers.do(2, "reserve", rng.randrange(10, 60))
        for who in range(3, 6):
            callers.do(who, "last", rng.randrange(gate.kept // 2, gate.kept)
                       if who < 5 else gate.kept + rng.randrange(100))
        callers.do(6, "reserve", rng.randrange(1, 10))
        callers.do(1, "release")
        while gate.held:
            some_release(callers, rng)
    callers.run()


@points(4, exercise=2, see="wait_in_line")
def test_killed_in_line(boot, rng):
    """Who is to die leaves the line, and is in nobody's way there."""
    callers = Callers(boot, rng, n=12)
    gate = callers.gate
    for _ in range(5):
        room = gate.room()
        callers.do(0, "reserve", room - rng.randrange(20, 40))
        callers.do(1, "reserve", rng.randrange(60, 100))
        for who in range(2, 6):
            callers.do(who, "reserve", rng.randrange(1, 20))
        waiting = sorted(gate.busy())
        victims = [1] + rng.sample(waiting[1:], min(1, len(waiting) - 1))
        if rng.random() < 0.5:
            victims.reverse()
        for who in victims:
            callers.do(None, "kill", who)
        if rng.random() < 0.5:
            callers.do(victims[-1], "reserve", rng.randrange(60, 90))
        for who in victims:
            callers.do(None, "clear", who)
        while gate.held:
            some_release(callers, rng)
        callers.do(7, "reserve", gate.room())
        callers.do(7, "release")
    callers.run()


@points(4, exercise=2, rule="HEAP4", see="wait_in_line")
def test_no_grant_is_lost(boot, rng):
    """Pages that come free at any moment of going to sleep are not lost."""
    callers = Callers(boot, rng, n=2)
    back = rng.randrange(1, 7)
    for kind, what in (2, "freed"), (3, "freed, and the waiter killed,"):
        lost = callers.call("agent_window", kind, MOMENTS, back, 0,
                            limit_ms=5000, slice=0)
        expect(f"calls that slept on, of {MOMENTS} for which pages were {what}"
               " at different moments", lost, 0)
        answers = [callers.word("agent_answers", i) for i in range(2)]
        expect("calls that have come back", sum(answers),
               MOMENTS * (kind - 1))
        if kind == 2:
            expect("calls that returned an error", answers[1], 0)
        callers.gate.used = callers.call("agent_used")
        callers.do(0, "reserve", callers.gate.room())
        callers.do(1, "reserve", 1)
        callers.do(0, "release")
        callers.do(1, "release")
        callers.run()


@points(4, exercise=2, rule="HEAP1", see="wait_in_line, grant_lines, "
        "take_shared, return_pages")
def test_four_cpus(boot, rng):
    """On four CPUs never more is granted than there is, and nobody is left."""
    for _ in range(2):
        callers = Callers(boot, rng, n=8, smp=CPUS, bound=True)
        gate, most = callers.gate, rng.randrange(40, 120)
        room = gate.room() - rng.randrange(most, 2 * most)
        callers.add(0, "reserve", room, settle=5 * MS)
        first = len(callers.steps)
        for who in range(1, 8):
            callers.add(who, "stress", 250, rng.getrandbits(60), most,
                        settle=0)
        # Prime to what a round takes.
        callers.add(None, "turns", 10 * rng.randrange(47, 97), settle=0)
        callers.add(None, "join", 25 * MS, settle=0)
        callers.add(None, "turns", 0, settle=0)
        callers.add(0, "release")
        last = callers.add(1, "reserve", gate.room())
        more = callers.add(2, "reserve", 1)
        steps = callers.run(limit_ms=100)
        for s in steps[first:first + 7]:
            expect(f"whether caller {s.who} has got all of its reservations",
                   [s.over, s.result], [1, 0])
        expect("pages in use and reserved, when one was granted, at most",
               callers.word("agent_most"), (0, gate.limit - gate.kept))
        expect("whether all pages can be reserved in the end, and one more",
               [last.over, more.over], [1, 0])
