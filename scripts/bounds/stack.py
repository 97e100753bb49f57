"""The deepest kernel stack of each entry point.

Frames are what the compiler of the kernel says of each function (gcc's
-fstack-usage: with the return address); a function that it has put into its
callers has none of its own. Calls are those of the source, as live.py knows
them. On top of any of them stands an interrupt, and on the functions that touch
user memory a page fault. What ends in a panic is not followed: a stack that
overflows then meets its guard page.
"""

import re

from .ir import Call
from .live import components, plain, where

TRAP_FRAME = 22 * 8 + 16  # struct trapframe, and how the CPU aligns it
# In useraccess.S: where user memory is not there, they take a page fault.
FAULTING = {"usercopy", "userzero", "userstring", "usercmpxchg"}
FATAL = {"panic", "report_cycle"}
# What trap_dispatch does not come to when it interrupts the kernel: by an
# interrupt (whose handlers are not preempted; what comes after them has
# interrupts off), and by a fault.
NOT_BY_INTERRUPT = FATAL | {"exception", "user_return", "preempt_schedule"}
NOT_BY_FAULT = FATAL | {"interrupt", "user_return", "proc_fault",
                        "signal_user_fault"}


class StackError(Exception):
    """What the compiler says of frames is not as this reader knows it."""


def read_frames(objects):
    """{(file, function): bytes} of all .su files below a folder of objects.
    Copies that the compiler makes of a function stand for each other, but a
    part that it has split off is called by the rest."""
    frames = {}
    for path in sorted(objects.glob("*/*/*.su")):
        whole, parts = {}, {}
        for line in path.read_text().splitlines():
            place, size, kind = line.split("\t")
            if kind not in ("static", "dynamic,bounded"):
                raise StackError(f"{place}: a frame of no fixed size ({kind})")
            name, _, suffix = place.rsplit(":", 1)[1].partition(".")
            into = parts if "part" in suffix else whole
            into[name] = max(into.get(name, 0), int(size))
        for name in whole.keys() | parts.keys():
            frames[f"{path.parent.name}/{path.stem}.c", name] = \
                whole.get(name, 0) + parts.get(name, 0)
    return frames


def read_assembly(root):
    """{function: (bytes that it pushes, with the return address)}."""
    found = {}
    for path in sorted(root.glob("kern/*/*.S")):
        for m in re.finditer(r"^FUNCTION\((\w+)\)\n(.*?)(?:\n\n|\Z)",
                             path.read_text(), re.M | re.S):
            found[m[1]] = 8 + 8 * len(re.findall(r"^\s*push", m[2], re.M))
    return found


def find_doomed(kernel):
    """{function: its blocks from which all ways lead to a panic}."""
    blocks = {name: set() for name in kernel.program.functions}
    fatal = {name for name in blocks if plain(name) in FATAL} | FATAL
    before = None
    while before != len(fatal):
        before = len(fatal)
        for f in kernel.program.functions.values():
            if doom(f, blocks[f.name], fatal):
                fatal.add(f.name)
    return blocks


def doom(f, doomed, fatal):
    """Add to the doomed blocks of one function. @return whether it is itself"""
    work = True
    while work:
        work = [label for label, block in f.blocks.items()
                if label not in doomed and
                (any(isinstance(i, Call) and i.target[0] == "g" and
                     i.target[1] in fatal for i in block) or
                 f.succ[label] and all(v in doomed for v in f.succ[label]))]
        doomed.update(work)
    return f.entry in doomed


