"""Exercise 3: sleeping and waking, on one CPU."""

from grading.points import expect, points, require
from threads import (EINTR, INTERRUPTIBLE, KILL, KILLABLE, MS, NEVER, SIGNAL,
                     TICK, UNINTERRUPTIBLE, WORD, Threads)

WINDOWS = ("thread_sleep, woken by an interrupt",
           "waitq_wait_irq, woken by an interrupt",
           "waitq_wait, woken by another thread",
           "waitq_wait, woken and interrupted by another thread")
MOMENTS = 500       # 16 of them are 16 to 32 ns: all of going to sleep


@points(8, exercise=3, rule="SCHED1", see="thread_wake, thread_sleep, "
        "waitq_wait, waitq_sleep")
def test_no_wake_up_is_lost(boot, rng):
    """A wake-up counts at whichever instruction of going to sleep it comes."""
    kernel = boot()
    program = kernel.program()
    program.call("agent_window_prepare")
    program.run(limit_ms=100)
    order = list(enumerate(WINDOWS))
    rng.shuffle(order)
    before = 0
    for kind, what in order:
        program = kernel.program()
        lost = program.call("agent_window", kind, rng.randrange(4, 24),
                            MOMENTS)
        program.run(limit_ms=1200)
        expect(f"wake-ups lost, of {MOMENTS} at different moments, in {what}",
               lost.value - before, 0)
        before = lost.value
        woken, slept = (kernel.u64(kernel.symbol(f"agent_{name}"))
                        for name in ("woken", "slept"))
        expect("waits that returned 0, of those where waitq_wake_one said that "
               f"it had woken the waiter; so far, the last in {what}",
               slept, woken, "a wake-up that was for this thread is nobody "
               "else's")
    require(woken > MOMENTS, "threads woken", "most", woken)


@points(4, exercise=3, rule="SCHED1", see="waitq_wait, waitq_wake_locked")
def test_nothing_posted_is_lost(boot, rng):
    """What some threads post, others get: all of it, and no more."""
    threads = Threads(boot)
    queues = rng.randrange(2, 5)
    posts, takes = [0] * queues, [0] * queues
    for _ in range(rng.randrange(4, 8)):
        t = threads.add(nice=rng.randrange(-5, 6))
        for _ in range(rng.randrange(5, 12)):
            q, n = rng.randrange(queues), rng.randrange(1, 4)
            posts[q] += n
            t.post(q, n, rng.random() < 0.3)
            t.give_way(rng.randrange(3))
            t.halt(rng.randrange(2))
    for q in range(queues):
        while takes[q] < posts[q]:
            t = threads.add(nice=rng.randrange(-5, 6))
            for _ in range(min(posts[q] - takes[q], rng.randrange(3, 9))):
                t.wait(q, UNINTERRUPTIBLE, NEVER)
                t.give_way(rng.randrange(2))
                takes[q] += 1
    rng.shuffle(threads.threads)
    for i, t in enumerate(threads.threads):
        t.number = i
    threads.run(3000)


@points(4, exercise=3, see="waitq_wake_locked")
def test_waiters_are_woken_in_order(boot, rng):
    """As many are woken as were asked for, those first who came first."""
    threads = Threads(boot)
    n = rng.randrange(6, 12)
    waits = [threads.add().wait_once(0, UNINTERRUPTIBLE, NEVER)
             for _ in range(n)]
    waker, wakes, left = threads.add(nice=19), [], n
    waker.give_way(50)
    while left > 2:
        wakes.append((waker.wake(0, 1), 1))
        left -= 1
        if rng.random() < 0.5:
            waker.give_way(20)
    last = waker.wake(0, 0)
    none = waker.wake(0, 1)
    threads.run(1000)
    for step, count in wakes:
        expect("threads woken by waitq_wake_one", step.result, count)
    expect("threads woken by waitq_wake_all", last.result, left)
    expect("threads woken when none waits", none.result, 0)
    came = sorted(waits, key=lambda s: s.begin_seq)
    went = sorted(waits, key=lambda s: s.end_seq)
    expect("the order in which waiters went on", [waits.index(s) for s in
                                                  went],
           [waits.index(s) for s in came])


