"""Names of addresses in a kernel image, by nm."""

import bisect
import functools
import subprocess


@functools.lru_cache(maxsize=8)
def _table(kernel):
    """Sorted addresses and their names."""
    try:
        out = subprocess.run(["nm", "-n", str(kernel)], capture_output=True,
                             text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return [], []
    rows = [line.split() for line in out.splitlines()]
    rows = [(int(r[0], 16), r[2]) for r in rows
            if len(r) == 3 and r[1] in "tTwW"]
    return [r[0] for r in rows], [r[1] for r in rows]


def name(kernel, address):
    """An address as text: "symbol+0xoffset (0xaddress)" where one is known."""
    starts, names = _table(kernel)
    i = bisect.bisect_right(starts, address) - 1
    if i < 0 or address - starts[i] > 1 << 20:
        return f"{address:#x}"
    return f"{names[i]}+{address - starts[i]:#x} ({address:#x})"
