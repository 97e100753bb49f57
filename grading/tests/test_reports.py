"""One result, many reports: none loses a point or breaks its format."""

import csv
import io
import json
import xml.etree.ElementTree as xml

import common  # noqa: F401
import pytest

from grading import report, results


def example():
    """A report with a test of each sort, and nasty text."""
    r = results.Report("mem", "Pages", "alice", 0x1234, {1: "One", 2: "Two"})
    r.tests = [
        results.Test("good", "It works", 1, 12, kind="passed", seconds=0.5),
        results.Test("bad", "It fails", 1, 8, rule="MEM1", see=["f in a.c"],
                     kind="wrong", what="blocks", expected="14", seen="0",
                     hint="merge", again="make grade LAB=mem ONLY=bad",
                     console="<panic> & \x1b[31m\x00 ]]>\nlast line"),
        results.Test("boom", "It ends", 2, 5, kind="panic",
                     seen="page fault"),
        results.Test("host", "It was not judged", 2, 5, kind="backstop"),
        results.Test("later", "It was not run", 2, 5)]
    r.notes = ["kern/x.c is not among the lab's files"]
    return r


def test_score_counts_passed_tests_alone():
    assert (example().score, example().max_score) == (12, 35)


def test_incomplete_until_every_test_is_judged():
    r = example()
    assert not r.complete
    r.tests = r.tests[:3]
    assert r.complete
    r.tests = []
    assert not r.complete


def test_schema_there_and_back():
    data = json.loads(results.to_json(example()))
    assert results.Report.from_data(data).data() == data


def test_schema_of_another_version_is_refused():
    data = example().data() | {"version": 99}
    with pytest.raises(ValueError):
        results.Report.from_data(data)


def test_terminal_tells_what_was_lost():
    text = report.terminal(example())
    for wanted in ("12/12", "0/8", "expected  14", "seen      0", "MEM1",
                   "f in a.c", "make grade LAB=mem ONLY=bad", "| last line",
                   "12 of 35 points (2 tests were not judged)"):
        assert wanted in text, wanted
    assert "\x1b" not in text and "\x00" not in text


def test_gradescope():
    data = json.loads(report.gradescope(example()))
    assert data["score"] == 12
    assert [t["score"] for t in data["tests"]] == [12, 0, 0, 0, 0]
    assert data["tests"][0]["status"] == "passed"
    assert data["tests"][1]["status"] == "failed"
    assert "expected  14" in data["tests"][1]["output"]
    assert data["extra_data"]["seed"] == "0x1234"


def test_junit():
    suite = xml.fromstring(report.junit(example()))
    counts = {k: suite.get(k) for k in ("tests", "failures", "errors",
                                        "skipped")}
    assert counts == {"tests": "5", "failures": "2", "errors": "1",
                      "skipped": "1"}
    failure = suite.find("testcase[@name='bad']/failure")
    assert failure.get("type") == "wrong" and "last line" in failure.text


def test_table_and_page():
    rows = list(csv.reader(io.StringIO(report.table([example()]))))
    assert rows[0][5:] == ["good", "bad", "boom", "host", "later"]
    assert rows[1][:3] == ["alice", "12", "35"]
    page = report.page([example()])
    assert "&lt;panic&gt; &amp;" in page and "<panic>" not in page


def test_write_replaces_at_once(tmp_path):
    path = tmp_path / "r.json"
    path.write_text("old")
    results.write(path, "new")
    assert path.read_text() == "new"
    assert [p.name for p in tmp_path.iterdir()] == ["r.json"]
