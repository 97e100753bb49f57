"""The ABI and library test programs on the host: what they expect of Hardtack
is what Linux does, and Linux is asked first. Wants root, as they do."""

import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
OTHERS = {"fuzz"}  # in user/tests/abi, but no check.h program
PROGRAMS = sorted(
    path.stem for path in [*(ROOT / "user/tests/abi").glob("*.c"),
                           ROOT / "user/tests/libc.c"]
    if path.stem not in OTHERS)
FOLDERS = {"gcc": "build/user", "clang": "build/user-clang"}

HARNESS = """
#include "check.h"
TEST(passes) { CHECK(1); CHECK_EQ(2, 2); CHECK_ERR(close(-1), EBADF); }
TEST(skips) { SKIP("no reason"); }
TEST(check_fails) { CHECK(1 == 2); }
TEST(eq_fails) { CHECK_EQ(3, 4); }
TEST(err_succeeds) { CHECK_ERR(getpid(), EBADF); }
TEST(err_is_another) { CHECK_ERR(close(-1), ENOENT); }
TEST(require_fails) { REQUIRE(0); _exit(0); }
TEST(child_fails) { CHECK_EQ(IN_CHILD(CHECK(0)), 0); }
TEST(crashes) { *(volatile int *)BAD = 1; }
TEST(user_fails) { AS_USER(CHECK(getuid() == 0)); }
"""


def make(cc, *targets):
    subprocess.run(["make", "-s", "-f", "user/user.mk", f"CC={cc}", *targets],
                   cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


@pytest.fixture(scope="session", params=sorted(FOLDERS))
def folder(request):
    make(request.param, "user")
    return ROOT / FOLDERS[request.param] / "tests"


@pytest.mark.skipif(os.geteuid() != 0, reason="the tests change users")
@pytest.mark.parametrize("program", PROGRAMS)
def test_program(folder, program):
    done = subprocess.run([folder / program], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=300)
    wrong = [line for line in done.stdout.splitlines()
             if not line.startswith("ok ")]
    assert done.returncode == 0, "\n".join(wrong)
    assert len(wrong) == 1 and wrong[0].endswith(" 0 failed")


@pytest.mark.skipif(os.geteuid() != 0, reason="the tests change users")
def test_the_harness_can_fail(tmp_path):
    make("gcc", "build/user/libc.a")
    source = tmp_path / "harness.c"
    source.write_text(HARNESS)
    builtin = subprocess.run(["gcc", "-print-file-name=include"], text=True,
                             capture_output=True, check=True).stdout.strip()
    program = tmp_path / "harness"
    subprocess.run(
        ["gcc", "-std=gnu11", "-ffreestanding", "-fno-pie",
         "-fno-stack-protector", "-nostdinc", "-isystem", builtin,
         "-Ilib/include", "-Iuser", "-Iuser/tests/abi", source, "build/user/libc.a",
         "-static", "-nostdlib", "-Wl,-u,_start", "-o", program],
        cwd=ROOT, check=True)
    done = subprocess.run([program], capture_output=True, text=True,
                          timeout=60)
    out = done.stdout.splitlines()
    assert done.returncode == 1
    assert out[-1] == "10 tests, 8 failed"
    assert "ok passes" in out and "skip skips: no reason" in out
    for name in ("check_fails", "eq_fails", "err_succeeds", "err_is_another",
                 "require_fails", "child_fails", "crashes", "user_fails"):
        assert f"FAIL {name}" in out
    assert any("close(-1) fails with 9 (Bad file descriptor), not ENOENT"
               in line for line in out)
    one = subprocess.run([program, "passes"], capture_output=True, text=True)
    assert one.returncode == 0
    assert subprocess.run([program, "no-such"]).returncode == 1
