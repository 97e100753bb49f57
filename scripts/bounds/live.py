"""The most heap that a function can have allocated, in objects of each class.

Of each function, four costs, for the pieces that checkpoints cut it into (a
cost is objects by size class; objects that are freed again are counted too):

    through  from the entry to a return with no checkpoint between
    head     from the entry to any place before the first checkpoint
    tail     from the last checkpoint to a return
    inner    from a checkpoint to any place before the next

A sequence adds, a branch takes the larger of each class, a loop multiplies. The
greatest of the four is the function's bound if it is an entry.
"""

import operator
import sys

from .ir import Call

sys.setrecursionlimit(10000)

SIZES = [16, 32, 48, 64, 128, 192, 256, 320, 384, 448, 512, 576, 640, 768, 1024,
         1344, 2048, 4096, 4096]
WHOLE = len(SIZES) - 1
PAGE = 4096
CHECKPOINTS = {"heap_checkpoint", "heap_reserve", "heap_reserve_last",
               "heap_begin", "heap_release", "heap_end"}
LOOP_MARK = "heap_loop"
NESTS_MARK = "nests"
MAX_TRIPS = 1 << 16  # more is no bound
ZERO = {}


def plain(name):
    """A function's name without the file's that a local one bears."""
    return name.rsplit(":", 1)[-1]


