"""Every prefix of the chapters boots and passes its self-tests."""

import pytest
from conftest import run_tool
from hardtack import tree


@pytest.mark.parametrize("chapter", tree.chapters())
@pytest.mark.parametrize("build,cpus", [("release", 1), ("debug", 4)])
def test_prefix(chapter, build, cpus):
    done = run_tool("--chapter", chapter, "--smp", cpus, "--selftest",
                    *["--debug"] * (build == "debug"))
    assert done.returncode == 0, done.stderr[-3000:]
