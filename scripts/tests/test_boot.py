"""One image, three ways to boot it."""

import re

import pytest
from conftest import ROOT, needs_user_space, run_tool
from hardtack import tree

WAYS = {
    "PVH, q35": [],
    "PVH, pc": ["--machine", "pc"],
    "GRUB, q35": ["--iso"],
    "GRUB, pc": ["--iso", "--machine", "pc"],
    "GRUB, Bochs": ["--bochs", "--smp", "1"],
    "GRUB, Bochs, 2 CPUs": ["--bochs", "--smp", "2"],
}


@pytest.mark.parametrize("way", WAYS)
def test_selftests(way):
    done = run_tool("--selftest", *WAYS[way])
    assert done.returncode == 0, done.stderr[-3000:]
    assert re.search(r"^selftest: \d+ passed, 0 failed$", done.stderr, re.M)
    loader = "PVH" if way.startswith("PVH") else "multiboot2"
    assert f"boot: {loader}" in done.stderr


@needs_user_space
@pytest.mark.parametrize("way", WAYS)
def test_command(way):
    done = run_tool(*WAYS[way], "--", "/bin/sh", "-c", "echo $((6*7)); exit 9")
    assert done.stdout == "42\n", done.stderr[-3000:]
    assert done.returncode == 9


def test_an_old_cpu():
    """One without most of what `max` has, which is the default."""
    done = run_tool("--selftest", "--cpu", "qemu64")
    assert done.returncode == 0, done.stderr[-3000:]


def test_icount_repeats_to_the_byte():
    logs = [run_tool("--selftest", "--icount", "--smp", 1).stderr
            for _ in "ab"]
    assert logs[0] == logs[1]


@pytest.mark.parametrize("build", ["release-clang", "debug-clang"])
def test_the_other_compiler_s_kernel(build):
    kernel = ROOT / "build" / build / tree.kernel_image().name
    if not kernel.exists():
        pytest.skip(f"not built: {kernel.relative_to(ROOT)}")
    done = run_tool("--selftest", "--kernel", kernel)
    assert done.returncode == 0, done.stderr[-3000:]


NOISY_INIT = """#!/bin/sh
for i in 1 2 3 4 5 6; do
	while :; do echo text of others >/dev/kmsg; : >/tmp/$i; done &
done
until [ "$(echo /tmp/*)" = "/tmp/1 /tmp/2 /tmp/3 /tmp/4 /tmp/5 /tmp/6" ]; do :; done
"""


@needs_user_space
def test_a_panic_is_reported_in_one_piece(tmp_path):
    """What other CPUs log meanwhile is not between its lines."""
    init = tmp_path / "init"
    init.write_text(NOISY_INIT)
    init.chmod(0o755)
    done = run_tool("--put", f"{init}:/noisy", "--append", "init=/noisy",
                    "--", "true")
    assert done.returncode == 125
    log = done.stderr
    report = log[log.index("\npanic: init exited"):log.index("panic: end")]
    assert "text of others" in log and "text of others" not in report
    assert report.count("\ncpu ") == 4
