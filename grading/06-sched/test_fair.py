"""Exercise 2: the fair queue, on one CPU."""

import struct

from grading.points import expect, points
from threads import MS, TICK, WORD, Threads, weight

SECOND = 1000


def burners(threads, nices):
    """Threads that want all they can get, for as long as the run lasts."""
    for nice in nices:
        threads.add(nice=nice).halt_until(WORD)


def shares(threads, ran, total, what):
    """Each has run in proportion to its weight. The queue lets no thread get
    more than a tick ahead, in its own virtual time, of who waits."""
    weights = [weight(t.nice) for t in threads]
    apart = 1.5 * max(1024 / w for w in weights)
    for t, w, seen in zip(threads, weights, ran):
        fair = total * w / sum(weights)
        slack = apart * w / 1024 + 2 + fair / 50
        expect(f"{what} of thread {t.number}, nice {t.nice}, among threads of "
               f"nice {[t.nice for t in threads]}, in {total} ticks", seen,
               (round(fair - slack), round(fair + slack)))


@points(4, exercise=2, rule="SCHED2", see="schedule, enqueue, "
        "runqueue_remove")
def test_threads_run_and_end(boot, rng):
    """Every thread runs to its end, as often as it yields, and is freed."""
    threads = Threads(boot)
    n = rng.randrange(15, 40)
    for _ in range(n):
        # Not nicer: a tick of nice 19 is 0.7 s of whoever else runs.
        t = threads.add(nice=rng.randrange(-5, 6))
        for _ in range(rng.randrange(1, 5)):
            t.halt(rng.randrange(3))
            t.give_way(rng.randrange(5))
    threads.run(2500)
    for t in threads.threads:
        wanted = sum(s.args[0] for s in t.steps if s.kind == "halt")
        expect(f"ticks of thread {t.number}", t.halts, wanted)
    threads.call("agent_grace")
    expect("ended threads that have been freed",
           threads.call("agent_grace"), n)


@points(6, exercise=2, see="account, by_vruntime, first_queued")
def test_shares_follow_weights(boot, rng):
    """CPU time is shared by the weights of nice."""
    threads = Threads(boot)
    burners(threads, [rng.randrange(-6, 7) for _ in range(
        rng.randrange(3, 6))])
    threads.threads[0].nice = rng.choice((-6, -5, 5, 6))
    threads.start(4 * SECOND)
    ran = [t.halts for t in threads.threads]
    ticks = threads.elapsed // TICK
    expect(f"ticks that all threads have used in {threads.elapsed // MS} ms",
           sum(ran), (ticks - 8, ticks + 2))
    shares(threads.threads, ran, sum(ran), "ticks")


@points(3, exercise=2, see="account")
def test_time_is_charged(boot, rng):
    """cpu_ns says how long a thread has run, and nothing is charged twice."""
    threads = Threads(boot)
    burners(threads, [rng.randrange(-3, 4) for _ in range(3)])
    sleeper = threads.add()
    sleeper.halt(rng.randrange(3, 9))
    threads.start(SECOND)
    for t in threads.threads:
        expect(f"cpu_ns of thread {t.number}, in ticks, which has used "
               f"{t.halts} ticks", round(t.cpu_ns / TICK, 1),
               (t.halts - 2, t.halts + 2))
    total = sum(t.cpu_ns for t in threads.threads)
    expect("ms charged to all threads", total // MS,
           (threads.elapsed // MS - 10, threads.elapsed // MS + 1))


@points(3, exercise=2, see="first_queued, by_vruntime, schedule")
def test_nobody_starves(boot, rng):
    """Of many equals, each has its turn in each round."""
    threads = Threads(boot)
    n = rng.randrange(25, 60)
    # The virtual clock is about to wrap around.
    before = rng.randrange(1, 4) * TICK + rng.randrange(TICK)
    at = threads.kernel.symbol("runqueue") + \
        threads.kernel.const.runqueue_min_vruntime
    threads.kernel.machine.write(at, struct.pack("<Q", -before & WORD))
    burners(threads, [0] * n)
    threads.start((4 * n + 30) * 10)
    rounds = threads.elapsed / TICK / n
    for t in threads.threads:
        expect(f"ticks of thread {t.number}, one of {n} equals, in "
               f"{rounds * n:.0f} ticks", t.halts,
               (round(rounds - 2), round(rounds + 2)))
        expect(f"the longest that thread {t.number}, one of {n} equals, had "
               "to wait, in ticks", t.gap // TICK, (1, 2 * n + 2))


@points(4, exercise=2, see="raise_minimum, runqueue_join")
def test_latecomers_get_their_share(boot, rng):
    """A thread that comes late gets its share from then on, and no more."""
    threads = Threads(boot)
    n = rng.randrange(2, 5)
    starter = threads.add()
    late = [threads.add(later=True) for _ in range(2)]
    burners(threads, [0] * n)
    starter.halt_until(rng.randrange(1400, 2000) * MS)
    for t in late:
        starter.start(t)
        t.halt_until(WORD)
    stamp = starter.stamp()
    starter.halt_until(WORD)
    threads.start(3 * SECOND)
    rest = (threads.elapsed - stamp.begin) / TICK
    fair = rest / (n + 3)
    for t in late:
        expect(f"ticks that a thread got that was started {rest:.0f} ticks "
               f"before the end, among {n + 2} others", t.halts,
               (round(fair * 0.9 - 3), round(fair * 1.1 + 3)))


@points(5, exercise=2, see="switch_user_state, switch_stacks")
def test_user_state_is_kept(boot, rng):
    """The FPU's registers and the segment bases stay with their thread."""
    threads = Threads(boot)
    for i in range(rng.randrange(4, 8)):
        t = threads.add(fpu=i > 0)
        t.registers = [rng.getrandbits(64) for _ in range(16)]
        # A base must be an address that the CPU takes.
        t.registers[12] = rng.getrandbits(46)
        t.registers[13] = rng.getrandbits(46)
        t.hold(rng.randrange(5, 15), i > 0)
    threads.run(2 * SECOND)
    names = ("rbx rbp r12 r13 r14 r15 r8 r9 r10 r11 xmm3 xmm14 FS.base "
             "KERNEL_GS_BASE").split()
    for t in threads.threads:
        for name, was, seen in zip(names[:14 if t.fpu else 10], t.registers,
                                   t.held):
            expect(f"{name} of thread {t.number} after some turns",
                   f"{seen:#x}", f"{was:#x}")
