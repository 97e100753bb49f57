"""Callers that reserve pages as they are told (callers.c), and the model of the
gate: who is granted what, and who waits, after each step.

The model knows M, what the heap uses, and what is said in heap.h. It knows
nothing of pages at hand: within the time that a step has to settle the killer
thread has collected those."""

import struct
from dataclasses import dataclass

from grading.points import expect

MS = 1_000_000
EINTR, ENOMEM = 4, 12
KINDS = ("reserve", "last", "release", "checkpoint", "take", "free", "sleep",
         "stress", "hoard", "post", "kill", "clear", "shrink", "fill", "join",
         "turns")
STEP = struct.Struct("<13Q")
SETTLE = 25 * MS
PAIRS = 20000
LAST, CALLS = 0, 1


def negative(value):
    """A result of the kernel as a signed number."""
    return value - (1 << 64) if value >> 63 else value


@dataclass(frozen=True)
class End:
    """How a reservation ends."""

    granted: int = 0        # what the call returns then
    goes_on: bool = False   # if it is refused the call goes on all the same
    tells: bool = False     # ... and returns why


BEGIN, CHECKPOINT = End(), End(0, True, True)


class Gate:
    """Who has what, and who waits for how much."""

    def __init__(self, limit, kept, used):
        self.limit, self.kept, self.used = limit, kept, used
        self.held, self.asleep, self.killed = {}, {}, set()
        self.lines = [], []     # of (caller, pages, End): [LAST] and [CALLS]
        self.ended = {}         # caller -> what its call returns

    def room(self, line=CALLS):
        """Pages that could be granted."""
        kept = self.kept if line == CALLS else 0
        return self.limit - kept - self.used - sum(self.held.values())

    def busy(self):
        """Those whose call has not come back."""
        return {who for line in self.lines for who, _, _ in line} | set(
            self.asleep)

    def settle(self):
        """Serve the lines: HEAP4."""
        for line in LAST, CALLS:
            while self.lines[line]:
                who, pages, end = self.lines[line][0]
                if pages > self.room(line):
                    return
                self.lines[line].pop(0)
                self.held[who] = pages
                self.ended[who] = end.granted

    def refuse(self, who, pages, end, why):
        """A reservation that a call would begin with fails."""
        if end.goes_on:
            self.last(who, pages, why if end.tells else end.granted)
        else:
            self.ended[who] = why

    def reserve(self, who, pages, end=BEGIN):
        """As a call that begins."""
        waits = self.busy() - set(self.asleep) or pages > self.room()
        if waits and pages > self.limit - self.kept:
            self.refuse(who, pages, end, -ENOMEM)
        elif waits and who in self.killed:
            self.refuse(who, pages, end, -EINTR)
        else:
            self.lines[CALLS].append((who, pages, end))
        self.settle()

    def last(self, who, pages, result=0):
        """As one that has to go on."""
        self.lines[LAST].append((who, min(pages, self.kept),
                                 End(result)))
        self.settle()

    def release(self, who):
        """Give back what a caller has."""
        self.held.pop(who, None)
        self.settle()

    def kill(self, who):
        """A caller is to die, wherever it is."""
        self.killed.add(who)
        for entry in self.lines[CALLS]:
            if entry[0] == who:
                self.lines[CALLS].remove(entry)
                self.refuse(*entry, -EINTR)
                self.settle()
                return
        if who in self.asleep:
            self.wake(who, -EINTR)

    def wake(self, who, result=0):
        """An interruptible sleep has ended."""
        pages = self.asleep.pop(who)
        if pages:
            self.reserve(who, pages, End(result, goes_on=True))
        else:
            self.ended[who] = result


class Step:
    """One step, and afterwards what became of it."""

    def __init__(self, who, kind, a, b, c, settle):
        self.who, self.kind, self.args = who, kind, (a, b, c)
        self.settle_ns = settle
        self.wanted_busy = self.wanted = self.wanted_held = None

    def __str__(self):
        text = f"{self.kind}({', '.join(str(a) for a in self.args if a)})"
        return text if self.who is None else f"{text} of caller {self.who}"

    def pack(self, conductor):
        """The agent_step."""
        who = conductor if self.who is None else self.who
        return STEP.pack(who, KINDS.index(self.kind), *self.args,
                         self.settle_ns, *[0] * 7)

    def read(self, data):
        """Take over the results."""
        (result, self.over, self.granted, self.used, busy, self.begin,
         self.end) = data[6:]
        self.result = negative(result)
        self.busy = {i for i in range(64) if busy >> i & 1}


