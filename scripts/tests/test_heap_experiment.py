"""Good citizens beside hogs: no hog of any kind costs them a call."""

import re

import pytest
from hardtack import hogs

REPORT = """\
run pipes seed 3
heap-before pages: max 420 used 26 reserved 32
heap-before waits 0 evictions 0 kills 0
hog pid 29 from 50 taken 1173 refused 0 errno 0 gone 70 signal 9
citizen 0 pid 3 rounds 15 failures 1 signal 0
citizen 1 pid 4 rounds 15 failures 0 signal 9
before calls 13037 p50 992 p99 327680 max 714540
during calls 17563 p50 992 p99 327680 max 1364307
slowest waitpid(pid, &status, 0)
failure 59 error 0 status == W_EXITCODE(expected, 0)
rounds 48 53 51
heap-after pages: max 420 used 58 reserved 32
heap-after waits 35 evictions 7 kills 2
heap-after shortages 2 last 5 longest 11000000 total 70 waiting 1
end 120 stuck 1 hogs 1
run locks seed 3
"""
LOG = """\
proc: kernel heap is short: ending citizen (pid 9)
proc: kernel heap is short: ending hog (pid 29)
"""


def test_a_report_is_understood():
    pipes, locks = hogs.parse("gate", REPORT, LOG)
    assert (pipes.kind, pipes.seed, pipes.ended) == ("pipes", 3, True)
    assert (pipes.hog_from_ms, pipes.hog_gone_ms, pipes.taken) == (50, 70, 1173)
    assert pipes.rounds == [48, 53, 51]
    assert pipes.victims == [["citizen", 9], ["hog", 29]]
    assert pipes.count("waits") == 35
    assert pipes.during["max"] == 1364307
    assert (locks.kind, locks.ended) == ("locks", False)


@pytest.mark.parametrize("what", [
    "1 citizens were ended", r"the kernel ended \[\['citizen', 9\]\]",
    "1 calls failed", "1 citizens never came back", "could not be ended",
    "1 calls still wait", "recovery: 11.0 ms", "locks, seed 3: no report"])
def test_a_bar_that_is_passed_is_told(what):
    assert any(re.search(what, text) for text in
               hogs.bars(hogs.parse("gate", REPORT, LOG)))
