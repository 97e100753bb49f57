"""Reads LLVM IR text (version 14, typed pointers): what a call graph needs.

Of the types, the structures; of the global variables, the function pointers in
their initial values; of the functions, the control flow, the calls, and where
function pointers go: loads, stores, address arithmetic, casts. Everything else
is passed over. Names that are local to a file are made unique with its name.

A value is a tuple: ("l", register), ("g", symbol), ("c", integer), ("gep",
type, base, indexes), ("cast", type, value), ("agg", type, [(type, value)]) or
("?",).
"""

import hashlib
import re
from functools import lru_cache

ATTRIBUTE = re.compile(
    r" *(?:noundef|nonnull|zeroext|signext|nocapture|readonly|readnone|"
    r"writeonly|noalias|returned|immarg|inreg|noreturn|nounwind|swiftself|"
    r"align \d+|dereferenceable(?:_or_null)?\(\d+\)|"
    r"(?:byval|sret|byref|elementtype)\([^()]*(?:\([^()]*\)[^()]*)*\))(?![\w.])")
BASE = re.compile(r' *(?:%"[^"]*"|%[\w.$-]+|i\d+|void|float|double|half|x86_fp80'
                  r'|label|metadata|opaque|token|\.\.\.)')
SYMBOL = re.compile(r'([@%](?:"[^"]*"|[\w.$-]+))')
INTEGER = re.compile(r"-?\d+")
WORD = re.compile(r"[a-z_0-9]+")
OPEN, CLOSE = "([{<", ")]}>"


class IRError(Exception):
    """The text is not as this reader knows it."""


def bracket_end(s, i):
    """The place after the bracket that closes the one at i."""
    depth = 0
    n = len(s)
    while i < n:
        c = s[i]
        if c == '"':
            i = s.index('"', i + 1)
        elif c in OPEN:
            depth += 1
        elif c in CLOSE:
            depth -= 1
            if depth == 0:
                return i + 1
        i += 1
    raise IRError(f"unbalanced: {s}")


def split_top(s):
    """Split at the commas that are in no brackets."""
    parts, depth, start, i, n = [], 0, 0, 0, len(s)
    while i < n:
        c = s[i]
        if c == '"':
            i = s.index('"', i + 1)
        elif c in OPEN:
            depth += 1
        elif c in CLOSE:
            depth -= 1
        elif c == "," and depth == 0:
            parts.append(s[start:i])
            start = i + 1
        i += 1
    if s[start:].strip():
        parts.append(s[start:])
    return parts


def type_end(s, i):
    """The place after the type that begins at i."""
    while s[i] == " ":
        i += 1
    if s[i] in "[{<":
        i = bracket_end(s, i)
    else:
        m = BASE.match(s, i)
        if not m:
            raise IRError(f"no type at {s[i:i + 60]!r}")
        i = m.end()
    n = len(s)
    while i < n:
        if s[i] == "*":
            i += 1
        elif s.startswith(" (", i):
            i = bracket_end(s, i + 1)
        elif s.startswith(" addrspace(", i):
            i = s.index(")", i) + 1
        else:
            break
    return i


@lru_cache(None)
def bare(name):
    """A type's name without the number that tells it from namesakes."""
    return re.sub(r"\.\d+$", "", name.strip('%"'))


NAMELESS = re.compile(r"%(?:struct|union)\.anon(?:\.\d+)?\b")


def name_nameless(text):
    """Name structures without a name by what they hold, so that one of a header
    is the same in all modules, and no two are confused."""
    held = {m[1]: m[2] for m in re.finditer(
        r"^(%(?:struct|union)\.anon(?:\.\d+)?) = type (.*)$", text, re.M)}
    known = {}

    def name(found):
        if found[0] not in known:
            body = NAMELESS.sub(name, held[found[0]])
            digest = hashlib.sha1(body.encode()).hexdigest()[:12]
            known[found[0]] = f"%struct.of_{digest}"
        return known[found[0]]
    return NAMELESS.sub(name, text)


class Function:
    """One function: parameters, blocks {label: [instruction]}, successors."""

    def __init__(self, name, file, params):
        self.name, self.file, self.params = name, file, params
        self.blocks, self.succ, self.defs = {}, {}, {}
        self.lines = []
        self.noreturn = False

    def __repr__(self):
        return self.name


