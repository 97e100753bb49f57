"""Run a lab's tests on a submission: a plugin of pytest, and its start.

The tests are ordinary pytest functions marked with @points (points.py). They
get two fixtures: `boot`, which boots the submission's kernel, and `rng`, the
random numbers of this test. The plugin turns what happens into results.
"""

import contextlib
import os
import random
import tempfile
import time
from pathlib import Path

import pytest

from . import (agent, host, machine, points, report, results, starter,
               submission)
from .lab import UserError

EARLY = (True, 1)               # a boot with one CPU, of the first chapters
BOOT_LIMIT_MS = 1000            # guest time until the agent answers


class Grader:
    """The pytest plugin: one submission, one lab."""

    def __init__(self, lab, result, sandbox, scratch, after=None, only=""):
        """after: called after each test. only: a part of the names to run."""
        self.lab, self.result, self.sandbox = lab, result, sandbox
        self.scratch, self.only = scratch, only
        self.after = after or (lambda test: None)
        self.kernel = self.symbols = None
        self.build_error = None
        self._no_boot = {}      # (early, smp) -> Ended: it does not boot
        self._machine = None
        self._tests = {}
        self.errors = []        # of the lab's tests themselves

    def built(self, kernel):
        """The image to test."""
        self.kernel = kernel
        self.symbols = agent.image_symbols(kernel)

    def all_tests(self):
        """Every test of the lab, whether asked for or not."""
        return self._tests.values()

    # ---- Fixtures ----

    @pytest.fixture
    def boot(self):
        """boot(smp=1, early=True, append=""): a Kernel. early: the boot ends
        behind the lab's chapter; else all CPUs run."""
        with contextlib.ExitStack() as stack:
            def start(smp=1, early=True, append=""):
                return self._boot(stack, smp, early, append)
            yield start

    def _boot(self, stack, smp, early, append):
        for sort in ((early, smp), EARLY):  # that is how every boot begins
            if sort in self._no_boot:
                raise self._no_boot[sort].again()
        words = f"agent={'early' if early else 'late'} {append}"
        m = machine.Machine(machine.Boot(self.kernel, words, smp),
                            self.sandbox, self.scratch)
        self._machine = stack.enter_context(m)
        try:
            return agent.Kernel(m, self.symbols, BOOT_LIMIT_MS)
        except machine.Ended as ended:
            self._no_boot[early, smp] = ended
            raise

    @pytest.fixture
    def host(self):
        """Programs of the host, and a folder for them."""
        with tempfile.TemporaryDirectory(dir=self.scratch.parent,
                                         prefix="host-") as folder:
            yield host.Host(self.sandbox, Path(folder))

    @pytest.fixture
    def rng(self, request):
        """This test's random numbers: they follow from the seed."""
        return random.Random(f"{self.result.seed}:{request.node.name}")

    # ---- Hooks ----

    def pytest_collection_modifyitems(self, items):
        """Make the list of tests; keep those that are asked for."""
        self.errors += [f"{item.name} has no @points" for item in items
                        if not hasattr(item.function, "worth")]
        if self.errors:
            items.clear()
        items.sort(key=lambda item: item.function.worth.exercise)
        for item in items:
            worth = item.function.worth
            name = item.name.removeprefix("test_")
            self._tests[item.name] = results.Test(
                name, first_line(item.function.__doc__), worth.exercise,
                worth.points, worth.rule, self._places(worth.see),
                again=f"make grade LAB={self.lab.name} ONLY={name} "
                f"SEED={self.result.seed:#x}")
        items[:] = [i for i in items if self.only in i.name]
        if not items and not self.errors:
            self.errors.append(f"no test's name contains '{self.only}'")
        chosen = {i.name for i in items}
        self.result.tests = [t for n, t in self._tests.items() if n in chosen]

    def pytest_collectreport(self, report):
        """Tests that cannot be loaded are an error in them."""
        if report.failed:
            self.errors.append(str(report.longrepr))

    def _places(self, see):
        """Function names, with the files they are in."""
        where = {f: path for path, f, _ in self.lab.holes()}
        words = [w.strip() for w in see.split(",") if w.strip()]
        return [f"{w} in {where[w]}" if w in where else w for w in words]

    def pytest_runtest_protocol(self, item):
        """Nothing is run when nothing was built."""
        if self.build_error is None:
            return None
        test = self._tests[item.name]
        test.kind, test.what = results.BUILD, "the compiler's output"
        test.seen = self.build_error
        self.after(test)
        return True

    def pytest_runtest_setup(self, item):
        """A new test: no machine yet."""
        self._machine, self._begin = None, time.monotonic()

    def pytest_runtest_makereport(self, item, call):
        """Turn the end of a test into its result."""
        if call.when != "call" and call.excinfo is None:
            return
        test = self._tests[item.name]
        test.seconds = round(time.monotonic() - self._begin, 2)
        if call.excinfo is None:
            test.kind = results.PASSED
        else:
            self._lost(test, call.excinfo.value)
        self.after(test)

    def _lost(self, test, error):
        """Say in the result why the points are lost."""
        console = self._machine.console() if self._machine else ""
        if isinstance(error, points.Lost):
            test.kind, test.what, test.hint = "wrong", error.what, error.hint
            test.expected, test.seen = error.wanted, error.seen
        elif isinstance(error, machine.Ended):
            test.kind, test.seen = error.kind, str(error)
            test.hint, console = error.hint, error.console
        elif isinstance(error, (machine.BadAddress, agent.Broken)):
            test.kind = "wrong"
            test.what = "that the kernel's answers make sense"
            test.seen = (f"an address outside memory: {error}" if isinstance(
                error, machine.BadAddress) else str(error))
        else:
            test.kind, test.what = results.GRADER, "nothing: an error in it"
            test.seen = f"{type(error).__name__}: {error}"
        test.console = report.tail(console)


