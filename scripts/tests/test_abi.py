"""The ABI tests: the same program passes on the Linux host and on Hardtack.

Each is a static program that exits 0 if the calls it makes behave as Linux's
(77: cannot be tried here). All of them run in one boot.
"""

import subprocess

import pytest
from conftest import ROOT, Guest, needs_user_space

TESTS = ROOT / "build/user/tests"
NAMES = sorted(p.name for p in TESTS.glob("*")
               if p.is_file() and p.stat().st_mode & 0o100)
SKIP = 77


@pytest.mark.parametrize("name", NAMES)
def test_on_linux(name, tmp_path):
    done = subprocess.run([TESTS / name], cwd=tmp_path, timeout=60,
                          stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, check=False)
    if done.returncode == SKIP:
        pytest.skip(done.stdout[-500:])
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


@pytest.fixture(scope="module", params=["release", "debug"])
def results(request, tmp_path_factory):
    """Status and output of every test, from one boot."""
    guest = Guest(tmp_path_factory.mktemp("abi"),
                  *["--debug"] * (request.param == "debug"))
    for name in NAMES:
        guest.add(name, f"exec /usr/lib/hardtack/tests/{name}")
    return guest.run(), guest


@needs_user_space
@pytest.mark.parametrize("name", NAMES)
def test_on_hardtack(name, results):
    table, guest = results
    assert name in table, ("did not end; the kernel's last words:\n"
                           + guest.log[-3000:])
    status, output = table[name]
    if status == SKIP:
        pytest.skip(output[-500:])
    assert status == 0, output[-3000:]
