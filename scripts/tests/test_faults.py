"""Disks that fail at the n-th command: a sample of what scripts/faults runs."""

import random

import pytest
from conftest import needs_user_space

from hardtack import faults

SAMPLE = {"q35": 5 * faults.MACHINES["q35"], "pc": 4 * faults.MACHINES["pc"]}
# The commands that each workload has at least.
LEAST = {"read": 15, "write": 8, "flush": 3}


def sample(board):
    """Some of all faults, by a seed; the same each time."""
    rng = random.Random(6)
    return [faults.Fault(rng.randrange(len(faults.WORKLOADS)), kind,
                         rng.randrange(1, LEAST[kind] + 1),
                         rng.choice(faults.MODES))
            for kind in rng.choices(list(LEAST), k=SAMPLE[board])]


@needs_user_space
@pytest.mark.parametrize("board", SAMPLE)
def test_faults(tmp_path, board):
    """No error is lost, told twice or told for nothing; nothing hangs, leaks or
    damages the file system; what was acknowledged is there."""
    faults.environment()
    base = faults.make_base(tmp_path / "base")
    wrong, hit, errors = [], 0, 0
    for some in faults.chunks(sample(board), faults.MACHINES[board]):
        for result in faults.Machine(tmp_path, some, board, False).run(base):
            hit += result.hit()
            errors += any(result.calls())
            wrong += [f"{faults.name(result.fault)}: {text}"
                      for text in result.complaints()]
    assert not wrong
    # The faults are there, and the kernel could not mend all of them.
    assert hit >= SAMPLE[board] // 3
    assert errors >= SAMPLE[board] // 5


@needs_user_space
def test_judge_sees_what_is_lost(tmp_path):
    """A file that was synced and is not there is complained of."""
    faults.environment()
    base = faults.make_base(tmp_path / "base")
    result, = faults.Machine(tmp_path, [faults.NONE], debug=False).run(base)
    assert result.complaints() == []
    faults.make_base(result.image)
    assert any("is not what was synced" in text
               for text in result.complaints())
