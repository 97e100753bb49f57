"""The kernel as the analysis sees it: its IR, its entry points, their bounds."""

import os
import re
import subprocess
from pathlib import Path

from .flow import Program
from .live import Analysis, bytes_of, explain, pages, plain, where

ROOT = Path(__file__).resolve().parents[2]
# Not found by analysis: start-up, when nothing else runs, and self-tests.
FREE = {"startup", "selftest"}
TRAILER = {"release": 4, "debug": 16}  # HEAP_TRAILER of mem.h
# A thread's work is reserved for where it says so; its name is the bound's.
BEGIN = {"heap_begin", "heap_reserve", "heap_reserve_last"}


def build(jobs):
    """Have make bring the IR of both builds up to date."""
    env = {k: v for k, v in os.environ.items()
           if k not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "DEBUG", "CC")}
    for debug in ([], ["DEBUG=1"]):
        subprocess.run(["make", "-s", f"-j{jobs}", *debug, "ir"], cwd=ROOT,
                       check=True, env=env)


def read_trips(path, file, trips):
    """LLVM's loop counts: {(file, function, header): times it is entered}."""
    function = None
    for line in path.read_text().splitlines():
        m = re.match(r"Determining loop execution counts for: @(\S+)", line)
        if m:
            function = m[1]
        m = re.match(r"Loop (%\S+): (?:max )?backedge-taken count is (\d+)$",
                     line)
        if m:
            key = (file, function, m[1])
            trips[key] = min(int(m[2]) + 1, trips.get(key, 1 << 62))


class Entry:
    """One entry point: name, kind ("call", "thread", ...), its cost."""

    def __init__(self, name, kind, function, cost, notes):
        self.name, self.kind, self.function = name, kind, function
        self.cost, self.notes = cost, notes
        self.pages, self.bytes = pages(cost), bytes_of(cost)


class Kernel:
    """A build's entries, with their bounds."""

    def __init__(self, mode, ir=None):
        self.mode = mode
        built = ROOT / "build" / "ir" / mode
        files, trips = [], {}
        for path in sorted((ir or built).glob("*/*/*.ll")):
            # One whose source is gone is an old build's.
            if not ir and not (ROOT / path.relative_to(built)
                               ).with_suffix(".c").exists():
                continue
            file = f"{path.parent.name}/{path.stem}.c"
            files.append((path, file))
            read_trips(path.with_suffix(".ll.trips"), file, trips)
        self.program = Program(files)
        self.analysis = Analysis(self.program, trips, TRAILER[mode], {})
        self.entries = {}
        self.problems = dict.fromkeys(
            ("pointer", None, e) for e in self.program.errors)
        self.find_calls()
        self.find_threads()
        self.find_unreserved()
        self.problems.update(self.analysis.problems)

    def entry(self, name, kind, function):
        a = self.analysis
        cost = a.function(function, {}).peak()
        self.entries[name] = Entry(name, kind, function, cost,
                                   a.notes_of(cost))

    def find_calls(self):
        for g in self.program.sections[".syscall_entry"]:
            fields = [v for _, v in self.program.globals[g][1][2]]
            fn = fields[-1]
            while fn[0] == "cast":
                fn = fn[2]
            self.entry(plain(g).removeprefix("syscall_entry_"), "call", fn[1])

    def find_threads(self):
        for f in sorted(self.program.functions.values(),
                        key=lambda f: f.name):
            if f.file == "07-heap/reserve.c" or plain(f.name) in BEGIN:
                continue
            for c in Analysis.calls(f):
                if c.target[0] == "g" and plain(c.target[1]) in BEGIN:
                    self.find_thread(f, c)

    def find_thread(self, f, call):
        """Work that begins with a reservation; its bound is told by name."""
        name = plain(f.name)
        line = Path(call.line[0]).read_text().splitlines()[call.line[1] - 1]
        m = re.search(r"HEAP_BOUND\((\w+)\)", line)
        if m and m[1] == name:
            self.entry(name, "thread", f.name)
        elif not m or m[1] not in FREE:
            self.problems["begin", call.line,
                          f"{name}: begins with HEAP_BOUND({name})"] = True


    def find_unreserved(self):
        """Handlers, and threads up to their first reservation, may not
        allocate at all."""
        fields = [("F", s, i) for s in ("struct.trap_ops", "struct.thread")
                  for i in range(len(self.program.structs.get(s, ())))]
        names = {fn for place in fields for fn in self.program.nodes[place]
                 if fn in self.program.functions}
        for fn in sorted(names):
            cost = self.analysis.function(fn, {}).head
            if cost:
                for c in sorted(cost):
                    chain = " / ".join(s.strip() for s in explain(cost[c][1]))
                    self.problems["unreserved", None, f"{fn} allocates without "
                                  f"a reservation: {chain}"] = True
        self.unreserved = sorted(names)


def problem_text(p):
    kind, line, text = p
    place = where(line) if isinstance(line, tuple) else line
    return f"{place}: {text}" if place else text


def explanation(entry):
    """The chain of each class, as lines."""
    from .live import SIZES, PAGE
    out = [f"{entry.name} ({entry.function}): {entry.bytes} bytes, "
           f"{entry.pages} pages"]
    for c, (n, w) in sorted(entry.cost.items()):
        out.append(f"  {n} of class {SIZES[c]}: "
                   f"{-(-n // (PAGE // SIZES[c]))} pages")
        out += ["    " + line for line in explain(w)]
    return out
