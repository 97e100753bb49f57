"""What the proofs of the labs work with: trees, gradings, mutants, fixtures."""

import functools
import json
import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]
sys.dont_write_bytecode = True

from grading import lab as labs  # noqa: E402

# Gradings at a time; `pytest -n` has other labs proved meanwhile.
WORKERS = max(1, min(4, os.cpu_count() or 1) //
              int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", 1)))


class Mutant:
    """A wrong solution: mutants/NAME.patch, which says above the patch what
    is wrong and what it must lead to."""

    def __init__(self, lab, path):
        self.lab, self.path, self.name = lab, path, path.stem
        text = path.read_text()
        found = re.search(r"^(Fails|Ends): *(.*)$", text, re.M)
        assert found, f"{path.name} says neither Fails: nor Ends:"
        self.fails = found[2] if found[1] == "Fails" else None
        self.ends = found[2] if found[1] == "Ends" else None

    @property
    def is_row(self):
        """Whether this is one of the fixed rows, which score 0."""
        return self.ends is not None

    def write(self, folder):
        """Make the submission."""
        folder.mkdir(parents=True)
        for path in self.lab.paths:
            shutil.copy(ROOT / path, folder)
        subprocess.run(["patch", "-s", "-p1", "-d", str(folder), "-i",
                        str(self.path)], check=True)


def mutants(lab):
    """All mutants of a lab."""
    return [Mutant(lab, p) for p in
            sorted((lab.folder("labs") / "mutants").glob("*.patch"))]


class Graded:
    """What scripts/grade said."""

    def __init__(self, done, results):
        self.status, self.output = done.returncode, done.stdout + done.stderr
        self.data = json.loads(results.read_text()) if results.exists() \
            else None

    def __getitem__(self, key):
        assert self.data, self.output
        return self.data[key]

    def test(self, name):
        """The result of one test."""
        return next(t for t in self["tests"] if t["name"] == name)


class Workshop:
    """One lab's trees and gradings, kept for all tests."""

    def __init__(self, lab, folder):
        self.lab, self.folder = lab, folder
        self.cache = folder / "cache"
        self._starter = None

    @property
    def starter(self):
        """The starter tree, made by the command that students' staff use."""
        if self._starter is None:
            self._starter = self.folder / "starter"
            subprocess.run([str(ROOT / "scripts/lab"), self.lab.name,
                            str(self._starter)], check=True,
                           capture_output=True)
        return self._starter

    def grade(self, submission, name, *options):
        """Run scripts/grade on a submission."""
        results = self.folder / f"{name}.json"
        done = subprocess.run(
            [str(ROOT / "scripts/grade"), self.lab.name, str(submission), "-q",
             "--cache", str(self.cache), "--results", str(results), *options],
            capture_output=True, text=True, timeout=900, check=False)
        return Graded(done, results)

    @functools.cached_property
    def reference(self):
        """The kernel itself, graded."""
        return self.grade(ROOT, "reference")

    def grade_mutants(self):
        """{name: Graded}: each mutant on the test that it is made for."""
        def one(mutant):
            folder = self.folder / "mutants" / mutant.name
            mutant.write(folder)
            only = ["--only", mutant.fails] if mutant.fails else []
            return mutant.name, self.grade(folder, mutant.name, *only)
        self.grade(self.starter, "warm-up", "--only", "no such test")
        with ThreadPoolExecutor(WORKERS) as pool:
            return dict(pool.map(one, mutants(self.lab)))


@pytest.fixture(scope="session")
def workshops(tmp_path_factory):
    """{lab's name: Workshop}, made when first asked for."""
    class Workshops(dict):
        def __missing__(self, name):
            self[name] = Workshop(labs.load(name),
                                  tmp_path_factory.mktemp(name))
            return self[name]
    return Workshops()


@pytest.fixture(scope="session")
def mutants_graded(workshops):
    """{lab's name: {mutant's name: Graded}}."""
    class All(dict):
        def __missing__(self, name):
            self[name] = workshops[name].grade_mutants()
            return self[name]
    return All()
