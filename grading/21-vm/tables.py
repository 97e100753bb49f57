"""Page tables as the processor sees them: the host walks them by itself, in
the guest's memory. Intel SDM vol. 3A, 4.5."""

import struct

from grading.machine import DIRECT_MAP, BadAddress
from grading.pages import PAGE
from grading.points import expect, require

P, W, U, A, D, NX = 1, 2, 4, 0x20, 0x40, 1 << 63
ADDR = 0x000ffffffffff000
TABLE_RIGHTS = P | W | U
USER_TOP = 0x7ffffffff000


def span(level):
    """Bytes that one entry of a table of a level maps; level 0: one byte."""
    return 1 << (12 + 9 * (level - 1))


def index(va, level):
    """The slot of an address in a table of a level."""
    return va >> (12 + 9 * (level - 1)) & 511


def signed(value):
    """What a call returned: a number, or -errno."""
    return value - (1 << 64) if value >= 1 << 63 else value


class Table:
    """A tree of tables in guest memory, as it is right now.

    tables: {(level, first address): physical address}; entries: {address:
    level-1 entry that is not zero}.
    """

    def __init__(self, kernel, root):
        self.kernel = kernel
        self.tables, self.entries, self.inner = {}, {}, {}
        if not root:
            raise BadAddress("a root table at address 0")
        self._walk(root - DIRECT_MAP, 4, 0)

    def _walk(self, at, level, base):
        if at in self.tables.values():
            require(False, "page-table pages", "each in one place",
                    f"the one at {at:#x} in two")
        self.tables[level, base] = at
        words = struct.unpack("<512Q", self.kernel.machine.read(
            DIRECT_MAP + at, PAGE))
        for i, entry in enumerate(words[:256] if level == 4 else words):
            if not entry:
                continue
            va = base + i * span(level)
            if level == 1:
                self.entries[va] = entry
            else:
                self.inner[level, va] = entry
                self._walk(entry & ADDR, level - 1, va)

    def check_rights(self):
        """Tables allow all; it is the last entry that says what is allowed."""
        for (level, va), entry in self.inner.items():
            expect(f"rights in the entry of level {level} for {va:#x}",
                   f"{entry & ~ADDR & ~A:#x}", f"{TABLE_RIGHTS:#x}",
                   "TABLE_RIGHTS, and no more")

    def address(self, va):
        """Where the level-1 entry of an address is; None: no table."""
        table = self.tables.get((1, va & -span(2)))
        return table and DIRECT_MAP + table + 8 * index(va, 1)


def tables_for(addresses):
    """{(level, first address)} of the tables that addresses need."""
    return {(level, va & -span(level + 1) if level < 4 else 0)
            for va in addresses for level in (1, 2, 3, 4)}


def scattered(rng, count):
    """Addresses of pages that share some of their tables: not in order."""
    tops = [0, 255] + rng.sample(range(1, 255), 2)
    found = set()
    while len(found) < count:
        va = rng.choice(tops) << 39
        va |= rng.choice((0, 1, 300, 511)) << 30
        va |= rng.choice((0, 1, 77, 510, 511)) << 21
        va |= rng.choice((0, 511, rng.randrange(512))) << 12
        if va < USER_TOP:
            found.add(va)
    found = list(found)
    rng.shuffle(found)
    return found
