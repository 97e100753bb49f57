"""What a lab's tests are written with: points, and expectations.

    @points(8, exercise=1, rule="MEM1", see="buddy_insert in page.c")
    def test_freed_blocks_merge(boot, rng):
        '''Freed blocks merge with their buddies up to 4 MiB.'''
        kernel = boot()
        ...
        expect("blocks of 4 MiB", seen=n, wanted=14)

A test passes whole or not at all. Its doc string is its title.
"""

from dataclasses import dataclass


class Lost(Exception):
    """An expectation was not met: the test's points are lost."""

    def __init__(self, what, wanted, seen, hint=""):
        super().__init__(f"{what}: expected {wanted}, seen {seen}")
        self.what, self.wanted, self.seen = what, str(wanted), str(seen)
        self.hint = hint


@dataclass(frozen=True)
class Worth:
    """What a test is worth and where to read when it is lost."""

    points: int
    exercise: int
    rule: str
    see: str


def points(number, *, exercise, rule="", see=""):
    """Mark a test. rule: invariants of the chapter's README that it checks;
    see: where to look when it fails."""
    def mark(test):
        test.worth = Worth(number, exercise, rule, see)
        return test
    return mark


def expect(what, seen, wanted, hint=""):
    """Seen must be what is wanted: a value, or the range (least, most)."""
    if isinstance(wanted, tuple):
        least, most = wanted
        if not least <= seen <= most:
            raise Lost(what, f"{least} to {most}", seen, hint)
    elif seen != wanted:
        raise Lost(what, wanted, seen, hint)


def require(true, what, wanted, seen, hint=""):
    """A condition that is not a comparison of two values."""
    if not true:
        raise Lost(what, wanted, seen, hint)
