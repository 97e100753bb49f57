"""Reports made from the schema: terminal, Gradescope, JUnit, CSV, HTML."""

import csv
import html
import io
import json
import textwrap
import xml.etree.ElementTree as xml

from .results import HOST, NOT_RUN, PASSED

CONSOLE_LINES = 16

KINDS = {
    "passed": "passed",
    "wrong": "a wrong value",
    "build": "it does not compile",
    "panic": "the kernel panicked",
    "hang": "the kernel hangs",
    "triple": "triple fault: the machine was reset by an exception that "
              "could not be delivered",
    "reset": "the kernel reset the machine",
    "flood": "the kernel prints without end",
    "off": "the kernel switched the machine off",
    "backstop": "the host was too slow to judge it",
    "grader": "the grader itself failed",
    "not run": "not run",
}


def tail(text, lines=CONSOLE_LINES):
    """The last lines of a console, harmless to a terminal and to XML."""
    clean = "".join(c if c == "\n" or c.isprintable() else "?" for c in text)
    return "\n".join(line[:160] for line in clean.splitlines()[-lines:])


def _why(test):
    """[(label, text)]: what a person needs to know of a lost test."""
    rows = [("lost by", KINDS[test.kind])]
    if test.what:
        rows.append(("checked", test.what))
    if test.expected:
        rows.append(("expected", test.expected))
    if test.seen:
        rows.append(("seen", test.seen))
    if test.hint:
        rows.append(("hint", test.hint))
    if test.rule:
        rows.append(("rule", test.rule))
    if test.see:
        rows.append(("look at", "\n".join(test.see)))
    if test.again:
        rows.append(("again by", test.again))
    return rows


def _row(label, text, width):
    """A labelled, wrapped paragraph; commands and lists stay as they are."""
    lead = " " * 11 + f"{label:9} "
    lines = text.splitlines() or [""]
    if label not in ("again by", "look at", "output"):
        lines = [w for line in lines
                 for w in textwrap.wrap(line, width - len(lead)) or [""]]
    return "\n".join((lead if i == 0 else " " * len(lead)) + line
                     for i, line in enumerate(lines))


def test_text(test, width=79, console=True):
    """A test's line, and the explanation if points were lost."""
    lines = [f"  {test.points:3}/{test.max_points:<3}  {test.title}"]
    if test.kind != PASSED:
        lines += [_row(label, text, width) for label, text in _why(test)]
        if console and test.console:
            lines.append(_row("console", "the last lines:", width))
            lines += [" " * 13 + "| " + line
                      for line in tail(test.console).splitlines()]
    return "\n".join(lines)


def heading(report):
    """The first lines of a terminal's report."""
    lines = [f"Lab {report.lab}: {report.title}", *report.notes]
    return "\n".join(lines)


def total(report):
    """Its last line."""
    text = f"\n{report.score} of {report.max_score} points"
    missing = sum(t.kind in (NOT_RUN, *HOST) for t in report.tests)
    return text + (f" ({missing} tests were not judged)" if missing else "")


def terminal(report):
    """The whole report as text."""
    parts, exercise = [heading(report)], None
    for test in report.tests:
        if test.exercise != exercise:
            exercise = test.exercise
            parts.append(exercise_heading(report, exercise))
        parts.append(test_text(test))
    return "\n".join(parts + [total(report)])


def exercise_heading(report, number):
    """The line above an exercise's tests."""
    mine = [t for t in report.tests if t.exercise == number]
    return (f"\nExercise {number}: {report.exercises.get(number, '')} "
            f"({sum(t.max_points for t in mine)} points)")


def gradescope(report):
    """Gradescope's results.json."""
    tests = [{
        "name": t.title, "number": f"{t.exercise}.{i}",
        "score": t.points, "max_score": t.max_points,
        "status": "passed" if t.kind == PASSED else "failed",
        "output": "" if t.kind == PASSED else test_text(t),
        "output_format": "text", "visibility": "visible",
        "tags": [t.kind, f"exercise {t.exercise}"],
    } for i, t in enumerate(report.tests, 1)]
    return json.dumps({
        "score": report.score,
        "execution_time": round(sum(t.seconds for t in report.tests), 1),
        "output": "\n".join(report.notes), "output_format": "text",
        "stdout_visibility": "visible", "tests": tests,
        "extra_data": report.data()}, indent=1) + "\n"


