"""Functions by name: where their bodies are, taking them out, putting them in.

A body is what stands from the line that is `{` after the function's head to
its closing `}`, as universal-ctags finds them. Nothing in the source marks it.
"""

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


def _span(text, name):
    try:
        return spans(text)[name]
    except KeyError as error:
        raise UserError(f"there is no function {name}") from error


def head(text, name):
    """The head of a function: name and parameters, without layout."""
    span = _span(text, name)
    return " ".join(" ".join(text.split("\n")[span.head:span.begin]).split())


def body(text, name):
    """The lines of a function's body, braces included."""
    span = _span(text, name)
    return "\n".join(text.split("\n")[span.begin:span.end])


def replace(text, name, new):
    """The text with another body in a function."""
    span = _span(text, name)
    lines = text.split("\n")
    return "\n".join(lines[:span.begin] + new.split("\n") + lines[span.end:])


def cut(text, stubs, names):
    """The text with the bodies of the named functions taken from `stubs`."""
    for name in names:
        if head(text, name) != head(stubs, name):
            raise UserError(
                f"the stub of {name} is for another head:\n"
                f"    source: {head(text, name)}\n"
                f"    stub:   {head(stubs, name)}")
        text = replace(text, name, body(stubs, name))
    return text


def fill(text, source, names):
    """The text with the bodies of the named functions taken from `source`."""
    for name in names:
        text = replace(text, name, body(source, name))
    return text


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