class Graph:
    """Depths of functions: what they call, but for those not followed."""

    def __init__(self, kernel, frames, not_followed, doomed):
        self.a, self.p = kernel.analysis, kernel.program
        self.frames, self.not_followed = frames, not_followed
        self.doomed = doomed    # as find_doomed says
        self.callees, self.group, self.memo = {}, {}, {}
        self.problems = {}

    # ---- The graph: of functions with what their pointers are bound to ----

    def key(self, name, binding):
        return name, tuple(sorted(binding.items(), key=str))

    def explore(self, name, binding):
        """Fill in callees for a function and all that it leads to."""
        work = [(name, binding)]
        while work:
            name, binding = work.pop()
            key = self.key(name, binding)
            if key in self.callees:
                continue
            found = self.callees[key] = {}
            f = self.p.functions.get(name)
            if f is None:
                if name not in self.frames:
                    self.problems["undefined", None,
                                  f"{name}: in no source"] = True
                continue
            for call in self.live_calls(f, binding):
                for t in self.a.resolve(f, call, binding):
                    if plain(t) in self.not_followed:
                        continue
                    b = {k: v for k, v in self.a.pass_binding(
                             f, call, t, binding).items()
                         if isinstance(v, frozenset) or
                         call.args[k][0] == "i1"}
                    found.setdefault(self.key(t, b), call)
                    work.append((t, b))

    def live_calls(self, f, binding):
        """The calls in blocks that can be reached."""
        known = self.a.known(f, binding)
        for label in sorted(known.reach - self.doomed[f.name]):
            for ins in f.blocks[label]:
                if isinstance(ins, Call):
                    yield ins

    def frame(self, name):
        f = self.p.functions.get(name)
        return self.frames.get((f.file, plain(name)) if f else name, 0)

    # ---- Depths: (bytes, chain) ----

    def depths(self, names):
        """{name: (bytes, chain)} of functions; to be called once."""
        for name in names:
            self.explore(name, {})
        self.find_groups()
        return {name: self.deepest(self.key(name, {}), {}) for name in names}

    def find_groups(self):
        """Functions that can come to be called by themselves: a number for each
        such circle. Each must go through one that says how often it nests."""
        self.group = {}
        for n, comp in enumerate(self.circles(list(self.callees))):
            self.group.update(dict.fromkeys(comp, n))
        for comp in self.circles([k for k in self.group
                                  if k[0] not in self.a.nests]):
            self.problems["recursion", None, "recursion of unknown depth: " +
                          ", ".join(sorted({plain(k[0]) for k in comp}))] = True

    def circles(self, keys):
        among = set(keys)
        for comp in components(keys, lambda v: [w for w in self.callees[v]
                                                if w in among]):
            if len(comp) > 1 or comp[0] in self.callees[comp[0]]:
                yield comp

    def deepest(self, key, nested):
        """nested: how often the functions of a circle that tell are on the
        stack, as (name, times) sorted by name."""
        group = self.group.get(key)
        nested = {name: (times, g) for name, (times, g) in nested.items()
                  if g == group}
        at = key, tuple(sorted(nested.items()))
        if at not in self.memo:
            self.memo[at] = 0, key[0], None  # where a circle is a problem
            self.memo[at] = self.compute(key, nested, group)
        return self.memo[at]

    def compute(self, key, nested, group):
        name = key[0]
        if group is not None and name in self.a.nests:
            times = nested.get(name, (0, group))[0] + 1
            if times > self.a.nests[name]:
                return None
            nested = {**nested, name: (times, group)}
        best = 0, None
        for callee, call in self.callees[key].items():
            found = self.deepest(callee, nested)
            if found and found[0] > best[0]:
                best = found[0], (call, found)
        return self.frame(name) + best[0], name, best[1]


class Stack:
    """The entry points' depths: {name: (bytes, chain)}, an interrupt on top of
    them not included."""

    def __init__(self, kernel, objects, root):
        frames = read_frames(objects) | read_assembly(root)
        doomed = find_doomed(kernel)
        self.problems = {}
        self.interrupt = self.trap(kernel, frames, NOT_BY_INTERRUPT, doomed)
        self.fault = self.trap(kernel, frames, NOT_BY_FAULT, doomed)
        for name in FAULTING:
            frames[name] += self.fault[0]
        graph = Graph(kernel, frames, FATAL, doomed)
        gate = TRAP_FRAME + graph.frame("syscall_dispatch")
        below = {"syscall_dispatch": TRAP_FRAME, "trap_dispatch": TRAP_FRAME,
                 "boot_main": 0, "ap_main": 0, "thread_begin": 0}
        calls = [e for e in kernel.entries.values() if e.kind == "call"]
        found = graph.depths([*below, *(e.function for e in calls),
                              "trap_dispatch_paranoid"])
        self.nmi = found["trap_dispatch_paranoid"]
        self.entries = {name: grow(found[name], n)
                        for name, n in below.items()} | {
            e.name: grow(found[e.function], gate) for e in calls}
        self.problems |= graph.problems

    def trap(self, kernel, frames, not_followed, doomed):
        """What stands on top of the kernel that is interrupted."""
        graph = Graph(kernel, frames, not_followed, doomed)
        found = grow(graph.depths(["trap_dispatch"])["trap_dispatch"],
                     TRAP_FRAME)
        self.problems |= graph.problems
        for name in FAULTING & {key[0] for key in graph.callees}:
            self.problems["fault", None, f"{name}: user memory is touched by "
                          "a handler"] = True
        return found

    def deepest(self):
        """The greatest depth with all that can stand on it."""
        name = max(self.entries, key=lambda e: self.entries[e][0])
        return name, self.entries[name][0] + self.interrupt[0]


def grow(found, more):
    return (found[0] + more,) + found[1:]


def chain(found):
    """The calls that lead to a depth, as lines."""
    lines = []
    while found:
        n, name, below = found
        lines.append(f"{n:6} {plain(name)}"
                     f"{'  ' + where(below[0].line) if below else ''}")
        found = below and below[1]
    return lines
