"""Exercise 4: timers and real-time threads, on one CPU."""

from grading.points import expect, points, require
from threads import (ETIMEDOUT, FIFO, INTERRUPTIBLE, MS, OTHER,
                     ROUND_ROBIN, TICK, UNINTERRUPTIBLE, WORD, Threads)

LATE = 100_000      # ns: what an interrupt, and a switch, may take
TURN = 100 * MS     # of POLICY_ROUND_ROBIN


@points(4, exercise=4, see="timers_run, timer_disarm")
def test_timers_fire_in_time(boot, rng):
    """A timer fires once, at its time, unless it was disarmed."""
    threads = Threads(boot)
    t, n = threads.add(), rng.randrange(20, 50)
    when = {i: rng.randrange(20, 300) * MS + rng.randrange(MS)
            for i in range(n)}
    close = rng.sample(range(n), 4)
    for i in close[1:]:         # some are due at the same time
        when[i] = when[close[0]]
    for i in range(n):
        t.timer(i, when[i])
    for i in rng.sample(range(n), n // 4):
        when[i] = rng.randrange(20, 300) * MS + rng.randrange(MS)
        t.timer(i, when[i])     # again: the first time is forgotten
    disarmed = {i: t.disarm(i) for i in rng.sample(range(n), n // 4)}
    t.halt_until(310 * MS)
    late = [t.disarm(i) for i in range(n)]
    threads.run(1000)
    for i in range(n):
        expect(f"times that timer {i} fired", threads.word("agent_fired", i),
               0 if i in disarmed else 1)
        if i in disarmed:
            expect("timer_disarm of an armed timer", disarmed[i].result, 1)
        else:
            expect(f"when timer {i} fired, in ns",
                   threads.word("agent_fired_at", i),
                   (when[i], when[i] + LATE))
    for step in late:
        expect("timer_disarm of a timer that is not armed", step.result, 0)


@points(4, exercise=4, rule="SCHED1", see="timers_run, thread_sleep, "
        "timer_disarm")
def test_sleeps_end_in_time(boot, rng):
    """A sleep lasts until its deadline, and a wait until then at most."""
    threads = Threads(boot)
    sleeps, posted = [], []
    for q in range(1, 7):
        t = threads.add()
        for at in sorted(rng.sample(range(5, 60), 5)):
            at = at * MS + rng.randrange(MS)
            if rng.random() < 0.5:
                sleeps.append((t.sleep(at, UNINTERRUPTIBLE), at, 0))
            else:
                sleeps.append((t.wait(0, INTERRUPTIBLE, at), at, -ETIMEDOUT))
        # This one is woken, and its timer must not fire any more.
        posted.append(t.wait(q, INTERRUPTIBLE, rng.randrange(90, 140) * MS))
        # Where the old timer was on the stack there is a new one now.
        at = 150 * MS + rng.randrange(9 * MS)
        sleeps.append((t.sleep(at, UNINTERRUPTIBLE), at, 0))
    other = threads.add()
    other.sleep(70 * MS, UNINTERRUPTIBLE)
    for q in range(1, 7):
        other.post(q, 1, 0)
    other.sleep(150 * MS, UNINTERRUPTIBLE)
    threads.run(250)
    for step, at, wanted in sleeps:
        expect(f"what {step.kind} until {at} ns returned", step.result, wanted)
        expect(f"when {step.kind} until {at} ns was over", step.end,
               (max(at, step.begin), max(at, step.begin) + 2 * TICK))
    for step in posted:
        expect("what a wait returned that was woken before its deadline",
               step.result, 0)
        expect("when it was over, in ms", step.end // MS,
               (70, 89))


@points(3, exercise=4, rule="SCHED5", see="by_turn, thread_set_policy")
def test_priorities_come_first(boot, rng):
    """The greatest priority runs first, and at once; then who came first."""
    threads = Threads(boot)
    for _ in range(3):
        threads.add(nice=-5).halt_until(WORD)
    # One that is fair, and far behind when it is made the last of all.
    odd = threads.add(nice=19)
    odd.halt(1)
    odd.halt(1)
    first = threads.add(policy=FIFO, priority=99)
    first.sleep(10 * TICK, UNINTERRUPTIBLE)
    mine = []
    for _ in range(rng.randrange(8, 14)):
        priority = rng.randrange(1, 6)
        t = threads.add(policy=FIFO, priority=priority, later=True)
        mine.append((t, priority))
        first.start(t)
        t.halt(rng.randrange(3))
    at = rng.randrange(15, 22) * TICK + rng.randrange(MS, TICK)
    sleeper = threads.add(policy=FIFO, priority=50)
    sleep = sleeper.sleep(at, UNINTERRUPTIBLE)
    sleeper.halt(2)
    first.policy(odd, FIFO, 1)
    threads.start(900)
    for t, _ in mine + [(odd, 1)]:
        require(t.done, f"thread {t.number}", "at its end", "not there")
    began = sorted(mine, key=lambda m: m[0].steps[0].begin_seq)
    wanted = sorted(mine, key=lambda m: -m[1])
    expect("the order in which real-time threads began, of priorities "
           f"{[p for _, p in mine]} as they were started",
           [mine.index(m) for m in began], [mine.index(m) for m in wanted])
    ends = sorted(mine, key=lambda m: m[0].steps[0].end_seq)
    expect("the order in which they ended, though one was preempted",
           [mine.index(m) for m in ends], [mine.index(m) for m in wanted])
    expect("ns until a thread of priority 50 ran that had been asleep",
           sleep.end - at, (0, LATE))
    # Two of the ticks are the sleeper's, if it comes now.
    expect("ns from the end of all others until a thread ended that had "
           "become real-time, as the last of its equals, and had a tick to "
           "run", odd.steps[1].end - ends[-1][0].steps[0].end,
           (0, 3 * TICK + LATE))


@points(2, exercise=4, rule="SCHED5", see="realtime_tick, by_turn")
def test_equals_take_turns(boot, rng):
    """Round robin: turns of 100 ms. First in, first out: no turns."""
    threads = Threads(boot)
    n = rng.randrange(2, 4)
    turns = [threads.add(policy=ROUND_ROBIN, priority=10) for _ in range(n)]
    for t in turns:
        t.halt(rng.randrange(21, 24))
    whole = [threads.add(policy=FIFO, priority=5) for _ in range(2)]
    for t in whole:
        t.halt(11)
    threads.run(2000)
    for t in turns:
        expect("the longest wait of a round-robin thread, one of "
               f"{n}, in ms", t.gap // MS,
               ((n - 1) * 100 - 10, (n - 1) * 100 + 40 + 60))
    steps = [t.steps[0] for t in whole]
    expect("whether a FIFO thread ended before its equal began",
           steps[0].end_seq < steps[1].begin_seq, True)
    expect("whether threads of less priority waited for all turns to end",
           steps[0].begin_seq > max(t.steps[0].end_seq for t in turns), True)


@points(2, exercise=4, rule="SCHED5", see="realtime_tick, first_queued, "
        "account")
def test_others_keep_a_share(boot, rng):
    """Real-time threads leave a twentieth of each second to the others."""
    threads = Threads(boot)
    hog = threads.add(policy=rng.choice((FIFO, ROUND_ROBIN)),
                      priority=rng.randrange(1, 100))
    hog.halt_until(WORD)
    fair = [threads.add(policy=OTHER) for _ in range(rng.randrange(1, 3))]
    for t in fair:
        t.halt_until(WORD)
    threads.start(4000)
    ticks = threads.elapsed / TICK
    expect(f"ticks that others had, of {ticks:.0f}, beside a real-time "
           "thread that never sleeps", sum(t.halts for t in fair),
           (round(0.02 * ticks), round(0.065 * ticks)))
    expect("ticks that it had", hog.halts,
           (round(0.92 * ticks), round(0.965 * ticks)))
