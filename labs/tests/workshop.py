"""What the proofs of the labs work with: trees, gradings, mutants, fixtures."""

import contextlib
import functools
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]
sys.dont_write_bytecode = True

from grading import lab as labs  # noqa: E402
from mutants import mutants  # noqa: E402

# Gradings at a time; `pytest -n` has other labs proved meanwhile.
WORKERS = max(1, min(4, os.cpu_count() or 1) //
              int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", 1)))


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
        """The kernel itself, graded on a host that has little time for it."""
        with shared_core():
            return self.grade(ROOT, "reference")

    def grade_mutants(self):
        """{name: Graded}: each mutant on the test that it is made for."""
        def part(i):
            return subprocess.run(
                [sys.executable, str(Path(__file__).parent / "mutants.py"),
                 self.lab.name, str(self.folder / f"mutants{i}"), str(i),
                 str(WORKERS)], capture_output=True, text=True, timeout=1800,
                check=False)
        with ThreadPoolExecutor(WORKERS) as pool:
            done = list(pool.map(part, range(WORKERS)))
        return {m.name: Graded(done[i % WORKERS], self.folder /
                               f"mutants{i % WORKERS}/{m.name}.json")
                for i, m in enumerate(mutants(self.lab))}


@contextlib.contextmanager
def shared_core():
    """Keep this thread and what it starts to one core, with a busy loop."""
    cores = sorted(os.sched_getaffinity(0))
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])
    os.sched_setaffinity(0, {cores[worker % len(cores)]})
    loop = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)
        loop.kill()
        loop.wait()


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
