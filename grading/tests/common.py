"""What the tests of the graders' own parts have in common."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]
sys.dont_write_bytecode = True

from grading import lab as labs  # noqa: E402


@pytest.fixture
def mem():
    """Lab mem: every tree has it."""
    return labs.load("mem")
