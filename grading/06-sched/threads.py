"""Threads that follow scripts (threads.c), as the host writes and reads them.

The host's model of the scheduler is in the tests: who should run how long, and
in which order, follows from what it has asked for.
"""

import struct

from grading.points import expect

TICK = 10_000_000
MS = 1_000_000
NEVER = (1 << 64) - 1
WORD = (1 << 64) - 1
OTHER, FIFO, ROUND_ROBIN = 0, 1, 2
UNINTERRUPTIBLE, KILLABLE, INTERRUPTIBLE = 0, 1, 2
SIGNAL, KILL = 1, 2
EINTR, ETIMEDOUT, EINVAL = 4, 110, 22

KINDS = ("stamp", "halt", "halt_until", "spin", "give_way", "hold", "sleep",
         "wait", "wait_once", "post", "wake", "critical", "lock", "unlock",
         "start", "policy", "affinity", "interrupt", "clear", "timer",
         "disarm", "catch", "repeat")
STEP = struct.Struct("<10Q")
THREAD = struct.Struct("<2Qq5Q6Q32QQ")


def weight(nice):
    """What the contract says of nice: a quarter more or less a step."""
    return 1024 * 1.25 ** -nice


def negative(value):
    """A result of the kernel as a signed number."""
    return value - (1 << 64) if value >> 63 else value


class Step:
    """One step of a script, and afterwards what became of it."""

    def __init__(self, kind, *args):
        self.kind, self.args = kind, [a & WORD for a in args]
        self.result = self.begin = self.end = None

    def pack(self):
        """The agent_step."""
        a = self.args + [0] * (3 - len(self.args))
        return STEP.pack(KINDS.index(self.kind), *a, 0, 0, 0, 0, 0, 0)

    def read(self, data):
        """Take over the results."""
        (result, self.begin, self.end, self.begin_seq, self.end_seq,
         self.cpu) = data[4:]
        self.result = negative(result)

    @property
    def over(self):
        """Whether the step has ended."""
        return self.end_seq != 0


class Thread:
    """One thread: how it is to be scheduled, and its script."""

    def __init__(self, number, nice=0, policy=OTHER, priority=0, cpus=WORD,
                 fpu=False, later=False):
        self.number, self.nice = number, nice
        self.scheduling, self.may_run = (policy, priority), cpus
        self.fpu, self.later = fpu, later
        self.steps, self.registers = [], [0] * 16

    def __getattr__(self, kind):
        """thread.sleep(a, b): add a step."""
        if kind not in KINDS:
            raise AttributeError(kind)

        def add(*args):
            step = Step(kind, *(a.number if isinstance(a, Thread) else a
                                for a in args))
            self.steps.append(step)
            return step
        return add

    def pack(self, first):
        """The agent_thread."""
        return THREAD.pack(first, len(self.steps), self.nice,
                           *self.scheduling, self.may_run, self.fpu,
                           self.later, *[0] * 6, *self.registers, *[0] * 16,
                           0)

    def read(self, data):
        """Take over the results."""
        (self.done, self.halts, self.gap, _, self.cpu_ns,
         self.cpus) = data[8:14]
        self.held = list(data[30:46])
        self.address = data[46]


class Threads:
    """The threads of one boot."""

    def __init__(self, boot, smp=1):
        self.kernel = boot(smp=smp, append="")
        self.smp, self.threads = smp, []
        # How long a CPU may run before others do. Long: what ends its turn
        # also cuts the leaps over halted CPUs.
        self.slice = 40 * MS
        self.call("agent_threads_prepare")

    def call(self, function, *args, limit_ms=500):
        """Have one function called; what it returns."""
        program = self.kernel.program()
        result = program.call(function, *args)
        program.run(limit_ms=limit_ms, slice=self.slice)
        return result.value

    def add(self, **how):
        """A further thread."""
        self.threads.append(Thread(len(self.threads), **how))
        return self.threads[-1]

    def start(self, limit_ms):
        """Run until all have ended, or for so long; how many have ended."""
        steps, packed = b"", b""
        for t in self.threads:
            packed += t.pack(len(steps) // STEP.size)
            steps += b"".join(s.pack() for s in t.steps)
        kernel = self.kernel
        kernel.write_symbol("agent_threads", packed)
        kernel.write_symbol("agent_steps", steps)
        ended = self.call("agent_threads_run", len(self.threads),
                          limit_ms * MS, self.smp > 1,
                          limit_ms=limit_ms * 3 // 2 + 300)
        self.read()
        return ended

    def run(self, limit_ms):
        """The same, and all must have ended."""
        ended = self.start(limit_ms)
        if ended < len(self.threads):
            stuck = next(t for t in self.threads if not t.done)
            at = next((s for s in stuck.steps if not s.over
                       and s.kind != "repeat"), stuck.steps[-1])
            expect(f"threads that have ended after {limit_ms} ms", ended,
                   len(self.threads), f"thread {stuck.number} is at step "
                   f"{stuck.steps.index(at)}: {at.kind}{tuple(at.args)}")

    def read(self):
        """Look at all results."""
        kernel, at = self.kernel, self.kernel.symbol("agent_threads")
        steps = kernel.symbol("agent_steps")
        for t in self.threads:
            t.read(THREAD.unpack(kernel.machine.read(at, THREAD.size)))
            at += THREAD.size
            for s in t.steps:
                s.read(STEP.unpack(kernel.machine.read(steps, STEP.size)))
                steps += STEP.size

    def write(self, name, *values):
        """Set words of one of the agent's variables."""
        self.kernel.write_symbol(name, struct.pack(f"<{len(values)}Q",
                                                   *values))

    def word(self, name, index=0):
        """One of the agent's variables."""
        return self.kernel.u64(self.kernel.symbol(name) + 8 * index)

    @property
    def elapsed(self):
        """How long the run has lasted, in ns."""
        return self.word("agent_elapsed")
