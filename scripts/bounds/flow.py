"""Which functions a function pointer can point to.

A pointer is followed from where a function's address is taken to where it is
called, through registers, parameters, results, variables and fields. A field is
one place for all structures of its type (so an operation of one file system's
table is a target wherever that operation is called); order does not matter.
"""

from collections import defaultdict

from .ir import IRError, Module, bare, split_top, type_end


class Program:
    """All modules, linked: functions by name, and the targets of calls."""

    def __init__(self, files):
        self.modules = [Module(path, name) for path, name in files]
        self.structs, self.functions, self.globals = {}, {}, {}
        self.module_of, self.global_scope, self.scope = {}, {}, {}
        self.aliases, self.sections = {}, defaultdict(list)
        views = defaultdict(set)
        for m in self.modules:
            for name, fields in m.structs.items():
                old = self.structs.setdefault(name, fields)
                # Namesakes: the longer one, and places are shared.
                if len(fields) > len(old):
                    self.structs[name] = fields
            for name, f in m.functions.items():
                self.functions[name] = f
                self.module_of[name] = m
            self.globals.update(m.globals)
            self.global_scope.update(dict.fromkeys(m.globals, m.structs))
            self.aliases.update(m.aliases)
            for s, names in m.sections.items():
                self.sections[s] += names
            for name, t in m.views:
                views[name].add(t)
        # A table that the linker collects holds structures of one type.
        for names in self.sections.values():
            named = {self.globals[n][0] for n in names
                     if self.globals[n][0].startswith("%")}
            if len(named) == 1:
                for n in names:
                    views[n].add(named.copy().pop() + "*")
        self.views = views
        self.nodes = defaultdict(set)    # place: functions
        self.edges = defaultdict(set)    # place: places that get its functions
        self.calls_at = defaultdict(set)  # place: calls through it
        self.targets = defaultdict(set)  # call: functions
        self.errors = []
        self.tables = set()  # structures of which there are constants
        self.work = []
        self.collect()
        self.solve()
        self.check()

    # ---- Layout ----

    def layout(self, t):
        """(size, alignment) of type t in bytes."""
        t = t.strip()
        if t.endswith("*"):
            return 8, 8
        if t[0] == "i":
            size = (int(t[1:]) + 7) // 8
            return size, min(16, 1 << (size - 1).bit_length())
        if t[0] == "[":
            n, e = t[1:-1].split(" x ", 1)
            size, align = self.layout(e)
            return int(n) * size, align
        packed = t.startswith("<{")
        offs, size, align = self.offsets(self.fields(t), packed)
        return size, align

    def fields(self, t):
        """Field types of structure type t."""
        if t.startswith("<{"):
            return [p.strip() for p in split_top(t[2:-2])]
        if t.startswith("{"):
            return [p.strip() for p in split_top(t[1:-1])]
        return self.struct(t) or []

    def struct(self, t):
        """The fields of %struct t as the file that is looked at has it: another
        file's may have the same name."""
        return self.scope.get(bare(t))

    def offsets(self, fields, packed=False):
        at, top, result = 0, 1, []
        for f in fields:
            size, align = self.layout(f)
            if packed:
                align = 1
            at = (at + align - 1) // align * align
            result.append(at)
            at += size
            top = max(top, align)
        return result, (at + top - 1) // top * top, top

    # ---- Places ----

    def descend(self, t, place):
        """The first scalar field at a place of type t."""
        while True:
            while t.startswith("["):
                t = t[1:-1].split(" x ", 1)[1]
            if not t.startswith("%") or t.endswith("*"):
                return place
            fields = self.struct(t)
            if not fields:
                return place
            place = ("F", bare(t), 0)
            t = fields[0]

    def step(self, t, idx):
        """The place that indexes idx (after the first) lead to in type t: a
        field, or None if they pass no structure; and its type."""
        place = None
        for i in idx:
            if t.startswith("[") or (t.startswith("<") and "{" not in t[:2]):
                t = t[1:-1].split(" x ", 1)[1]
                continue
            fields = self.fields(t)
            if i[0] != "c" or i[1] >= len(fields):
                return ("unknown", t), "?"
            place = ("F", bare(t), i[1]) if t[0] == "%" else None
            t = fields[i[1]]
        return place, t

    def places(self, f, v, t, depth=0):
        """The places that pointer v of type t (with the *) may mean."""
        if depth > 30:
            return {("unknown", t)}
        kind = v[0]
        inner = t[:-1] if t.endswith("*") else "?"
        if kind == "g":
            name = self.aliases.get(v[1], v[1])
            if inner.startswith("%") and not inner.endswith("*"):
                return {self.descend(inner, ("G", name))}
            g = self.globals.get(name)
            if g and g[0].startswith(("%", "[")):
                return {self.descend(g[0], ("G", name))}
            return {("G", name)}
        if kind == "cast":
            return self.places(f, v[2], v[1], depth + 1)
        if kind == "gep":
            place, end = self.step(v[1], v[3][1:])
            if place is None:
                # An array's element, or arithmetic on a pointer.
                if v[1].startswith("%") and not v[1].endswith("*"):
                    return {self.descend(v[1], ("unknown", t))}
                return self.places(f, v[2], v[1] + "*", depth + 1)
            return {self.descend(end, place)}
        if kind == "l":
            if inner.startswith("%") and not inner.endswith("*") and \
                    self.struct(inner):
                return {self.descend(inner, None)}
            d = f.defs.get(v[1])
            if d is None:
                return {("P*", f.name, v[1])}
            if d[0] == "value":
                return self.places(f, d[1], t, depth + 1)
            if d[0] in ("phi", "select"):
                result = set()
                for x in d[2][-2:] if d[0] == "select" else d[2]:
                    if x[0] != "c" and x != v:
                        result |= self.places(f, x, t, depth + 8)
                return result
            if d[0] == "alloca":
                return {self.descend(d[1], ("A", f.name, v[1]))}
            return {("unknown", t)}
        return set()

    # ---- Constraints ----

    @staticmethod
    def may_hold(t):
        """Whether a value of type t can be a function's address."""
        return t.endswith(")*") or t in ("i8*", "i64", "{}*")

    def seed(self, place, fn):
        if fn not in self.nodes[place]:
            self.nodes[place].add(fn)
            self.work.append((place, fn))

    def edge(self, a, b):
        if a == b or b in self.edges[a]:
            return
        self.edges[a].add(b)
        for fn in list(self.nodes[a]):
            self.seed(b, fn)

    def flow(self, f, v, place):
        """Value v of function f goes to a place."""
        kind = v[0]
        if kind == "g":
            name = self.aliases.get(v[1], v[1])
            if name not in self.globals:
                self.seed(place, name)
        elif kind == "l":
            self.edge(("L", f.name, v[1]), place)
        elif kind == "cast":
            self.flow(f, v[2], place)
        elif kind == "agg":
            for _, x in v[2]:
                self.flow(f, x, place)

    def initial(self, name, t, v, place):
        """Function pointers in a constant v of type t at a place."""
        if v[0] == "agg":
            if t.startswith("["):
                for ti, x in v[2]:
                    self.initial(name, ti, x, place)
                return
            if t.startswith("%"):
                self.tables.add(bare(t))
                for k, (ti, x) in enumerate(v[2]):
                    self.initial(name, ti, x,
                                 self.descend(ti, ("F", bare(t), k)))
                return
            offs = self.offsets([ti for ti, _ in v[2]],
                                t.startswith("<{"))[0]
            for k, (ti, x) in enumerate(v[2]):
                if x[0] == "agg":
                    self.initial(name, ti, x, place)
                elif x[0] in "gcast":
                    self.literal(name, offs[k], x, place)
        elif v[0] in ("g", "cast"):
            self.flow(None, v, place)

    def literal(self, name, offset, v, place):
        """A pointer at an offset of a constant whose type has no name: the
        types that its address is cast to say which field it is."""
        while v[0] == "cast":
            v = v[2]
        if v[0] != "g" or v[1] not in self.functions:
            return
        seen = False
        for t in self.views[name]:
            at = offset
            t = t[:-1]
            while t.startswith("%") and self.struct(t):
                offs = self.offsets(self.struct(t))[0]
                k = max(i for i, o in enumerate(offs) if o <= at)
                place, at = ("F", bare(t), k), at - offs[k]
                t = self.struct(t)[k]
                seen = True
            self.seed(self.descend(t, place), v[1])
        if not seen:
            self.errors.append(f"{name}: a function in a constant of unknown "
                               "type")

    def collect(self):
        for name, (t, v) in self.globals.items():
            self.scope = self.global_scope[name]
            self.initial(name, t, v, self.descend(t, ("G", name))
                         if not t.startswith(("{", "<")) else ("G", name))
        for f in self.functions.values():
            self.scope = self.module_of[f.name].structs
            for dest, d in f.defs.items():
                here = ("L", f.name, dest)
                if d[0] == "value":
                    if d[1][0] == "cast" and self.may_hold(d[1][1]):
                        self.flow(f, d[1], here)
                elif d[0] in ("phi", "select") and self.may_hold(d[1]):
                    for x in d[2]:
                        self.flow(f, x, here)
                elif d[0] == "load" and self.may_hold(d[1][0][:-1]):
                    for p in self.places(f, d[1][1], d[1][0]):
                        self.edge(p, here)
            for block in f.blocks.values():
                for ins in block:
                    if isinstance(ins, tuple):
                        if ins[0] == "store":
                            self.store(f, ins)
                        elif ins[0] == "ret" and ins[1]:
                            self.flow(f, ins[1], ("R", f.name))
                    else:
                        self.bind_call(f, ins)

    def store(self, f, ins):
        (vt, v), (t, p) = ins[1], ins[2]
        if not self.may_hold(vt):
            return
        for place in self.places(f, p, t):
            self.flow(f, v, place)

    def bind_call(self, f, call):
        call.key = (f.name, id(call))
        t = call.target
        while t[0] == "cast":
            t = t[2]
        if t[0] == "g":
            self.bind(f, call, self.aliases.get(t[1], t[1]))
        elif t[0] == "l":
            place = ("L", f.name, t[1])
            self.calls_at[place].add((f, call))
            for fn in list(self.nodes[place]):
                self.bind(f, call, fn)

    def bind(self, f, call, name):
        """Call of f may go to function name: arguments and result flow."""
        if name in self.targets[call]:
            return
        self.targets[call].add(name)
        g = self.functions.get(name)
        if not g:
            return
        for (t, v), p in zip(call.args, g.params):
            if self.may_hold(t):
                self.flow(f, v, ("L", g.name, p))
        if call.dest:
            self.edge(("R", g.name), ("L", f.name, call.dest))

    def unfilled(self, f, call):
        """Whether the call is by a field of tables that nobody fills in."""
        self.scope = self.module_of[f.name].structs
        d = f.defs.get(call.target[1])
        return d and d[0] == "load" and all(
            p and p[0] == "F" and p[1] in self.tables
            for p in self.places(f, d[1][1], d[1][0]))

    def check(self):
        """A function that goes where it is not followed is an error."""
        for place in [p for p, fns in self.nodes.items() if fns]:
            if place and place[0] in ("unknown", "P*"):
                fns = ", ".join(sorted(self.nodes[place]))
                self.errors.append(f"the address of {fns} is stored where it "
                                   f"is not followed: {place[1:]}")

    def solve(self):
        while self.work:
            place, fn = self.work.pop()
            for b in self.edges[place]:
                self.seed(b, fn)
            for f, call in self.calls_at.get(place, ()):
                self.bind(f, call, fn)
