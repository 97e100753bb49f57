"""The host's side of the agent: programs of calls for the kernel under test.

    k = Kernel(machine)
    p = k.program()
    page = p.call("page_alloc", 3, k.const.PAGE_USER, 0)
    p.call("page_unref", page)
    p.run()
    page.value              # what page_alloc returned

An argument is a number, or the result of an earlier call; `many` calls a
function several times in a row, over a list of arguments or until it
returns 0.
"""

import struct
import subprocess
from types import SimpleNamespace

ARGS, OPS, SLOTS, CPUS = 4, 8192, 65536, 8      # as in agent.h
OP = struct.Struct("<Q4QBBHIII")
BOX = struct.Struct("<QQQQ" + "IIQ" * (CPUS + 1))
UNTIL_ZERO, UNLESS_ZERO = 1, 2
TIMER = CPUS
CONST = "agent_const_"

# Guest time: what the kernel takes for a run of the labs is below 3 ms. Several CPUs
# that wait for each other in small slices are slow to emulate.
RUN_LIMIT_MS, SLICES_LIMIT_MS = 100, 20


class Broken(Exception):
    """The agent did not do as it was told: the kernel has overwritten it."""


def image_symbols(path):
    """{name: address} of an image."""
    out = subprocess.run(["nm", str(path)], check=True, capture_output=True,
                         text=True).stdout
    rows = (line.split() for line in out.splitlines())
    return {r[2]: int(r[0], 16) for r in rows if len(r) == 3}


class Result:
    """One operation of a program and what its calls return.

    Once the program has run, `values` are the results of the calls that were
    made, and `value` is the first.
    """

    def __init__(self, slot, count):
        self.slot, self.count = slot, count
        self.values = None
        self.fields = None

    @property
    def value(self):
        """The first call's result."""
        return self.values[0]

    def pack(self):
        """The agent_op."""
        return OP.pack(*self.fields)


class Program:
    """Calls for one CPU, or for the timer."""

    def __init__(self, kernel):
        self.kernel, self.ops = kernel, []

    def __len__(self):
        return len(self.ops)

    def call(self, fn, *args, unless_zero=False):
        """One call. unless_zero: it is left out if its first argument is."""
        return self._add(fn, args, 1, UNLESS_ZERO if unless_zero else 0)

    def many(self, fn, *args, count=None, until_zero=False):
        """Calls in a row. An argument that is a list, or the result of
        another many(), gives each call its own value; those whose first
        argument is then 0 are left out."""
        args = [self.kernel.constants(a) if isinstance(a, list) else a
                for a in args]
        for a in args:
            if isinstance(a, Result) and (a.count > 1 or count is None):
                count = a.count
        flags = UNTIL_ZERO if until_zero else 0
        if args and isinstance(args[0], Result):
            flags |= UNLESS_ZERO
        return self._add(fn, args, count, flags)

    def _add(self, fn, args, count, flags):
        ref = step = 0
        words = [0] * ARGS
        for i, a in enumerate(args):
            if isinstance(a, Result):
                words[i] = a.slot
                ref |= 1 << i
                step |= (a.count > 1) << i
            else:
                words[i] = a & (1 << 64) - 1
        result = self.kernel.new_slots(count)
        result.fields = (self.kernel.symbol(fn), *words, ref, step, flags,
                         count, result.slot, 0)
        self.ops.append(result)
        return result

    def run(self, limit_ms=None, slice=0):
        """Run this program alone, on the CPU that booted."""
        self.kernel.run({0: self}, limit_ms=limit_ms, slice=slice)


class Kernel:
    """A booted kernel whose agent waits for programs."""

    def __init__(self, machine, symbols, boot_limit_ms):
        self.machine, self.symbols = machine, symbols
        self.const = SimpleNamespace(**{
            n.removeprefix(CONST): v for n, v in symbols.items()
            if n.startswith(CONST)})
        self._stops, self._next_slot = 0, 0
        self._go(boot_limit_ms)

    # ---- Programs ----

    def program(self):
        """A new, empty program."""
        return Program(self)

    def run(self, programs, limit_ms=None, slice=0, tick_ns=0):
        """Run {CPU number: Program} at once; the number TIMER: each tick.

        slice: ns, which are instructions, that a CPU runs before others do.
        """
        rows, packed, cpus = [(0, 0, 0)] * (CPUS + 1), b"", 0
        for cpu, program in programs.items():
            rows[cpu] = (len(packed) // OP.size, len(program), 0)
            packed += b"".join(op.pack() for op in program.ops)
            cpus |= 1 << cpu if cpu != TIMER else 0
        if len(packed) > OPS * OP.size:
            raise ValueError("too many calls for one run")
        self.write_symbol("agent_ops", packed)
        alone = cpus == 1 and not tick_ns
        self.write_symbol("agent_box", BOX.pack(
            self._stops, 0 if alone else cpus, tick_ns, slice,
            *(n for row in rows for n in row)))
        self._go(limit_ms or
                 (SLICES_LIMIT_MS if slice else RUN_LIMIT_MS))
        self._collect(programs)
        self._next_slot = 0

    def _go(self, limit_ms):
        self.machine.go(limit_ms)
        self._stops += 1
        if self.u64(self.symbol("agent_box")) != self._stops:
            raise Broken("the grader's part of the kernel was overwritten")

    def _collect(self, programs):
        """Read back how often each call was made, and what it returned."""
        ops, slots = self.symbol("agent_ops"), self.symbol("agent_slots")
        for program in programs.values():
            for op in program.ops:
                done = OP.unpack(self.machine.read(ops, OP.size))[-1]
                if done > op.count:
                    raise Broken("the agent's results were overwritten")
                data = self.machine.read(slots + 8 * op.slot, 8 * done)
                op.values = list(struct.unpack(f"<{done}Q", data))
                ops += OP.size

    def new_slots(self, count):
        """Room for count results of the next run."""
        result = Result(self._next_slot, count)
        self._next_slot += count
        if self._next_slot > SLOTS:
            raise ValueError("too many results for one run")
        return result

    def constants(self, values):
        """Slots that hold numbers from the host."""
        result = self.new_slots(len(values))
        self.machine.write(self.symbol("agent_slots") + 8 * result.slot,
                           struct.pack(f"<{len(values)}Q", *values))
        return result

    # ---- Memory ----

    def symbol(self, name):
        """Address of a function or variable of the kernel."""
        try:
            return self.symbols[name]
        except KeyError as error:
            raise Broken(f"the kernel has no symbol {name}") from error

    def u64(self, address):
        """Eight bytes of guest memory as a number."""
        return struct.unpack("<Q", self.machine.read(address, 8))[0]

    def write_symbol(self, name, data):
        """Overwrite a variable of the kernel."""
        self.machine.write(self.symbol(name), data)
