"""The proofs that every lab owes: its cut is clean, its starter builds and
scores 0, the kernel itself scores 100 on any host, each mutant loses points
where its author said, and nothing that a kernel prints is worth a point."""

import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest
from workshop import (ROOT, WORKERS, labs, mutants,
                      mutants_graded, workshops)  # noqa: F401: fixtures

from grading import holes, starter

NAMES = labs.names()
MUTANTS = [(n, m.name) for n in NAMES for m in mutants(labs.load(n))
           if not m.is_row]
ROWS = [(n, m.name) for n in NAMES for m in mutants(labs.load(n)) if m.is_row]
MUTANTS_LEAST = 12
ROWS_WANTED = {"row-hang", "row-panic", "row-every-answer", "row-return-zero",
               "row-endless-print", "row-triple-fault"}
every_lab = pytest.mark.parametrize("name", NAMES)


def mutant(name, mutant_name):
    """A mutant by its name."""
    return next(m for m in mutants(labs.load(name)) if m.name == mutant_name)


@every_lab
def test_cut_is_clean(name):
    """Starter and bodies make up the reference; no body leaks."""
    starter.check(labs.load(name))


@every_lab
def test_each_hole_is_a_stub_that_names_its_exercise(name):
    lab = labs.load(name)
    texts = starter.cut_files(lab)
    for path, text in texts.items():
        cut, source = holes.Text(text), holes.Text((ROOT / path).read_text())
        for where, function, exercise in lab.holes():
            if where == path:
                assert (f'"exercise {exercise.number}: {function}('
                        in cut.body(function)), f"stub of {function}"
                assert "panic" in cut.body(function)
                assert cut.body(function) != source.body(function)


@every_lab
def test_starter_keeps_solutions_out(name, workshops):
    tree = workshops[name].starter
    there = {p.name for p in tree.rglob("*")}
    assert "handout.md" in there
    assert not {"answers.md", "mutants", "stubs"} & there
    assert [p.name for p in tree.glob("labs/*/")
            ] == [labs.load(name).folder("labs").name]


@every_lab
@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_stubs_compile_without_warnings(name, compiler, workshops):
    """All else is the project's own, which its build has compiled."""
    paths = labs.load(name).paths
    for debug in 0, 1:
        mode = ("debug" if debug else "release") + (
            "-clang" if compiler == "clang" else "")
        done = subprocess.run(
            ["make", "-s", "-j2", f"CC={compiler}", f"DEBUG={debug}",
             *(f"build/{mode}/obj/{p.with_suffix('.o')}" for p in paths)],
            cwd=workshops[name].starter, capture_output=True, text=True,
            timeout=600, check=False)
        assert (done.returncode, done.stdout + done.stderr) == (0, "")


@every_lab
def test_starter_boots_to_an_exercise(name, workshops):
    tree = workshops[name].starter
    subprocess.run(["make", "-s", f"CHAPTER={name}", "kernel"], cwd=tree,
                   check=True, timeout=600)
    done = subprocess.run(
        ["scripts/run", "--chapter", name, "--no-disk"], cwd=tree,
        capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 125
    assert "panic: exercise " in done.stderr


@every_lab
def test_starter_scores_0(name, workshops):
    """By the command that a student types, in the student's tree."""
    tree = workshops[name].starter
    done = subprocess.run(
        ["make", "-s", "grade", f"LAB={name}", "JSON=results.json",
         "JUNIT=results.xml"], cwd=tree, capture_output=True, text=True,
        timeout=900, check=False)
    assert f"0 of {labs.load(name).points} points" in done.stdout
    assert "exercise 1" in done.stdout
    assert done.returncode != 0
    assert '"score": 0,' in (tree / "results.json").read_text()
    assert "<testsuite" in (tree / "results.xml").read_text()


@every_lab
def test_exercises_in_order_bring_their_points(name, workshops, tmp_path):
    """What lab.toml promises a student who has come so far."""
    lab = labs.load(name)
    texts = starter.cut_files(lab)

    def step(exercise):
        folder = tmp_path / str(exercise.number)
        folder.mkdir()
        for path, text in texts.items():
            done = [f for p, f, e in lab.holes()
                    if p == path and e.number <= exercise.number]
            (folder / path.name).write_text(
                holes.fill(text, (ROOT / path).read_text(), done))
        return workshops[name].grade(folder, f"step-{exercise.number}")
    with ThreadPoolExecutor(WORKERS) as pool:
        steps = list(pool.map(step, lab.exercises[:-1]))
    for exercise, graded in zip(lab.exercises, steps):
        assert graded["score"] == exercise.reached, exercise.title


@every_lab
def test_reference_has_full_marks(name, workshops):
    """On a host that is busy: the limits are in guest time."""
    graded = workshops[name].reference
    assert graded["score"] == graded["max_score"] == 100, graded.data
    assert graded.status == 0


@every_lab
def test_every_test_has_a_mutant(name, workshops):
    graded = workshops[name].reference
    tests = {t["name"] for t in graded["tests"]}
    made_for = {m.fails for m in mutants(labs.load(name)) if not m.is_row}
    assert made_for - tests == set(), "tests that are not there"
    assert tests - made_for == set(), "tests that no mutant fails"
    assert len([m for n, m in MUTANTS if n == name]) >= MUTANTS_LEAST


@pytest.mark.parametrize("name,which", MUTANTS)
def test_mutant_loses_points(name, which, mutants_graded):
    graded = mutants_graded[name][which]
    test = graded.test(mutant(name, which).fails)
    assert test["points"] == 0
    assert test["kind"] not in ("passed", "not run", "build", "grader",
                                "backstop"), test
    assert test["seen"], "a lost point says what was seen"


@every_lab
def test_fixed_rows_are_there(name):
    assert ROWS_WANTED <= {m for n, m in ROWS if n == name}


@pytest.mark.parametrize("name,which", ROWS)
def test_fixed_row_scores_0(name, which, mutants_graded):
    graded = mutants_graded[name][which]
    assert graded["score"] == 0
    assert graded["complete"]
    ends = mutant(name, which).ends
    if ends:
        assert {t["kind"] for t in graded["tests"]} == {ends}