class Call:
    """A call: its target (a value), arguments, line."""

    __slots__ = ("dest", "target", "args", "line", "noreturn", "key")

    def __init__(self, dest, target, args, line):
        self.dest, self.target, self.args, self.line = dest, target, args, line
        self.key = None


class Module:
    """One file's IR."""

    def __init__(self, path, file):
        self.file = file
        self.structs, self.globals, self.functions = {}, {}, {}
        self.aliases = {}
        self.views = set()  # (global, type that its address is cast to)
        self.local = set()
        self.sections = {}
        self.lines = {}
        self.asm = []
        text = name_nameless(path.read_text())
        self.find_local(text)
        self.read_metadata(text)
        self.read(text.split("\n"))

    # ---- Names ----

    def find_local(self, text):
        for m in re.finditer(r"^(@[^ ]+) = (?:private|internal)", text, re.M):
            self.local.add(m[1])
        for m in re.finditer(r"^define (?:internal|private)[^@]*"
                             r'(@(?:"[^"]*"|[\w.$-]+))', text, re.M):
            self.local.add(m[1])

    def symbol(self, name):
        plain = name[1:].strip('"')
        return f"{self.file}:{plain}" if name in self.local else plain

    # ---- Lines: !dbg !N to (file, line), the outermost of inlined ----

    def read_metadata(self, text):
        files = dict(re.findall(r'^(!\d+) = !DIFile\(filename: "([^"]*)"', text,
                                re.M))
        scopes = {}
        for m in re.finditer(r"^(!\d+) = (?:distinct )?!DI(?:Subprogram|"
                             r"LexicalBlock(?:File)?)\((.*)\)$", text, re.M):
            f = re.search(r"file: (!\d+)", m[2])
            scopes[m[1]] = files.get(f[1], "?") if f else "?"
        for m in re.finditer(r"^(!\d+) = (?:distinct )?!DILocation\(line: (\d+)"
                             r"(?:, column: \d+)?, scope: (!\d+)", text, re.M):
            self.lines[m[1]] = (scopes.get(m[3], self.file), int(m[2]))

    # ---- Values ----

    def value(self, s, i):
        """The value at i of s: (value, place after it)."""
        while s[i] == " ":
            i += 1
        c = s[i]
        if c in "@%":
            m = SYMBOL.match(s, i)
            if c == "@":
                return ("g", self.symbol(m[1])), m.end()
            return ("l", m[1]), m.end()
        if c.isdigit() or c == "-":
            m = INTEGER.match(s, i)
            return ("c", int(m[0])), m.end()
        if c in "[{<":
            end = bracket_end(s, i)
            inner = s[i + 1:end - 1]
            if s.startswith("<{", i):
                inner = s[i + 2:end - 2]
            return ("agg", None, [self.typed(p) for p in split_top(inner)]), end
        m = WORD.match(s, i)
        if not m:
            return ("?",), i + 1
        word = m[0]
        i = m.end()
        if word in ("null", "undef", "poison", "zeroinitializer", "false"):
            return ("c", 0), i
        if word == "true":
            return ("c", 1), i
        if s.startswith('c"', m.start()) or word == "c":
            return ("?",), s.index('"', i + 1) + 1
        open_at = s.find("(", i)
        end = bracket_end(s, open_at)
        inner = s[open_at + 1:end - 1]
        if word == "getelementptr":
            return self.gep(inner), end
        if word in ("bitcast", "inttoptr", "ptrtoint", "addrspacecast",
                    "trunc", "zext"):
            te = type_end(inner, 0)
            v, at = self.value(inner, te)
            if v[0] == "g" and inner[at:].startswith(" to %struct."):
                self.views.add((v[1], inner[at + 4:].strip()))
            return ("cast", inner[:te].strip(), v), end
        return ("?",), end

    def typed(self, s):
        """(type, value) of `type attributes value`."""
        te = type_end(s, 0)
        i = te
        while True:
            m = ATTRIBUTE.match(s, i)
            if not m:
                break
            i = m.end()
        if not s[i:].strip():
            return s[:te].strip(), ("?",)
        if s[:te].strip() == "metadata":
            return "metadata", ("?",)
        return s[:te].strip(), self.value(s, i)[0]

    def gep(self, s):
        parts = split_top(s)
        _, base = self.typed(parts[1])
        idx = tuple(self.typed(re.sub(r"^ *inrange", "", p))[1]
                    for p in parts[2:])
        return ("gep", parts[0].strip(), base, idx)

    # ---- Top level ----

    def read(self, lines):
        n, i = len(lines), 0
        while i < n:
            s = lines[i]
            i += 1
            if s.startswith("%"):
                m = re.match(r'(%(?:"[^"]*"|[\w.$-]+)) = type (.*)', s)
                body = m[2].strip()
                if body != "opaque":
                    if body.startswith("<"):
                        body = body[1:-1]
                    self.structs[bare(m[1])] = [
                        p.strip() for p in split_top(body[1:-1])]
            elif s.startswith("@"):
                self.read_global(s)
            elif s.startswith("define "):
                start = i
                while lines[i] != "}":
                    i += 1
                self.read_function(s, lines[start:i])
            elif s.startswith("module asm"):
                self.asm.append(s)

    def read_global(self, s):
        m = SYMBOL.match(s)
        name = self.symbol(m[1])
        g = re.search(r" (?:global|constant) ", s)
        if not g:
            a = re.search(r" alias .*, .* (@[\w.$-]+)$", s)
            if a:
                self.aliases[name] = self.symbol(a[1])
            return
        te = type_end(s, g.end())
        type_ = s[g.end():te].strip()
        section = re.search(r', section "([^"]*)"', s)
        if " external " in s[:g.start() + 1]:
            self.views.add((name, type_ + "*"))
            return
        v, _ = self.value(s, te)
        self.globals[name] = (type_, v)
        if section:
            self.sections.setdefault(section[1], []).append(name)

    def read_function(self, head, body):
        m = re.search(r'(@(?:"[^"]*"|[\w.$-]+))\(', head)
        end = bracket_end(head, m.end() - 1)
        params = []
        for p in split_top(head[m.end():end - 1]):
            r = re.search(r'(%(?:"[^"]*"|[\w.$-]+)) *$', p)
            if r:
                params.append(r[1])
        f = Function(self.symbol(m[1]), self.file, params)
        d = re.search(r"!dbg (!\d+)", head)
        f.dbg = d[1] if d else None
        label = f"%{len(params)}"
        block, succ = [], []
        f.entry = label
        f.blocks[label], f.succ[label] = block, succ
        i, n = 0, len(body)
        while i < n:
            s = body[i]
            i += 1
            if not s or s[0] == ";":
                continue
            if s[0] != " ":
                m = re.match(r'("[^"]*"|[\w.$-]+):', s)
                label = "%" + m[1].strip('"')
                block, succ = [], []
                f.blocks[label], f.succ[label] = block, succ
                continue
            if s.startswith("  switch"):
                while not body[i].startswith("  ]"):
                    s += body[i]
                    i += 1
                s += body[i]
                i += 1
            self.instruction(f, s.strip(), block, succ)
        self.functions[f.name] = f

    # ---- Instructions ----

    def instruction(self, f, s, block, succ):
        m = re.search(r", !dbg (!\d+)", s)
        line = self.lines.get(m[1]) if m else None
        cut = s.find(", !")
        if cut >= 0:
            s = s[:cut]
        dest = None
        if s[0] == "%":
            dest, s = s.split(" = ", 1)
        op = s.split(" ", 1)[0]
        if op in ("tail", "musttail", "notail"):
            s = s.split(" ", 1)[1]
            op = "call"
        if op == "call":
            self.call(f, dest, s, block, line)
        elif op in ("br", "switch"):
            succ.extend(re.findall(r'label (%(?:"[^"]*"|[\w.$-]+))', s))
            if op == "br":
                m = re.match(r"br i1 (%\S+),", s)
                block.append(("br", m[1] if m else None))
            else:
                m = re.match(r"switch i\d+ (%\S+),", s)
                block.append(("switch", m and m[1], re.findall(
                    r"i\d+ (-?\d+), label (%\S+)", s)))
        elif op == "ret":
            block.append(("ret", None if s.startswith("ret void")
                          else self.typed(s[4:])[1]))
        elif op == "load":
            parts = split_top(re.sub(r"^load (atomic )?(volatile )?", "", s))
            f.defs[dest] = ("load", self.typed(parts[1]))
        elif op == "store":
            parts = split_top(re.sub(r"^store (atomic )?(volatile )?", "", s))
            v = self.typed(parts[0])
            if v[1][0] != "c" or "*" in v[0]:
                block.append(("store", v, self.typed(parts[1])))
        elif op == "getelementptr":
            f.defs[dest] = ("value", self.gep(
                re.sub(r"^getelementptr (inbounds )?", "", s)))
        elif op in ("bitcast", "inttoptr", "ptrtoint", "freeze", "zext",
                    "sext", "trunc"):
            t, v = self.typed(s.split(" ", 1)[1])
            f.defs[dest] = ("value", ("cast", t, v), op)
        elif op == "phi":
            te = type_end(s, 4)
            vals, preds = [], []
            for m in re.finditer(r"\[ (.*?), (%(?:\"[^\"]*\"|[\w.$-]+)) \]",
                                 s[te:]):
                vals.append(self.value(m[1], 0)[0])
                preds.append(m[2])
            f.defs[dest] = ("phi", s[4:te].strip(), vals, preds)
        elif op == "select":
            parts = split_top(s[7:])
            f.defs[dest] = ("select", self.typed(parts[1])[0],
                            [self.typed(p)[1] for p in parts])
        elif op == "alloca":
            f.defs[dest] = ("alloca", s[7:type_end(s, 7)].strip())
        elif op == "cmpxchg" or op == "atomicrmw":
            parts = split_top(re.sub(r"^(cmpxchg|atomicrmw) (weak )?(volatile )?"
                                     r"([a-z]+ )?(?=[i%{])", "", s))
            try:
                block.append(("store", self.typed(parts[-1 if op == "atomicrmw"
                              else 2].split(" acq")[0].split(" seq")[0]),
                              self.typed(parts[0])))
            except (IRError, IndexError):
                pass
            f.defs[dest] = ("other", s)
        elif op in ("and", "or", "xor", "add", "sub", "mul"):
            parts = split_top(re.sub(r"^\w+ (nuw |nsw )*", "", s))
            f.defs[dest] = ("binary", op, self.typed(parts[0])[1],
                            self.value(parts[1], 0)[0])
        elif op == "icmp":
            parts = split_top(s)
            t, a = self.typed(parts[0].split(" ", 2)[2])
            f.defs[dest] = ("icmp", s.split(" ", 2)[1], a,
                            self.value(parts[1], 0)[0])
        elif dest:
            f.defs[dest] = ("other", s)

    def call(self, f, dest, s, block, line):
        i = 5
        while True:
            m = re.match(r" *(?:fastcc|ccc|coldcc)(?= )", s[i:])
            if m:
                i += m.end()
                continue
            m = ATTRIBUTE.match(s, i)
            if not m:
                m = re.match(r" *range\([^)]*\)", s[i:])
                if m:
                    i += m.end()
                    continue
                break
            i = m.end()
        te = type_end(s, i)
        rest = s[te:].lstrip()
        if rest.startswith("asm"):
            m = re.match(r'asm (?:sideeffect )?(?:alignstack )?(?:inteldialect )?'
                         r'"((?:[^"\\]|\\.)*)"', rest)
            block.append(("asm", m[1] if m else rest, line))
            if dest:
                f.defs[dest] = ("other", "asm")
            return
        target, j = self.value(rest, 0)
        name = target[1] if target[0] == "g" else ""
        if name.startswith("llvm."):
            if dest:
                f.defs[dest] = ("intrinsic", name, [self.typed(p) for p in split_top(
                    rest[j + 1:bracket_end(rest, j) - 1])])
            return
        args = [self.typed(p) for p in
                split_top(rest[j + 1:bracket_end(rest, j) - 1])]
        c = Call(dest, target, args, line)
        if dest:
            f.defs[dest] = ("call", c)
        block.append(c)
