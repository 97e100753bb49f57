"""Functions by name: where their bodies are, taking them out, putting them in.

A body is what stands from the line that is `{` after the function's head to
its closing `}`, as universal-ctags finds them; in assembly, what follows the
line FUNCTION(name) up to an empty line. Nothing in the source marks it.
"""

import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from .lab import UserError


@dataclass(frozen=True)
class Span:
    """Line numbers (from 0) of a function: its head from the name's line on,
    its body from `{` to `}`, the last one excluded."""

    head: int
    begin: int
    end: int


def spans(text):
    """{function: Span} of a source text, in C or assembly."""
    return assembly_spans(text) or c_spans(text)


def assembly_spans(text):
    """{function: Span} of an assembly text; empty for C."""
    found, lines = {}, text.split("\n")
    for i, line in enumerate(lines):
        if head := re.fullmatch(r"FUNCTION\((\w+)\)", line):
            found[head[1]] = Span(i, i + 1, lines.index("", i))
    return found


def c_spans(text):
    """{function: Span} of a C source text."""
    with tempfile.NamedTemporaryFile("w", suffix=".c") as file:
        file.write(text)
        file.flush()
        try:
            out = subprocess.run(
                ["ctags", "-x", "--languages=C", "--kinds-C=f",
                 "--fields=+ne", "--_xformat=%N\t%n\t%{end}", file.name],
                check=True, capture_output=True, text=True).stdout
        except FileNotFoundError as error:
            raise UserError("cutting labs needs ctags: type `apt-get install "
                            "universal-ctags`") from error
    lines = text.split("\n")
    found = {}
    for row in out.splitlines():
        name, head, end = row.split("\t")
        if not end.isdigit():
            continue
        begin = int(head) - 1
        while lines[begin] != "{" and begin < int(end):
            begin += 1
        found[name] = Span(int(head) - 1, begin, int(end))
    return found


class Text:
    """A source text and where its functions are."""

    def __init__(self, text):
        self.text = text
        self.lines = text.split("\n")
        self._spans = spans(text)

    def span(self, name):
        """Where a function is; UserError where there is none."""
        try:
            return self._spans[name]
        except KeyError as error:
            raise UserError(f"there is no function {name}") from error

    def head(self, name):
        """The head of a function: name and parameters, without layout."""
        span = self.span(name)
        return " ".join(" ".join(self.lines[span.head:span.begin]).split())

    def body(self, name):
        """The lines of a function's body, braces included."""
        span = self.span(name)
        return "\n".join(self.lines[span.begin:span.end])

    def replaced(self, bodies):
        """The text with other bodies: {function: lines}."""
        lines = list(self.lines)
        for name in sorted(bodies, key=lambda n: -self.span(n).begin):
            span = self.span(name)
            lines[span.begin:span.end] = bodies[name].split("\n")
        return "\n".join(lines)


def cut(text, stubs, names):
    """The text with the bodies of the named functions taken from `stubs`."""
    text, stubs = Text(text), Text(stubs)
    for name in names:
        if text.head(name) != stubs.head(name):
            raise UserError(
                f"the stub of {name} is for another head:\n"
                f"    source: {text.head(name)}\n"
                f"    stub:   {stubs.head(name)}")
    return text.replaced({name: stubs.body(name) for name in names})


def fill(text, source, names):
    """The text with the bodies of the named functions taken from `source`."""
    source = Text(source)
    return Text(text).replaced({name: source.body(name) for name in names})


def telling_lines(text):
    """Lines of code that would give something away: no brace or comment
    alone, no short word; without their layout."""
    lines = set()
    for line in text.split("\n"):
        line = " ".join(line.split())
        if len(line) >= 12 and not line.startswith(("/*", "*", "//")):
            lines.add(line)
    return lines


def source(path):
    """A file's text; UserError where it cannot be read."""
    try:
        return Path(path).read_text()
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error