class Callers:
    """The callers of one boot, and the steps that they are to do."""

    def __init__(self, boot, rng, n=10, smp=1, how="on", bound=False):
        # So little heap that calls wait soon, and so much that CPUs keep some.
        self.kernel = boot(smp=smp, append=f"heap={rng.randrange(1900, 2600)}"
                           f" heapgate={how}")
        self.n, self.steps = n, []
        self.current = {}       # caller -> its step that is not over
        # How long a CPU may run before others do. Long: what ends its turn
        # also cuts the leaps over idle time.
        self.slice = 40 * MS
        self.used = self.call("agent_callers_prepare", n, bound)
        self.gate = Gate(self.call("agent_limit"), self.call("agent_kept"),
                         self.used)

    def call(self, function, *args, limit_ms=500, slice=None):
        """Have one function called; what it returns."""
        program = self.kernel.program()
        result = program.call(function, *args)
        program.run(limit_ms=limit_ms,
                    slice=self.slice if slice is None else slice)
        return result.value

    def cost(self, pages):
        """Instructions to reserve and release so many."""
        times = []
        for n in 1, 100, PAIRS:     # the first has the long slice's leap
            before = self.kernel.machine.ns
            self.call("agent_pairs", n, pages, slice=20_000)
            times.append(self.kernel.machine.ns - before)
        return round((times[2] - times[1]) / (PAIRS - 100))

    def word(self, name, index=0):
        """One of the agent's variables."""
        return self.kernel.u64(self.kernel.symbol(name) + 8 * index)

    def write(self, name, value):
        """Set one of the agent's variables."""
        self.kernel.write_symbol(name, struct.pack("<Q", value))

    def idle(self):
        """Callers that can be given a step."""
        return [i for i in range(self.n) if i not in self.gate.busy()]

    def add(self, who, kind, a=0, b=0, c=0, settle=SETTLE):
        """A step of which the model knows nothing."""
        step = Step(who, kind, a, b, c, settle)
        self.steps.append(step)
        return step

    def do(self, who, kind, a=0):
        """A step of a caller, or of the conductor (None): what the model says
        of it is expected."""
        step = self.add(who, kind, a)
        gate = self.gate
        if kind == "reserve":
            gate.reserve(who, a)
        elif kind == "last":
            gate.last(who, a)
        elif kind == "release":
            gate.release(who)
        elif kind == "checkpoint":
            gate.held.pop(who, None)
            gate.settle()
            gate.reserve(who, a, CHECKPOINT)
        elif kind == "sleep":
            gate.asleep[who] = gate.held.pop(who, 0)
            gate.settle()
        elif kind == "take" or kind == "free":
            gate.used += a if kind == "take" else -a
            gate.settle()
        elif kind == "post":
            gate.wake(a)
        elif kind == "kill":
            gate.kill(a)
        elif kind == "clear":
            gate.killed.discard(a)
        if who is not None:
            self.current[who] = step
            if kind in ("release", "take", "free"):
                gate.ended[who] = 0
        for one, error in gate.ended.items():
            done = self.current.pop(one)
            done.wanted, done.wanted_held = error, gate.held.get(one, 0)
        gate.ended.clear()
        step.wanted_busy = gate.busy()
        return step

    def run(self, limit_ms=0):
        """Have all steps done, and compare with the model."""
        packed = b"".join(s.pack(self.kernel.const.CALLERS)
                          for s in self.steps)
        self.kernel.write_symbol("agent_steps", packed)
        ms = limit_ms + sum(s.settle_ns for s in self.steps) // MS
        self.call("agent_conduct", len(self.steps), limit_ms=2 * ms + 300)
        at = self.kernel.symbol("agent_steps")
        for s in self.steps:
            s.read(STEP.unpack(self.kernel.machine.read(at, STEP.size)))
            at += STEP.size
        self.compare()
        steps, self.steps = self.steps, []
        return steps

    def compare(self):
        """What is seen must be what the model says."""
        told = []
        for i, s in enumerate(self.steps):
            told = (told + [str(s)])[-6:]
            if s.wanted_busy is not None:
                expect("callers that wait or sleep after "
                       f"{'; '.join(told)}", sorted(s.busy),
                       sorted(s.wanted_busy))
            if s.wanted is not None:
                expect(f"what step {i}, {s}, has returned", s.result, s.wanted)
                expect(f"pages that caller {s.who} has reserved after step "
                       f"{i}, {s}", s.granted, s.wanted_held)
