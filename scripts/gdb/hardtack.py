"""gdb's helper for the Hardtack kernel; `make gdb` loads it.

What it adds:
    bt              goes on through trap frames: past an exception, interrupt
                    or system call to the code that it interrupted
    trapframe EXPR  shows a trap frame (default: the innermost one of the stack)
    ps              lists the processes and their threads
    $percpu("name", cpu)  is a CPU's copy of a per-CPU variable
"""

import gdb
from gdb.unwinder import Unwinder, register_unwinder

REGISTERS = ("rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "r8", "r9",
             "r10", "r11", "r12", "r13", "r14", "r15", "rip", "rsp")
# While C code that one of these called runs, their rsp is the trap frame.
# (A return address may be the first of the function that comes next.)
ENTRIES = {"vector_common", "trap_return", "paranoid_common", "syscall_entry",
           "syscall_return"}


def symbol_at(pc):
    """Name of the linker's symbol at or before an address."""
    text = gdb.execute(f"info symbol {pc:#x}", to_string=True)
    return text.split()[0] if "in section" in text else ""


class Identity:
    """What gdb knows a frame by: its stack pointer and code address."""

    def __init__(self, sp, pc):
        self.sp, self.pc = sp, pc


class TrapFrameUnwinder(Unwinder):
    """Steps from an entry routine to what it interrupted."""

    def __init__(self):
        super().__init__("hardtack trap frame")

    def __call__(self, pending):
        pc = int(pending.read_register("rip"))
        if symbol_at(pc) not in ENTRIES:
            return None
        # Only after a call (e8, 32-bit distance) rsp is sure to be the frame.
        if gdb.selected_inferior().read_memory(pc - 5, 1)[0] != b"\xe8":
            return None
        sp = pending.read_register("rsp")
        frame = sp.cast(gdb.lookup_type("struct trapframe").pointer())
        info = pending.create_unwind_info(
            Identity(sp, pending.read_register("rip")))
        for name in REGISTERS:
            info.add_saved_register(name, self._as_register(name, frame))
        return info

    @staticmethod
    def _as_register(name, frame):
        """A member of the trap frame, in the type gdb has for a register."""
        if name in ("rip", "rsp", "rbp"):
            return frame[name].cast(gdb.lookup_type("void").pointer())
        return frame[name]


class TrapFramePrinter:
    """Registers in rows, the code address with its symbol."""

    def __init__(self, value):
        self.value = value

    def to_string(self):
        v = self.value
        rows = [f"vector {int(v['vector'])} error {int(v['error']):#x} "
                f"from {'user' if int(v['cs']) & 3 else 'kernel'}",
                f"rip {int(v['rip']):#018x} {symbol_at(int(v['rip']))}"]
        names = [n for n in REGISTERS if n != "rip"] + ["rflags"]
        for i in range(0, len(names), 3):
            rows.append("  ".join(f"{n:6} {int(v[n]):#018x}"
                                  for n in names[i:i + 3]))
        return "\n".join(rows)


def entries(head, type_name, member):
    """The structures of an intrusive list (struct list)."""
    kind = gdb.lookup_type(type_name)
    offset = next(f.bitpos // 8 for f in kind.fields() if f.name == member)
    start = int(head.address)
    node = head["next"]
    while int(node) != start:
        yield gdb.Value(int(node) - offset).cast(kind.pointer()).dereference()
        node = node["next"]


class Command(gdb.Command):
    """A gdb command whose errors are gdb's."""

    def __init__(self, name):
        super().__init__(name, gdb.COMMAND_DATA)


class Ps(Command):
    """ps: list the processes, as a tree, with their threads."""

    def __init__(self):
        super().__init__("ps")

    def invoke(self, _argument, _from_tty):
        try:
            init = gdb.parse_and_eval("init_proc")
        except gdb.error:
            raise gdb.GdbError("no init_proc: this kernel has no processes")
        if int(init) == 0:
            raise gdb.GdbError("the first process has not started yet")
        print("  PID STATE            NAME")
        self._show(init.dereference(), 0)

    def _show(self, proc, depth):
        state = str(proc["state"]).removeprefix("PROC_").lower()
        print(f"{int(proc['pid']):5} {state:16} {'  ' * depth}"
              f"{proc['name'].string()}")
        for thread in entries(proc["threads"], "struct thread", "proc_link"):
            state = thread["state"].cast(gdb.lookup_type("enum thread_state"))
            state = str(state).removeprefix("THREAD_").lower()
            print(f"      tid {int(thread['tid'])} {state}, "
                  f"CPU {int(thread['cpu'])}, {thread.address}")
        for child in entries(proc["children"], "struct proc", "sibling"):
            self._show(child, depth + 1)


class TrapFrame(Command):
    """trapframe [EXPR]: show a trap frame, else the stack's innermost."""

    def __init__(self):
        super().__init__("trapframe")

    def invoke(self, argument, _from_tty):
        kind = gdb.lookup_type("struct trapframe")
        if argument:
            value = gdb.parse_and_eval(argument)
            if value.type.code == gdb.TYPE_CODE_PTR:
                value = value.cast(kind.pointer()).dereference()
            print(TrapFramePrinter(value).to_string())
            return
        frame = gdb.newest_frame()
        while frame is not None:
            if symbol_at(frame.pc()) in ENTRIES:
                sp = int(frame.read_register("rsp"))
                value = gdb.Value(sp).cast(kind.pointer()).dereference()
                print(TrapFramePrinter(value).to_string())
                return
            frame = frame.older()
        raise gdb.GdbError("no trap frame on this stack")


class Percpu(gdb.Function):
    """$percpu("name", cpu): a CPU's copy of a per-CPU variable."""

    def __init__(self):
        super().__init__("percpu")

    def invoke(self, name, cpu=0):
        value = gdb.parse_and_eval(name.string())
        offset = int(gdb.parse_and_eval(f"percpu_offset[{int(cpu)}]"))
        return gdb.Value(int(value.address) + offset & (1 << 64) - 1).cast(
            value.type.pointer()).dereference()


def printer(value):
    """gdb asks for a printer of any value here."""
    if value.type.strip_typedefs().tag == "trapframe":
        return TrapFramePrinter(value)
    return None


register_unwinder(None, TrapFrameUnwinder(), replace=True)
gdb.pretty_printers.append(printer)
Ps()
TrapFrame()
Percpu()
gdb.execute("set print pretty on")
