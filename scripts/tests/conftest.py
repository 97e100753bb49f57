"""Fixtures for the tests of the tools and, through them, of the kernel."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "scripts/tests")]


def run_tool(*argv, timeout=900, **options):
    """Run scripts/run; the finished process, its streams as text. How long it
    may take at most (wall seconds) is for a machine that hangs: hosts differ."""
    if "--timeout" not in argv:
        argv = ("--timeout", timeout - 10, *argv)
    options.setdefault("stdin", subprocess.DEVNULL)
    options.setdefault("text", True)
    return subprocess.run([str(ROOT / "scripts/run"), *map(str, argv)],
                          capture_output=True, timeout=timeout, check=False,
                          **options)


@pytest.fixture
def run():
    """scripts/run as a function: run("--smp", 1, "--", "/bin/true")."""
    return run_tool


# Files whose tests share nothing that is dear to make: they are run wherever
# there is time, at the end. The tests of the others stay together.
LOOSE = {"test_prefixes", "test_damage"}


@pytest.hookimpl(tryfirst=True)     # before xdist looks at the marks
def pytest_collection_modifyitems(items):
    """For `pytest -n N --dist loadgroup`."""
    items.sort(key=lambda item: item.path.stem in LOOSE)
    for item in items:
        if item.path.stem not in LOOSE:
            item.add_marker(pytest.mark.xdist_group(item.path.stem))


def has_user_space():
    """Whether the chapters in this tree can run a program."""
    return (any((ROOT / "kern").glob("*-exec/*.c"))
            and (ROOT / "build/user/bin/init").exists())


needs_user_space = pytest.mark.skipif(
    not has_user_space(), reason="the chapters here cannot run a program")


class Guest:
    """Many scripts in one boot: add() them all, then run() once."""

    def __init__(self, folder, *options):
        self.folder, self.options = folder, list(options)
        self.commands = {}
        self.puts = []
        self.under = []     # a program, and its arguments, that runs all

    def put(self, host, guest):
        self.puts += ["--put", f"{host}:{guest}"]

    def add(self, name, command):
        """command: text for the guest's sh; runs in a folder of its own."""
        self.commands[name] = command

    def run(self, timeout=600):
        """{name: (status, output)}; a name that is missing did not end."""
        lines = ["export PATH=/bin:/sbin:/usr/bin:/usr/sbin"]
        for number, (name, command) in enumerate(self.commands.items()):
            script = self.folder / f"t{number}.sh"
            script.write_text(command + "\n")
            self.put(script, f"/.test/t{number}.sh")
            lines += [f"mkdir -p /tmp/t{number}; cd /tmp/t{number}",
                      f"echo '@@begin {name}'",
                      f"sh /.test/t{number}.sh </dev/null 2>&1",
                      f"echo \"@@end {name} $?\""]
        lines += ["cd /", "rm -r /tmp/t[0-9]*"]
        batch = self.folder / "batch.sh"
        batch.write_text("\n".join(lines) + "\n")
        self.put(batch, "/.test/batch.sh")
        self.done = run_tool(*self.options, *self.puts, "--timeout", timeout,
                             "--", *self.under, "/bin/sh", "/.test/batch.sh",
                             timeout=timeout + 30, text=False)
        self.log = self.done.stderr.decode(errors="replace")
        return self._results(self.done.stdout.decode(errors="replace"))

    @staticmethod
    def _results(text):
        results = {}
        for part in text.split("@@begin ")[1:]:
            name, _, rest = part.partition("\n")
            output, end, tail = rest.partition(f"@@end {name} ")
            if end:
                results[name] = (int(tail.split()[0]), output)
        return results


@pytest.fixture
def guest(tmp_path):
    """A maker of Guests: guest("--smp", 2)."""
    return lambda *options: Guest(tmp_path, *map(str, options))
