"""Exercise 1: reserving and giving back. With heapgate=fail nobody waits: what
does not fit is refused."""

from callers import ENOMEM, MS, Callers
from grading.points import expect, points, require

AT_HAND = 64            # pages that a CPU keeps at most
PAIR_COST_MAX = 60      # instructions (handout, exercise 1)
MOMENTS = 320           # an instruction apart
FILL = "single pages that can be reserved"


@points(7, exercise=1, rule="HEAP1", see="fits, take_shared, return_pages")
def test_all_that_is_free_is_granted_once(boot, rng):
    """Calls are granted what is free, to the last page, and no more."""
    callers = Callers(boot, rng, how="fail")
    gate, checks = callers.gate, []

    def reserve(who, pages):
        step = callers.add(who, "reserve", pages, settle=MS)
        step.free = gate.room()
        checks.append(step)
        if pages <= step.free:
            gate.held[who] = pages
        return step
    for _ in range(60):
        who = rng.randrange(callers.n)
        if who in gate.held:
            callers.add(who, "release", settle=MS)
            gate.release(who)
        callers.add(None, "shrink")     # nothing is at hand
        kind, room = rng.random(), gate.room()
        reserve(who, room if kind < 0.2 else
                room + rng.randrange(1, 4) if kind < 0.4 else
                rng.randrange(1, max(2, room // 3)))
        if rng.random() < 0.3:
            callers.add(None, "shrink")
            fill = callers.add(None, "fill", settle=MS)
            fill.free = gate.room()
            checks.append(fill)
    callers.run()
    for s in checks:
        if s.kind == "fill":
            expect(f"{FILL} of {s.free} that are free", s.result, s.free)
        else:
            expect(f"what reserving {s.args[0]} pages of {s.free} returns",
                   s.result, 0 if s.args[0] <= s.free else -ENOMEM)


@points(5, exercise=1, rule="HEAP1", see="fits")
def test_pages_in_use_count_as_well(boot, rng):
    """What is in use is not granted, and a page taken stays reserved too."""
    callers = Callers(boot, rng, how="fail")
    gate, checks, taken = callers.gate, [], {}
    for _ in range(25):
        who = rng.randrange(callers.n)
        if who in gate.held:
            callers.add(who, "free", taken.pop(who), settle=MS)
            callers.add(who, "release", settle=MS)
            gate.release(who)
        elif gate.room() > 60:
            gate.held[who] = rng.randrange(5, 20)
            taken[who] = rng.randrange(1, gate.held[who])
            callers.add(who, "reserve", gate.held[who], settle=MS)
            callers.add(who, "take", taken[who], settle=MS)
        callers.add(None, "shrink")
        gate.used = callers.used + sum(taken.values())
        fill = callers.add(None, "fill", settle=MS)
        fill.free, fill.wanted_used = gate.room(), gate.used
        checks.append(fill)
    callers.run()
    for s in checks:
        expect("pages that the heap uses", s.used, s.wanted_used)
        expect(f"{FILL} of {s.free} that are neither reserved nor in use",
               s.result, s.free)


@points(3, exercise=1, see="fits, take_shared")
def test_some_pages_are_kept(boot, rng):
    """When nothing is left for calls, who must go on gets what is kept."""
    callers = Callers(boot, rng, how="fail")
    gate = callers.gate
    left = gate.kept
    callers.add(None, "shrink")
    most = callers.add(0, "reserve", gate.room() - rng.randrange(3))
    callers.add(None, "shrink")
    refused, steps = [callers.add(4, "reserve", rng.randrange(3, 9))], []
    for who in range(1, 4):
        pages = rng.randrange(1, left // 2) if who < 3 else left
        left -= pages
        steps.append(callers.add(who, "last", pages))
        steps[-1].pages = pages
    refused.append(callers.add(4, "reserve", rng.randrange(3, 9)))
    callers.run()
    expect("what reserving nearly all returns", most.result, 0)
    for s in steps:
        expect(f"whether heap_reserve_last({s.pages}) of {gate.kept} kept "
               "pages is through", s.over, 1)
        expect("pages that it has reserved", s.granted, s.pages)
    for s in refused:
        expect("what a call's reservation returns then", s.result, -ENOMEM)


@points(4, exercise=1, see="take_at_hand, put_at_hand, return_surplus")
def test_preemption_anywhere(boot, rng):
    """Another thread may reserve and release between any two instructions."""
    callers = Callers(boot, rng, n=1, how="fail")
    for kind, what, mine, his in (
            (0, "reserving", rng.randrange(20, 30), rng.randrange(20, 30)),
            (1, "releasing", rng.randrange(70, 85), rng.randrange(40, 60))):
        callers.call("agent_window", kind, MOMENTS, mine, his, limit_ms=2000,
                     slice=0)
        free = callers.word("agent_free")
        expect("reservations that failed", callers.word("agent_failed"), 0)
        for i in range(MOMENTS):
            expect(f"{FILL} after one thread was interrupted at moment {i} of "
                   f"{what} {mine} pages, and another has reserved {his}",
                   callers.word("agent_room", i),
                   free - (0 if kind else mine + his))
            expect(f"{FILL} when both have released theirs",
                   callers.word("agent_room_after", i), free)


@points(3, exercise=1, see="return_surplus")
def test_no_cpu_keeps_much(boot, rng):
    """What is given back on one CPU can be reserved on another."""
    callers = Callers(boot, rng, n=4, smp=4, how="fail", bound=True)
    free = callers.gate.room()
    steps = []
    for _ in range(6):
        one, other = rng.sample(range(4), 2)
        sizes = [rng.randrange(AT_HAND, free // 3) for _ in range(2)]
        for size in (*sizes, free - 4 * AT_HAND - rng.randrange(4)):
            steps.append(callers.add(one, "reserve", size, settle=MS))
            steps[-1].pages = size
            callers.add(one, "release", settle=MS)
            one = other
    callers.run()
    for s in steps:
        expect(f"what reserving {s.pages} of {free} pages returns on one CPU "
               "when another has just given them back", s.result, 0,
               f"a CPU keeps {AT_HAND} at most")


@points(3, exercise=1, see="take_at_hand, take_shared, return_surplus")
def test_reserving_is_cheap(boot, rng):
    """A common call reserves and releases within few instructions."""
    callers = Callers(boot, rng, n=1, how="fail")
    pages = rng.randrange(2, 12)
    fills = [callers.add(None, "fill") for _ in range(2)]
    callers.run()
    for fill in fills:
        expect(FILL, fill.result, callers.gate.room())
    each = callers.cost(pages)
    require(5 < each <= PAIR_COST_MAX,
            f"instructions for heap_reserve({pages}) and heap_release()",
            f"at most {PAIR_COST_MAX}", each)
