"""Exercise 3: reservations that are given back and made again."""

from callers import MS, Callers
from test_line import free_callers, some_release
from grading.points import expect, points, require
from test_count import PAIR_COST_MAX


@points(4, exercise=3, rule="HEAP3", see="heap_checkpoint")
def test_checkpoints_let_others_pass(boot, rng):
    """At a checkpoint those who wait come first, and the call goes on after
    them."""
    callers = Callers(boot, rng)
    gate = callers.gate
    for _ in range(4):
        room = gate.room()
        callers.do(0, "reserve", room - rng.randrange(10, 30))
        callers.do(0, "checkpoint", rng.randrange(room // 2, room))
        callers.do(1, "reserve", rng.randrange(room // 2 + 1, room))
        callers.do(2, "reserve", rng.randrange(room // 2 + 1, room))
        callers.do(0, "checkpoint", rng.randrange(room // 2 + 1, room))
        while gate.held:
            some_release(callers, rng)
    callers.run()


@points(4, exercise=3, rule="HEAP3", see="sleep_begin, sleep_end")
def test_sleepers_hold_nothing(boot, rng):
    """An interruptible sleep gives the reservation back, and makes it again."""
    callers = Callers(boot, rng)
    gate = callers.gate
    for _ in range(3):
        room, (one, other) = gate.room(), rng.sample((0, 1), 2)
        callers.do(one, "reserve", rng.randrange(room // 2 + 1, room))
        callers.do(one, "sleep")
        callers.do(other, "sleep")      # holds nothing, and gets nothing
        callers.do(2, "reserve", rng.randrange(room // 2 + 1, room))
        callers.do(3, "reserve", rng.randrange(room // 2 + 1, room))
        for who in rng.sample((one, other), 2):
            callers.do(None, "post", who)
        callers.do(other, "reserve", rng.randrange(1, 20))
        while gate.held:
            some_release(callers, rng)
        callers.do(one, "sleep")        # nor does who slept with something
        callers.do(None, "post", one)
        callers.do(one, "release")
    callers.run()


@points(4, exercise=3, see="heap_checkpoint, sleep_end")
def test_the_killed_go_on(boot, rng):
    """Who is killed at a checkpoint or asleep goes on before all who begin."""
    callers = Callers(boot, rng)
    gate = callers.gate
    for _ in range(4):
        for who, kind in rng.sample(((0, "sleep"), (1, "checkpoint")), 2):
            room = gate.room()
            some = rng.randrange(10, gate.kept + 20)
            callers.do(who, "reserve", some)
            callers.do(2, "reserve", room - some - rng.randrange(3))
            if kind == "sleep":
                callers.do(who, "sleep")
            callers.do(3, "reserve", room - rng.randrange(2, 30))
            if kind == "sleep":
                callers.do(4, "reserve", rng.randrange(4, 10))
            else:
                callers.do(who, "checkpoint", some)
            if rng.random() < 0.4 and kind == "sleep":
                callers.do(None, "post", who)   # now it stands in line
            callers.do(None, "kill", who)
            callers.do(None, "clear", who)
            while gate.held:
                some_release(callers, rng)
    expect("callers that wait in the model", len(free_callers(callers)),
           callers.n)
    callers.run()


@points(3, exercise=3, rule="HEAP1", see="page_taken, grant_lines")
def test_a_tight_heap(boot, rng):
    """While the heap is tight nothing is kept at hand; afterwards it is."""
    callers = Callers(boot, rng, n=2, how="fail")
    gate, each, steps = callers.gate, rng.randrange(6, 25), []
    callers.add(0, "reserve", rng.randrange(2, 20), settle=MS)
    gate.held[0] = callers.steps[-1].args[0]
    for _ in range(2):
        steps.append(callers.add(1, "hoard", 1000, each))
        callers.add(None, "shrink")
        steps.append(callers.add(1, "hoard", 1000, each))
        callers.add(1, "free", 1000)
        callers.add(None, "shrink")
    callers.add(0, "release")
    callers.run()
    most = gate.room() // each
    for i in range(0, len(steps), 2):
        rounds = steps[i].result + steps[i + 1].result
        expect(f"how often {each} pages of {gate.room()} can be reserved and "
               "taken", rounds, most, "what is taken is gone, also when the "
               "reservation was given back")
    expect("pages in use and reserved, when one was granted, at most",
           callers.word("agent_most"), (0, gate.limit - gate.kept))
    cost = callers.cost(each)
    require(cost <= PAIR_COST_MAX, "instructions for heap_reserve and "
            "heap_release when the heap is tight no more", f"at most "
            f"{PAIR_COST_MAX}", cost)