def first_line(text):
    """The title that a doc string gives."""
    return (text or "").strip().split("\n")[0].rstrip(".")


def grade(lab, folder, base, seed=None, only="", after=None):
    """Grade one submission; a results.Report. after(report, test): called
    after each test, so that nothing is lost if grading is cut short."""
    files = submission.collect(lab, folder)
    if seed is None:
        seed = submission.seed_of(lab, files)
    result = results.Report(lab.name, lab.title, str(folder), seed,
                            {e.number: e.title for e in lab.exercises})
    result.notes = [f"{path} is not among the lab's files: your change to it "
                    "is not graded" for path in starter.changed(lab)]
    result.notes += [f"{path} is missing: the starter's is taken"
                     for path in lab.paths if path not in files]
    with tempfile.TemporaryDirectory(prefix="grade-") as scratch:
        scratch = Path(scratch)
        (scratch / "run").mkdir()
        grader = Grader(lab, result, base.sandbox, scratch / "run",
                        after and (lambda test: after(result, test)), only)
        try:
            grader.built(base.kernel(files, scratch / "tree"))
        except submission.BuildFailed as error:
            grader.build_error = str(error)
        run_pytest(lab, grader)
    check_points(lab, grader)
    return result


def run_pytest(lab, grader):
    """Run the lab's tests in this process."""
    folder = str(lab.folder("grading"))
    os.environ.pop("PYTEST_ADDOPTS", None)  # meant for a pytest around us
    status = pytest.main(
        [folder, "--rootdir", folder, "-c", "/dev/null",
         "-p", "no:cacheprovider", "-p", "no:terminal", "-p", "no:capture"],
        plugins=[grader])
    if grader.errors:
        raise UserError("\n".join(grader.errors))
    if status not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        raise UserError(f"the lab's tests cannot be run: {status!r}")


def check_points(lab, grader):
    """The tests of an exercise bring what lab.toml says."""
    for e in lab.exercises:
        total = sum(t.max_points for t in grader.all_tests()
                    if t.exercise == e.number)
        if total != e.points:
            raise UserError(f"lab {lab.name}: the tests of exercise "
                            f"{e.number} bring {total} points, lab.toml says "
                            f"{e.points}")
