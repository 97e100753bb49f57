"""The instruction counts that the book's table (scripts/bench) has."""

import re
import subprocess

from conftest import ROOT


def test_calls_take_less_than_on_linux():
    """Each judged row below Linux's, their median below half: a count is the
    same in each run, whatever the host does."""
    done = subprocess.run([ROOT / "scripts/bench", "--judged"], text=True,
                          capture_output=True, timeout=900, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_page_has_every_item():
    def items(pattern, *paths):
        return {name for path in paths for name in
                re.findall(pattern, path.read_text(), re.M)}
    bench = items(r'^\t\{ "(\w+)",', *(ROOT / "user/bench").glob("*.c"))
    linux = items(r"^(\w+) +\d", ROOT / "user/bench/linux")
    assert linux <= bench
    rows = re.findall(r"^\| .* \| [\d,]+ \| [\d,]+ \| ([\d.]+) \|$",
                      (ROOT / "book/costs.md").read_text(), re.M)
    assert len(rows) == len(linux)