def class_for(size, trailer):
    """Index of the class for an object of size bytes (None: not constant)."""
    if size is None or size > PAGE - trailer:
        return WHOLE
    return next(i for i, s in enumerate(SIZES)
                if s >= (size + trailer + 15) // 16 * 16)


def pages(cost):
    """Pages for the objects of a cost, if no slab has room for any."""
    return sum(-(-n // (PAGE // SIZES[c])) for c, (n, _) in cost.items())


def bytes_of(cost):
    return sum(n * SIZES[c] for c, (n, _) in cost.items())


# ---- Costs: {class: (objects, witness)}; None: no such path ----

def add(a, b):
    if a is None or b is None:
        return None
    if not a:
        return b
    if not b:
        return a
    r = dict(a)
    for c, (n, w) in b.items():
        if c in r:
            r[c] = (r[c][0] + n, ("+", r[c][1], w))
        else:
            r[c] = (n, w)
    return r


def join(a, b):
    if a is None:
        return b
    if b is None or a is b:
        return a
    if not a:
        return b
    if not b:
        return a
    r = dict(a)
    for c, nw in b.items():
        if c not in r or nw[0] > r[c][0]:
            r[c] = nw
    return r


def times(k, a, where):
    if a is None or k == 1 or not a:
        return a
    if k <= 0:
        return ZERO
    return {c: (k * n, ("*", k, where, w)) for c, (n, w) in a.items()}


def within(a, call, callee):
    """A cost as it is seen by the caller."""
    if not a:
        return a
    return {c: (n, ("call", callee, call.line, w)) for c, (n, w) in a.items()}


class Piece:
    """The four costs."""

    __slots__ = ("through", "head", "tail", "inner")

    def __init__(self, through=ZERO, head=ZERO, tail=None, inner=None):
        self.through, self.head = through, head
        self.tail, self.inner = tail, inner

    def peak(self):
        return join(join(self.through, self.head), join(self.tail, self.inner))

    def mapped(self, fn):
        return Piece(fn(self.through), fn(self.head), fn(self.tail),
                     fn(self.inner))


def sequence(a, b):
    return Piece(add(a.through, b.through),
                 join(a.head, add(a.through, b.head)),
                 join(b.tail, add(a.tail, b.through)),
                 join(join(a.inner, b.inner), add(a.tail, b.head)))


def branch(a, b):
    if a is None:
        return b
    if b is None:
        return a
    return Piece(join(a.through, b.through), join(a.head, b.head),
                 join(a.tail, b.tail), join(a.inner, b.inner))


NOTHING = Piece()
CHECKPOINT = Piece(None, ZERO, ZERO, None)


def components(nodes, succ):
    """Strongly connected components, each before those it leads to."""
    index, low, stack, on, out = {}, {}, [], set(), []
    for root in nodes:
        if root in index:
            continue
        work = [(root, iter(succ(root)))]
        index[root] = low[root] = len(index)
        stack.append(root)
        on.add(root)
        while work:
            v, it = work[-1]
            for w in it:
                if w not in index:
                    index[w] = low[w] = len(index)
                    stack.append(w)
                    on.add(w)
                    work.append((w, iter(succ(w))))
                    break
                if w in on:
                    low[v] = min(low[v], index[w])
            else:
                work.pop()
                if work:
                    u = work[-1][0]
                    low[u] = min(low[u], low[v])
                if low[v] == index[v]:
                    comp = []
                    while True:
                        w = stack.pop()
                        on.discard(w)
                        comp.append(w)
                        if w == v:
                            break
                    out.append(comp)
    out.reverse()
    return out


MASK = (1 << 64) - 1
COMPARE = {
    "eq": lambda a, b: a == b, "ne": lambda a, b: a != b,
    "sgt": lambda a, b: a > b, "sge": lambda a, b: a >= b,
    "slt": lambda a, b: a < b, "sle": lambda a, b: a <= b,
    "ugt": lambda a, b: a & MASK > b & MASK,
    "uge": lambda a, b: a & MASK >= b & MASK,
    "ult": lambda a, b: a & MASK < b & MASK,
    "ule": lambda a, b: a & MASK <= b & MASK,
}
BINARY = {"and": operator.and_, "or": operator.or_, "xor": operator.xor,
          "add": operator.add, "sub": operator.sub, "mul": operator.mul}


class Known:
    """The registers and branches of a function that are known where some of
    its parameters are: {parameter's place: integer}."""

    def __init__(self, f, binding):
        self.f = f
        self.start = {f.params[k]: n for k, n in binding.items()
                      if isinstance(n, int) and k < len(f.params)}
        self.reach = set(f.blocks)
        self.memo = {}
        if self.start:
            # Twice: what the first finds out of reach adds no value to a phi.
            for _ in range(3):
                self.memo = {}
                seen, work = {f.entry}, [f.entry]
                while work:
                    for w in self.follow(work.pop()):
                        if w not in seen:
                            seen.add(w)
                            work.append(w)
                if seen == self.reach:
                    break
                self.reach = seen

    def value(self, v):
        """The integer that v is, or None."""
        if v[0] == "c":
            return v[1]
        if v[0] == "cast":
            return self.value(v[2])
        if v[0] != "l":
            return None
        if v[1] in self.start:
            return self.start[v[1]]
        if v[1] not in self.memo:
            self.memo[v[1]] = None  # a loop's phi is not known
            self.memo[v[1]] = self.compute(self.f.defs.get(v[1]))
        return self.memo[v[1]]

    def compute(self, d):
        if d is None:
            return None
        if d[0] == "value":
            return self.value(d[1]) if d[1][0] == "cast" else None
        if d[0] == "phi":
            found = {self.value(x) for x, at in zip(d[2], d[3])
                     if at in self.reach}
            return found.pop() if len(found) == 1 else None
        if d[0] == "select":
            c = self.value(d[2][0])
            if c is not None:
                return self.value(d[2][1] if c else d[2][2])
            a, b = self.value(d[2][1]), self.value(d[2][2])
            return a if a == b else None
        if d[0] == "binary":
            a, b = self.value(d[2]), self.value(d[3])
            if d[1] == "and" and (a == 0 or b == 0):
                return 0
            if a is None or b is None:
                return None
            return BINARY[d[1]](a, b)
        if d[0] == "icmp":
            a, b = self.value(d[2]), self.value(d[3])
            if a is None or b is None:
                return None
            return int(COMPARE[d[1]](a, b))
        return None

    def follow(self, label):
        """The blocks that may follow one."""
        f = self.f
        block = f.blocks[label]
        last = block[-1] if block else None
        if isinstance(last, tuple) and last[0] == "br" and last[1]:
            c = self.value(("l", last[1]))
            if c is not None:
                return [f.succ[label][0 if c else 1]]
        if isinstance(last, tuple) and last[0] == "switch" and last[1]:
            c = self.value(("l", last[1]))
            if c is not None:
                for n, to in last[2]:
                    if int(n) == c:
                        return [to]
                return [f.succ[label][0]]
        return f.succ[label]


class Analysis:
    """Bounds of all functions of a program."""

    DEPTH = 16  # of a recursion that its arguments bound

    def __init__(self, program, trips, trailer, models):
        self.p, self.trips, self.trailer = program, trips, trailer
        self.models = models
        self.memo, self.active = {}, []
        self.problems, self.circles = {}, {}
        self.callable = self.callable_params()
        self.consts = {}
        # How often functions that say so may stand on one stack.
        self.nests = {f.name: c.args[0][1][1]
                      for f in program.functions.values()
                      for c in self.calls(f) if c.target[0] == "g" and
                      plain(c.target[1]) == NESTS_MARK and
                      c.args[0][1][0] == "c"}
        self.allocates = self.reach_allocation()

    # ---- Functions that call a parameter of theirs ----

    def callable_params(self):
        result = {}
        changed = True
        while changed:
            changed = False
            for f in self.p.functions.values():
                index = {r: i for i, r in enumerate(f.params)}
                for call in self.calls(f):
                    found = set()
                    if call.target[0] == "l" and call.target[1] in index:
                        found.add(index[call.target[1]])
                    for t in self.p.targets[call]:
                        for k in result.get(t, ()):
                            if k < len(call.args):
                                v = call.args[k][1]
                                if v[0] == "l" and v[1] in index:
                                    found.add(index[v[1]])
                    if not found <= result.get(f.name, set()):
                        result.setdefault(f.name, set()).update(found)
                        changed = True
        return result

    @staticmethod
    def calls(f):
        for block in f.blocks.values():
            for ins in block:
                if isinstance(ins, Call):
                    yield ins

    def reach_allocation(self):
        callers = {}
        for f in self.p.functions.values():
            for call in self.calls(f):
                for t in self.p.targets[call]:
                    callers.setdefault(t, set()).add(f.name)
        seen = set()
        work = ["kalloc"] + list(self.models)
        work += [f for f in self.p.functions if plain(f) in CHECKPOINTS]
        while work:
            f = work.pop()
            for g in callers.get(f, ()):
                if g not in seen:
                    seen.add(g)
                    work.append(g)
        return seen

    # ---- Calls ----

    def problem(self, kind, line, text):
        self.problems[(kind, line, text)] = True

    def resolve(self, f, call, binding):
        t = call.target
        if t[0] == "l" and t[1] in f.params:
            k = f.params.index(t[1])
            if isinstance(binding.get(k), frozenset):
                return binding[k]
        targets = self.p.targets[call]
        if not targets and not self.p.unfilled(f, call):
            self.problem("indirect", call.line, f"{f.name}: a call that has no "
                         "known target")
        return targets

    def pass_binding(self, f, call, target, binding):
        result = {}
        for k in self.callable.get(target, ()):
            if k >= len(call.args):
                continue
            v = call.args[k][1]
            while v[0] == "cast":
                v = v[2]
            if v[0] == "g" and v[1] in self.p.functions:
                result[k] = frozenset([v[1]])
            elif v[0] == "l" and v[1] in f.params and \
                    f.params.index(v[1]) in binding:
                result[k] = binding[f.params.index(v[1])]
            elif v[0] == "l" and v[1] not in f.params:
                result[k] = frozenset(self.p.nodes[("L", f.name, v[1])])
        known = self.known(f, binding)
        for k, (_, v) in enumerate(call.args):
            n = known.value(v)
            if n is not None:
                result[k] = n
        return result

    def known(self, f, binding):
        key = (f.name, tuple(sorted(binding.items(), key=str)))
        if key not in self.consts:
            self.consts[key] = Known(f, binding)
        return self.consts[key]

    def call_piece(self, f, call, binding):
        result = None
        for target in sorted(self.resolve(f, call, binding)):
            result = branch(result, self.target_piece(f, call, target, binding))
        return result or NOTHING

    def target_piece(self, f, call, target, binding):
        if target == "kalloc":
            v = call.args[0][1]
            size = v[1] if v[0] == "c" else None
            c = class_for(size, self.trailer)
            cost = {c: (1, ("new", f.name, call.line, size))}
            return Piece(cost, cost)
        if plain(target) in CHECKPOINTS:
            return CHECKPOINT
        if target in self.models:
            return self.model(f, call, target)
        if target not in self.allocates:
            return NOTHING
        piece = self.function(target, self.pass_binding(f, call, target,
                                                        binding))
        return piece.mapped(lambda a: within(a, call, target))

    def model(self, f, call, target):
        result = None
        for t in self.models[target]:
            result = branch(result, self.function(t, {}).mapped(
                lambda a: within(a, call, t)))
        return result or NOTHING

    # ---- Functions ----

    def function(self, name, binding):
        nested = [k[0] for k in self.active if k[0] in self.nests]
        if nested.count(name) >= self.nests.get(name, 1 << 30):
            return Piece(None, ZERO, None, None)
        nested = tuple(nested)
        key = (name, tuple(sorted(binding.items(), key=str)), nested)
        if key in self.memo:
            return self.memo[key]
        f = self.p.functions.get(name)
        if f is None:
            self.problem("undefined", None, f"{name}: not in any source")
            return NOTHING
        same = [k for k in self.active if k[0] == name]
        if len(same) > self.DEPTH:
            # Arguments that differ each time: without them, a plain circle.
            binding = {}
            key = (name, (), nested)
        if key in self.active:
            # Right if the whole circle comes to nothing, see below.
            cycle = [k[0] for k in self.active[self.active.index(key):]]
            self.circles.setdefault(key, " -> ".join(cycle + [name]))
            return NOTHING
        self.active.append(key)
        piece = self.region(f, set(f.blocks), f.entry, binding, None)[0]
        self.active.pop()
        circle = self.circles.pop(key, None)
        if circle and piece.peak():
            self.problem("recursion", f.file, f"{circle}: allocates")
        self.memo[key] = piece
        return piece

    def block_piece(self, f, label, binding):
        piece = NOTHING
        for ins in f.blocks[label]:
            if not isinstance(ins, Call) or self.is_mark(ins):
                continue
            got = self.call_piece(f, ins, binding)
            if got is not NOTHING:
                piece = sequence(piece, got)
        return piece

    @staticmethod
    def is_mark(ins):
        return isinstance(ins, Call) and ins.target[0] == "g" and \
            plain(ins.target[1]) == LOOP_MARK

    def marks(self, f, nodes):
        """The annotations in some blocks: [(limit, line, block)]."""
        found = []
        for label in sorted(nodes):
            for ins in f.blocks[label]:
                if self.is_mark(ins):
                    v = ins.args[-1][1]
                    if v[0] != "c":
                        self.problem("loop", ins.line, "no constant limit")
                    else:
                        found.append((v[1], ins.line, label))
        return found

    def region(self, f, nodes, entry, binding, header, free=()):
        """A part of a function, entered at one block. Back edges to header are
        left out; the blocks of free are taken to cost nothing. @return its
        piece (to its returns or, of a loop, its exits), and the piece from
        header back to it."""
        follow = self.known(f, binding).follow

        def succ(v):
            return [w for w in follow(v) if w in nodes and w != header]

        at = {entry: NOTHING}
        leaves, back = None, None
        all_head, all_inner = ZERO, None
        for comp in components([entry], succ):
            own = set(comp)
            loop = len(comp) > 1 or comp[0] in succ(comp[0])
            if loop:
                entries = [v for v in comp if v in at]
                before = None
                for v in entries:
                    before = branch(before, at[v])
                body = self.loop(f, own, entries, binding, free)
            else:
                before = at[comp[0]]
                body = NOTHING if comp[0] in free else \
                    self.block_piece(f, comp[0], binding)
            after = sequence(before, body) if body is not NOTHING else before
            all_head = join(all_head, after.head)
            all_inner = join(all_inner, after.inner)
            for v in comp:
                for w in follow(v):
                    if w in own and loop:
                        continue
                    if w == header:
                        back = branch(back, after)
                    elif w not in nodes:
                        leaves = branch(leaves, after)
                    else:
                        at[w] = branch(at.get(w), after)
                last = f.blocks[v][-1] if f.blocks[v] else None
                if isinstance(last, tuple) and last[0] == "ret":
                    leaves = branch(leaves, after)
        if leaves is None:
            leaves = Piece(None, ZERO, None, None)
        return Piece(leaves.through, all_head, leaves.tail, all_inner), back

    def loop(self, f, nodes, entries, binding, free):
        """All iterations of a loop."""
        header = entries[0]
        if len(entries) > 1:
            self.problem("loop", f.file, f"{f.name}: a loop with two entries")
        leave, back = self.region(f, nodes, header, binding, header, free)
        if back is None:
            return leave
        before = ZERO
        if back.through:
            before = self.rounds(f, nodes, header, binding, back.through, free)
        if back.through is None:
            before = ZERO
        # The first time through, then some whole rounds, then out.
        rest = leave
        if back.tail is not None:
            tail = add(back.tail, before)
            rest = Piece(leave.through, leave.head,
                         join(leave.tail, add(tail, leave.through)),
                         join(join(leave.inner, back.inner),
                              add(tail, join(leave.head, back.head))))
        if back.through is None:
            return rest
        return sequence(Piece(before, before), rest)

    def rounds(self, f, nodes, header, binding, again, free):
        """What all rounds but the last cost, where one costs `again`."""
        line = self.line_of(f, nodes, header)
        trips = self.trips.get((f.file, plain(f.name), header), 1 << 62)
        if trips <= MAX_TRIPS:
            return times(trips - 1, again, line)
        # Annotated: blocks that are reached through a mark only. Nothing may
        # be left over.
        marks = self.marks(f, nodes)
        bounded = self.dominated(f, nodes, header, {m[2] for m in marks})
        rest = self.region(f, nodes, header, binding, header,
                           set(free) | bounded)[1]
        if not marks or rest is None or rest.through:
            self.problem("loop", line, f"{f.name}: allocates in a loop of "
                         f"unknown length ({self.describe(again)})")
            return again
        limit = sum(m[0] for m in marks) - (header in bounded)
        noted = {c: (n, ("note", marks[0][:2], w))
                 for c, (n, w) in again.items()}
        return times(limit, noted, line)

    @staticmethod
    def dominated(f, nodes, header, marked):
        """The blocks of a loop that only marked ones lead to, and these."""
        seen, work = set(), [header] if header not in marked else []
        while work:
            v = work.pop()
            if v in seen:
                continue
            seen.add(v)
            work += [w for w in f.succ[v]
                     if w in nodes and w not in marked and w != header]
        return nodes - seen

    def line_of(self, f, nodes, header):
        for v in [header] + sorted(nodes):
            for ins in f.blocks[v]:
                if isinstance(ins, Call) and ins.line:
                    return ins.line
        return (f.file, 0)

    def notes_of(self, cost):
        """The annotations that a cost is bounded by: {(limit, line)}."""
        found, seen = set(), set()
        work = [w for _, w in cost.values()]
        while work:
            w = work.pop()
            if id(w) in seen:
                continue
            seen.add(id(w))
            if w[0] == "note":
                found.add(w[1])
            work += [x for x in w[1:] if isinstance(x, tuple) and x and
                     x[0] in ("+", "*", "call", "new", "note")]
        return found

    @staticmethod
    def describe(cost):
        return ", ".join(f"{n} x {SIZES[c]}" for c, (n, _) in cost.items())


# ---- Explaining ----

def explain(w, depth=0, out=None, limit=60):
    """Lines that say where a class's objects come from."""
    out = [] if out is None else out
    if len(out) >= limit:
        return out
    pad = "  " * depth
    if w[0] == "+":
        explain(w[1], depth, out, limit)
        explain(w[2], depth, out, limit)
    elif w[0] == "*":
        out.append(f"{pad}{w[1]} times (loop at {where(w[2])}):")
        explain(w[3], depth + 1, out, limit)
    elif w[0] == "note":
        out.append(f"{pad}(annotated: {where(w[1][1])})")
        explain(w[2], depth, out, limit)
    elif w[0] == "call":
        out.append(f"{pad}{w[1]}  ({where(w[2])})")
        explain(w[3], depth + 1, out, limit)
    elif w[0] == "new":
        size = f"{w[3]} bytes" if w[3] is not None else "a size not constant"
        out.append(f"{pad}NEW {size} at {where(w[2])}")
    return out


def where(line):
    return f"{line[0]}:{line[1]}" if line else "?"
