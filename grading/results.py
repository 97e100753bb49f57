"""What grading found out: one schema, from which all reports are made.

`Report.data()` is the schema, version 1, as plain data:

    version, lab, title, submission, seed, score, max_score, complete,
    notes: [text], tests: [{name, title, exercise, points, max_points, kind,
    what, expected, seen, hint, rule, see: [text], again, console, seconds}]

kind is "passed", or why the points are lost: "wrong" (a value), "build",
"panic", "hang", "triple", "reset", "flood", "off", "backstop" (the host),
"grader" (the grader itself failed), or "not run".
"""

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

VERSION = 1
NOT_RUN, PASSED, WRONG, BUILD, GRADER = (
    "not run", "passed", "wrong", "build", "grader")
HOST = (GRADER, "backstop")         # not the submission's fault


@dataclass
class Test:
    """One test of one submission."""

    name: str
    title: str
    exercise: int
    max_points: int
    rule: str = ""
    see: list = field(default_factory=list)
    kind: str = NOT_RUN
    what: str = ""              # what was looked at
    expected: str = ""
    seen: str = ""
    hint: str = ""
    again: str = ""             # the command that repeats it
    console: str = ""           # the kernel's last lines
    seconds: float = 0.0

    @property
    def points(self):
        """What it brings."""
        return self.max_points if self.kind == PASSED else 0


@dataclass
class Report:
    """All tests of one submission."""

    lab: str
    title: str
    submission: str
    seed: int
    exercises: dict = field(default_factory=dict)   # number -> title
    tests: list = field(default_factory=list)
    notes: list = field(default_factory=list)

    @property
    def score(self):
        """The points of all tests."""
        return sum(t.points for t in self.tests)

    @property
    def max_score(self):
        """What they could have been."""
        return sum(t.max_points for t in self.tests)

    @property
    def complete(self):
        """Whether every test has been judged."""
        return bool(self.tests) and not any(
            t.kind in (NOT_RUN, *HOST) for t in self.tests)

    def data(self):
        """The schema as plain data."""
        return {
            "version": VERSION, "lab": self.lab, "title": self.title,
            "submission": self.submission, "seed": f"{self.seed:#x}",
            "score": self.score, "max_score": self.max_score,
            "complete": self.complete, "notes": self.notes,
            "exercises": {str(n): t for n, t in self.exercises.items()},
            "tests": [asdict(t) | {"points": t.points} for t in self.tests]}

    @staticmethod
    def from_data(data):
        """The inverse of data()."""
        if data.get("version") != VERSION:
            raise ValueError("results of another version")
        tests = [Test(**{k: v for k, v in t.items() if k != "points"})
                 for t in data["tests"]]
        return Report(data["lab"], data["title"], data["submission"],
                      int(data["seed"], 16),
                      {int(n): t for n, t in data["exercises"].items()},
                      tests, data["notes"])


def write(path, text):
    """Replace a file at once: a reader never sees half of it."""
    path = Path(path)
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    scratch.write_text(text)
    scratch.replace(path)


def to_json(report):
    """The schema as JSON text."""
    return json.dumps(report.data(), indent=1) + "\n"
