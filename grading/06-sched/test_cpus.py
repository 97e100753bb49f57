"""Exercise 5, and what the others owe to it: four CPUs."""

import struct

from grading.points import expect, points, require
from threads import (EINVAL, FIFO, MS, NEVER, TICK, UNINTERRUPTIBLE, WORD,
                     Threads)
from test_sleep import check_mutexes

CPUS = 4
AT_ONCE = 2 * MS    # ns: an interrupt to another CPU, and a switch


def bits(cpus):
    """A set of CPUs as a mask."""
    return sum(1 << cpu for cpu in cpus)


def set_clock(threads, cpu, ns):
    """Let the virtual clock of a CPU be far from others', as after a while."""
    kernel = threads.kernel
    offset = kernel.u64(kernel.symbol("percpu_offset") + 8 * cpu)
    at = kernel.symbol("runqueue") + kernel.const.runqueue_min_vruntime
    kernel.machine.write(at + offset & WORD, struct.pack("<Q", ns))


@points(3, exercise=5, see="steal, steal_from, choose, best_cpu")
def test_all_cpus_work(boot, rng):
    """No CPU is idle while threads wait, wherever they have been queued."""
    threads = Threads(boot, smp=CPUS)
    first = threads.add(cpus=1, policy=FIFO, priority=10)
    first.halt(2)
    for cpu in range(1, CPUS):  # nobody is idle when the others start
        threads.add(cpus=1 << cpu).halt(rng.randrange(6, 9))
    mine = []
    for _ in range(rng.randrange(9, 16)):
        t = threads.add(later=True)
        first.start(t)
        t.halt(rng.randrange(20, 40))
        mine.append(t)
    start = first.stamp()
    threads.run(2500)
    work = [t.steps[0].args[0] for t in mine]
    took = max(t.steps[0].end for t in mine) - start.begin
    fair = sum(work) / CPUS
    expect(f"ticks in which four CPUs do {sum(work)} ticks of work of "
           f"{len(work)} threads", took // TICK,
           (round(fair) - 1, round(fair * 1.15) + max(work) // 2 + 8))
    for t in mine:
        expect(f"ticks of thread {t.number}", t.halts, t.steps[0].args[0])
        expect("the longest that one of "
               f"{len(mine)} equals waited on four CPUs, in ticks",
               t.gap // TICK, (1, 2 * len(mine) + 8))


@points(2, exercise=5, see="steal_from")
def test_stolen_threads_are_no_strangers(boot, rng):
    """A thread that is taken over is as far behind the others as it was."""
    threads = Threads(boot, smp=CPUS)
    set_clock(threads, 0, rng.randrange(2000, 4000) * 1000 * MS)
    first = threads.add(cpus=1, policy=FIFO, priority=10)
    first.halt(2)
    for cpu in range(1, CPUS):
        set_clock(threads, cpu, rng.randrange(1000) * 1000 * MS)
        threads.add(cpus=1 << cpu).halt_until(WORD)
    mine = []
    for _ in range(rng.randrange(8, 13)):
        t = threads.add(later=True)
        first.start(t)
        t.halt_until(WORD)
        mine.append(t)
    threads.start(2000)
    fair = threads.elapsed / TICK * CPUS / (len(mine) + CPUS - 1)
    for t in mine:
        expect(f"ticks of thread {t.number}, one of {len(mine)} that began on "
               "one CPU, beside one on each other", t.halts,
               (round(fair / 2.5), round(fair * 2)))


@points(3, exercise=5, see="best_cpu, thread_wake")
def test_idle_cpus_are_found(boot, rng):
    """A thread that is woken runs at once where a CPU is idle."""
    threads = Threads(boot, smp=CPUS)
    n, posts, at = rng.randrange(2, CPUS), [], 0
    sleepers = [threads.add() for _ in range(n)]
    other = threads.add()
    for q in range(0, 12, 2):
        # First all must run on one CPU; then they may run on any.
        for t in sleepers:
            t.wait(q, UNINTERRUPTIBLE, NEVER)
            t.halt(1)
            t.wait(q + 1, UNINTERRUPTIBLE, NEVER)
            t.halt(rng.randrange(1, 4))
        for cpus, more in (1 << rng.randrange(CPUS), 0), (WORD, 1):
            for t in sleepers:
                other.affinity(t, cpus)
            at += 8 * TICK
            other.sleep(at + rng.randrange(2, 8) * MS, UNINTERRUPTIBLE)
            posts.append(other.post(q + more, n, 1))
            other.halt(2)       # else its CPU would take one over
    threads.run(2000)
    for t in sleepers:
        waits = [s for s in t.steps if s.kind == "wait"]
        for wait, post in list(zip(waits, posts))[1::2]:
            expect("ns until a woken thread ran, with an idle CPU for each",
                   wait.end - post.begin, (0, AT_ONCE))


@points(4, exercise=5, rule="SCHED1", see="thread_wake, waitq_wait, "
        "mutex_lock_slowly, mutex_unlock")
def test_no_wake_up_is_lost_on_four_cpus(boot, rng):
    """Threads on all CPUs wake each other, in seeded schedules."""
    threads = Threads(boot, smp=CPUS)
    n, tokens = rng.randrange(6, 10), rng.randrange(2, 5)
    laps, rounds = rng.randrange(60, 90), [0, 0]
    threads.slice = rng.randrange(4200, 9000)
    for i in range(n):
        t = threads.add()
        t.wait(i, UNINTERRUPTIBLE, NEVER)
        t.spin(rng.randrange(1, 4), rng.randrange(200))
        for m in range(2):
            if rng.random() < 0.7:
                t.critical(m, rng.randrange(150), False)
                rounds[m] += laps * tokens
        t.post((i + 1) % n, 1, rng.random() < 0.3)
        t.repeat(len(t.steps), laps * tokens - 1)
    first = threads.add()
    for i in rng.sample(range(n), tokens):
        first.post(i, 1, 0)
    threads.run(1500)
    check_mutexes(threads, rounds)


@points(3, exercise=5, see="choose, best_cpu, finish_switch")
def test_affinity_is_obeyed(boot, rng):
    """A thread runs on the CPUs that it may, and moves when they change."""
    threads = Threads(boot, smp=CPUS)
    mover, moved = threads.add(policy=FIFO, priority=1), []
    for _ in range(10):
        before, after = (bits(rng.sample(range(CPUS), rng.randrange(1, 3)))
                         for _ in range(2))
        t = threads.add(cpus=before)
        first, second = t.halt(rng.randrange(5, 10)), None
        t.wait(0, UNINTERRUPTIBLE, NEVER)
        second = t.halt(rng.randrange(5, 15))
        moved.append((t, before, after, first, second))
    mover.sleep(1200 * MS, UNINTERRUPTIBLE)
    for t, _, after, _, _ in moved:
        mover.affinity(t, after)
    none = mover.affinity(mover, 0)
    mover.post(0, len(moved), 1)
    for cpu in rng.sample(range(CPUS), CPUS):
        step = mover.affinity(mover, 1 << cpu)
        step.wanted = cpu
    for _ in range(4):
        threads.add().halt(60)
    threads.run(4000)
    for t, before, after, first, second in moved:
        expect(f"whether thread {t.number}, which may run on {before:#b}, "
               f"did so on CPU {first.cpu}", before >> first.cpu & 1, 1)
        expect(f"whether thread {t.number}, which may now run on {after:#b}, "
               f"did so on CPU {second.cpu}", after >> second.cpu & 1, 1)
        expect(f"CPUs where thread {t.number} ran besides "
               f"{before | after:#b}", t.cpus & ~(before | after), 0)
    expect("thread_set_affinity with no CPU", none.result, -EINVAL)
    for step in mover.steps:
        if hasattr(step, "wanted"):
            expect("the CPU of a thread that sent itself there", step.cpu,
                   step.wanted)


@points(3, exercise=5, rule="SCHED5", see="least_urgent_cpu, steal_realtime")
def test_real_time_threads_spread(boot, rng):
    """A real-time thread does not wait while a CPU runs something lesser."""
    # Where the late one is put is up to the kernel: each CPU is free first once.
    for short in range(1, CPUS):
        spread_real_time_threads(boot, rng, short)


def spread_real_time_threads(boot, rng, short):
    """CPU number short is the first to be free again."""
    threads = Threads(boot, smp=CPUS)
    for _ in range(6):
        threads.add().halt_until(WORD)
    woken = []
    for i in range(CPUS - 1):   # all are woken by one CPU, where they slept
        t = threads.add(policy=FIFO, priority=rng.randrange(1, 90))
        at = 100 * MS + i * rng.randrange(4 * MS)
        woken.append((t.sleep(at, UNINTERRUPTIBLE), at))
        t.halt(9)
    # Later: one that waits behind its betters, until the first is done.
    hogs = []
    for cpu in range(CPUS):
        t = threads.add(policy=FIFO, priority=95, cpus=1 << cpu)
        t.sleep(300 * MS, UNINTERRUPTIBLE)
        hogs.append(t.halt(6 if cpu == short else 30))
    starter = threads.add(policy=FIFO, priority=99, cpus=1)
    starter.sleep(310 * MS, UNINTERRUPTIBLE)
    late = threads.add(policy=FIFO, priority=50, later=True)
    starter.start(late)
    step = late.halt(3)
    threads.start(900)
    for sleep, at in woken:
        expect("ns until a woken real-time thread ran, with a CPU for each",
               sleep.end - at, (0, AT_ONCE))
    require(step.over, "the thread of priority 50", "at its end", "not there")
    expect("ticks that it waited once a CPU was free of greater priorities",
           (step.begin - hogs[short].end) // TICK, (0, 3))


@points(2, exercise=5, see="timer_disarm, timers_run")
def test_a_disarmed_timer_is_over(boot, rng):
    """timer_disarm waits for a function that runs on another CPU."""
    threads = Threads(boot, smp=CPUS)
    threads.write("agent_timer_takes", rng.randrange(100, 400))
    n, caught = rng.randrange(3, 6), []
    one, other = threads.add(cpus=2), threads.add(cpus=4)
    for i in range(n):
        one.timer(i, (i + 2) * 5 * MS)
        caught.append(other.catch(i))
    one.sleep((n + 3) * 5 * MS, UNINTERRUPTIBLE)
    threads.run(1000)
    for i, step in enumerate(caught):
        expect(f"whether timer {i}'s function was over when timer_disarm "
               "returned", step.result, 1)
    require(all(s.over for s in caught), "timers caught", n, "fewer")
