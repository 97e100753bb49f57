"""Crash states, a small number of those that `make crash` tries; what they
promise is said in crash_run.py."""

import pytest

import crash_mutants
import crash_run


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("crash")


@pytest.fixture(scope="module")
def program(folder):
    return crash_run.build(folder / "host")


def test_crash_states(program, folder):
    """5000 states of workloads of all kinds, sanitizers on: recovered whole, by
    us and by e2fsck, to what was there after some call, all that was synced
    among it."""
    results, images = crash_run.run_kinds(
        program, folder, crash_run.KINDS, limit=2, e2fsck=4)
    assert all(r.ok for r in results), [r.text for r in results if not r.ok]
    assert images >= 5000
    assert sum(r.counts["workloads"] for r in results) > 1600
    assert sum(r.counts["torn"] for r in results) > 500
    assert sum(r.counts["recoveries cut"] for r in results) > 20


@pytest.fixture(scope="module")
def fast(folder):
    return crash_run.build(folder / "fast", fast=True).parent


@pytest.mark.parametrize("name", crash_mutants.MUTANTS)
def test_mutants_are_found_out(fast, folder, name):
    """A journal that leaves out a step, or does it too early, is found out."""
    assert crash_mutants.found_out(fast, folder, name,
                                   crash_mutants.MUTANTS[name])


@pytest.mark.parametrize("name", crash_mutants.EQUIVALENT)
def test_some_change_nothing(fast, folder, name):
    """What is said of those in crash_mutants.py is so."""
    edit = (*crash_mutants.EQUIVALENT[name], "magic*")
    assert not crash_mutants.found_out(fast, folder, name, edit)