@points(3, exercise=3, see="thread_sleep, waitq_sleep, waitq_leave")
def test_waits_are_interrupted(boot, rng):
    """A signal ends interruptible waits, a fatal one killable ones too."""
    threads = Threads(boot)
    waits = {}
    hows = [UNINTERRUPTIBLE, KILLABLE, INTERRUPTIBLE] * 2
    rng.shuffle(hows)
    for how in hows:
        t = threads.add()
        waits[t] = (how, t.wait(how, how, NEVER))
    other = threads.add()
    other.give_way(30)
    stamps = []
    for what in (SIGNAL, KILL):
        for t in waits:
            other.interrupt(t, what)
        other.halt(rng.randrange(2, 5))
        stamps.append(other.stamp())
    left = [other.wake(how, 0) for how in (KILLABLE, INTERRUPTIBLE)]
    other.post(UNINTERRUPTIBLE, 2, 1)
    threads.run(500)
    for how, wait in waits.values():
        expect(f"what a wait of kind {how} returned", wait.result,
               0 if how == UNINTERRUPTIBLE else -EINTR)
        at = [0, *(s.begin for s in stamps), NEVER]
        ended = INTERRUPTIBLE - how
        require(at[ended] < wait.end < at[ended + 1],
                f"when a wait of kind {how} ended, in us",
                f"{at[ended] // 1000} to {at[ended + 1] // 1000}",
                wait.end // 1000)
    for step in left:
        expect("threads woken by waitq_wake_all on a queue that all have left",
               step.result, 0)


@points(4, exercise=3, see="mutex_lock_slowly, mutex_unlock")
def test_mutexes_exclude(boot, rng):
    """A mutex has one owner, and whoever waits for it gets it."""
    threads = Threads(boot)
    mutexes, rounds = rng.randrange(1, 4), [0] * 4
    for _ in range(rng.randrange(5, 12)):
        t = threads.add(nice=rng.randrange(-3, 4))
        for _ in range(rng.randrange(4, 20)):
            m = rng.randrange(mutexes)
            # Again at once: before the one who has been woken has run.
            for gives_way in (rng.random() < 0.7, True):
                rounds[m] += 1
                t.critical(m, rng.randrange(500), gives_way)
            if rng.random() < 0.2:
                t.lock(m)
                t.halt(rng.randrange(3))
                t.unlock(m)
    threads.run(3000)
    check_mutexes(threads, rounds[:mutexes])


def check_mutexes(threads, rounds):
    """Each round has counted, and the mutexes are free."""
    const = threads.kernel.const
    for m, n in enumerate(rounds):
        expect(f"rounds that mutex {m} has guarded",
               threads.word("agent_counters", m), n)
        owner = threads.kernel.u64(threads.kernel.symbol("agent_mutexes") +
                                   m * const.mutex_size + const.mutex_owner)
        expect(f"owner of mutex {m} after all", f"{owner:#x}", "0x0")


@points(2, exercise=3, see="runqueue_join, thread_wake")
def test_sleeping_saves_up_no_claim(boot, rng):
    """Who has slept long runs soon, but not long at the others' cost."""
    threads = Threads(boot)
    n = rng.randrange(2, 5)
    sleeper, other = threads.add(), threads.add()
    sleeper.wait(0, UNINTERRUPTIBLE, NEVER)
    sleeper.halt_until(WORD)
    other.halt_until(rng.randrange(1000, 1500) * MS)
    post = other.post(0, 1, 0)
    other.halt_until(WORD)
    for _ in range(n):
        threads.add().halt_until(WORD)
    # After its turn this one is ahead of all by half a second and more.
    threads.add(nice=19).halt_until(WORD)
    threads.start(2000)
    wait = sleeper.steps[0]
    require(wait.over, "the sleeper", "awake", "asleep")
    expect("ticks until the sleeper ran", (wait.end - post.begin) // TICK,
           (0, n + 2))
    rest = (threads.elapsed - post.begin) / TICK
    expect(f"ticks that it had in the {rest:.0f} ticks since, among {n + 1} "
           "others", sleeper.halts, (round(0.8 * rest / (n + 2) - 3),
                                     round(1.2 * rest / (n + 2) + 3)))