def junit(report):
    """JUnit's XML: a lost test is a failure, one not judged an error."""
    errors = [t for t in report.tests if t.kind in HOST]
    lost = [t for t in report.tests
            if t.kind not in (PASSED, NOT_RUN, *HOST)]
    suite = xml.Element("testsuite", {
        "name": f"lab-{report.lab}", "tests": str(len(report.tests)),
        "failures": str(len(lost)), "errors": str(len(errors)),
        "skipped": str(sum(t.kind == NOT_RUN for t in report.tests)),
        "time": f"{sum(t.seconds for t in report.tests):.1f}"})
    properties = xml.SubElement(suite, "properties")
    for name, value in (("score", report.score), ("seed", f"{report.seed:#x}"),
                        ("max_score", report.max_score)):
        xml.SubElement(properties, "property", name=name, value=str(value))
    for t in report.tests:
        case = xml.SubElement(suite, "testcase", {
            "classname": f"{report.lab}.exercise{t.exercise}",
            "name": t.name, "time": f"{t.seconds:.1f}"})
        if t.kind == NOT_RUN:
            xml.SubElement(case, "skipped")
        elif t.kind != PASSED:
            kind = "error" if t.kind in HOST else "failure"
            node = xml.SubElement(case, kind, type=t.kind,
                                  message=tail(t.what or KINDS[t.kind], 1))
            node.text = tail(test_text(t), 200)
    xml.indent(suite)
    return ('<?xml version="1.0" encoding="UTF-8"?>\n'
            + xml.tostring(suite, encoding="unicode") + "\n")


def table(reports):
    """CSV: a line a submission, a column a test."""
    out = io.StringIO()
    names = list(dict.fromkeys(t.name for r in reports for t in r.tests))
    rows = csv.writer(out)
    rows.writerow(["submission", "score", "max_score", "complete", "seed",
                   *names])
    for r in reports:
        points = {t.name: t.points for t in r.tests}
        rows.writerow([r.submission, r.score, r.max_score, r.complete,
                       f"{r.seed:#x}", *(points.get(n, "") for n in names)])
    return out.getvalue()


PAGE = """<!DOCTYPE html>
<html lang="en"><meta charset="utf-8"><title>{title}</title>
<style>
body {{ font: 16px/1.4 sans-serif; max-width: 60em; margin: 2em auto; }}
pre {{ background: #f4f4f4; padding: .5em; overflow-x: auto; }}
td, th {{ padding: .1em .6em; text-align: left; }}
.lost {{ color: #a00; }}
</style>
<h1>{title}</h1>
{body}
</html>
"""


def page(reports):
    """HTML: all submissions, each with its lost points."""
    parts = ["<table><tr><th>submission</th><th>score</th></tr>"]
    for i, r in enumerate(reports):
        parts.append(f'<tr><td><a href="#s{i}">{html.escape(r.submission)}'
                     f"</a></td><td>{r.score} of {r.max_score}</td></tr>")
    parts.append("</table>")
    for i, r in enumerate(reports):
        parts.append(f'<h2 id="s{i}">{html.escape(r.submission)}: '
                     f"{r.score} of {r.max_score}</h2>")
        parts += [f"<p>{html.escape(note)}</p>" for note in r.notes]
        for t in r.tests:
            lost = "" if t.kind == PASSED else ' class="lost"'
            parts.append(f"<p{lost}>{t.points}/{t.max_points} "
                         f"{html.escape(t.title)}</p>")
            if t.kind != PASSED:
                parts.append(f"<pre>{html.escape(test_text(t))}</pre>")
    title = f"Lab {reports[0].lab}" if reports else "No submission"
    return PAGE.format(title=html.escape(title), body="\n".join(parts))
