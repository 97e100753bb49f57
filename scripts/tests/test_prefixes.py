"""Every prefix of the chapters boots and passes the self-tests of its last
chapter. (Those before it have passed as the last of a shorter prefix.)"""

import pytest
from conftest import ROOT, run_tool
from hardtack import tree


def last_tested(chapter):
    """The last chapter up to this one that has self-tests."""
    names = tree.chapters()
    return [name for name in names[:names.index(chapter) + 1]
            if any((ROOT / "kern").glob(f"*-{name}/test_*.c"))][-1]


@pytest.mark.parametrize("chapter", tree.chapters())
@pytest.mark.parametrize("build,cpus", [("release", 1), ("debug", 4)])
def test_prefix(chapter, build, cpus):
    done = run_tool("--chapter", chapter, "--smp", cpus,
                    "--append", f"selftest=-{last_tested(chapter)}/",
                    *["--debug"] * (build == "debug"))
    assert done.returncode == 0, done.stderr[-3000:]
