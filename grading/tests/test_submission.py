"""What is taken from a submission, and what is not."""

import os
import shutil
import subprocess
import tarfile
import time

import pytest
from common import mem  # noqa: F401  (a fixture)
from grading import holes, sandbox, starter, submission
from grading import lab as labs
from grading.lab import ROOT, UserError


def test_flat_and_tree_are_the_same(mem, tmp_path):
    flat, tree = tmp_path / "flat", tmp_path / "tree"
    flat.mkdir()
    for path in mem.paths:
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, tree / path)
        shutil.copy(ROOT / path, flat)
    files = submission.collect(mem, flat)
    assert files == submission.collect(mem, tree)
    assert set(files) == set(mem.paths)
    assert submission.seed_of(mem, files) == submission.seed_of(
        mem, submission.collect(mem, tree))


LAB_TOML = """title = "t"
files = [%s]
kernel = "one"
[[exercise]]
title = "t"
points = 1
reached = 1
hours = 1
difficulty = "easy"
holes = { "%s" = ["f"] }
"""


@pytest.fixture
def small(tmp_path):
    """small(files, file of the hole): a Lab in a tree of two chapters."""
    def make(files, hole):
        for folder in "labs/01-one", "kern/01-one", "kern/02-two":
            (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / "labs/01-one/lab.toml").write_text(LAB_TOML % (
            ", ".join(f'"{f}"' for f in files), hole))
        return labs.load("one", tmp_path)
    return make


def test_a_file_of_another_chapter(small, tmp_path):
    lab = small(["a.c", "two/b.c"], "two/b.c")
    assert [str(p) for p in lab.paths] == ["kern/01-one/a.c",
                                           "kern/02-two/b.c"]
    assert lab.holes()[0][:2] == (lab.paths[1], "f")
    (tmp_path / "b.c").write_text("mine")
    assert submission.collect(lab, tmp_path) == {lab.paths[1]: b"mine"}


@pytest.mark.parametrize("files,hole,says", [
    (["a.c"], "two/a.c", "may not change"),
    (["a.c", "two/a.c"], "a.c", "one name"),
    (["../a.c"], "a.c", "bad file name"),
    (["three/a.c"], "three/a.c", "no kern/NN-three")])
def test_wrong_files_are_refused(small, files, hole, says):
    with pytest.raises(UserError, match=says):
        small(files, hole)


def test_other_input_for_other_files(mem, tmp_path):
    (tmp_path / "page.c").write_text("a")
    one = submission.seed_of(mem, submission.collect(mem, tmp_path))
    (tmp_path / "page.c").write_text("b")
    assert submission.seed_of(mem, submission.collect(mem, tmp_path)) != one


def test_other_files_are_left(mem, tmp_path):
    (tmp_path / "page.c").write_text("mine")
    (tmp_path / "Makefile").write_text("all: ; echo owned")
    (tmp_path / "mem.h").write_text("#error")
    assert submission.collect(mem, tmp_path) == {mem.paths[0]: b"mine"}


def test_links_are_refused(mem, tmp_path):
    (tmp_path / "page.c").symlink_to("/etc/passwd")
    with pytest.raises(UserError, match="ordinary"):
        submission.collect(mem, tmp_path)


def test_folders_and_giants_are_refused(mem, tmp_path):
    (tmp_path / "page.c").mkdir()
    with pytest.raises(UserError, match="ordinary"):
        submission.collect(mem, tmp_path)
    (tmp_path / "page.c").rmdir()
    with open(tmp_path / "page.c", "wb") as file:
        file.truncate(submission.FILE_MAX + 1)
    with pytest.raises(UserError, match="larger"):
        submission.collect(mem, tmp_path)


def test_nothing_to_grade(mem, tmp_path):
    with pytest.raises(UserError, match="none of the lab's files"):
        submission.collect(mem, tmp_path)
    with pytest.raises(UserError, match="no such folder"):
        submission.collect(mem, tmp_path / "none")


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return submission.Base(labs.load("mem"), tmp_path_factory.mktemp("base"),
                           sandbox.Sandbox())


def test_a_submission_does_not_reach_other_files(mem, base, tmp_path):
    """#include of a file outside the tree finds nothing."""
    secret = tmp_path / "secret.h"
    secret.write_text("int secret;\n")
    text = (ROOT / mem.paths[0]).read_text()
    files = {mem.paths[0]: f'#include "{secret}"\n{text}'.encode()}
    with pytest.raises(submission.BuildFailed, match="No such file"):
        base.kernel(files, tmp_path / "tree")


def test_warnings_are_errors_and_are_shown(mem, base, tmp_path):
    text = (ROOT / mem.paths[0]).read_text() + "\nstatic int unused;\n"
    with pytest.raises(submission.BuildFailed, match="unused"):
        base.kernel({mem.paths[0]: text.encode()}, tmp_path / "tree")


def test_what_is_graded_is_the_submission(mem, base, tmp_path):
    """Though the base's objects are of a time to come: the clock was set."""
    later = time.time() + 10 ** 6
    for file in base.tree.rglob("*"):
        os.utime(file, (later, later))
    for word in "one", "other":
        text = (ROOT / mem.paths[0]).read_text()
        text += f'\nconst char graded[] = "the {word} submission";\n'
        image = base.kernel({mem.paths[0]: text.encode()}, tmp_path / word)
        assert f"the {word} submission".encode() in image.read_bytes()


def test_a_cache_is_used_again_and_renewed(mem, base):
    again = submission.Base(mem, base.top.parent, base.sandbox)
    stamp = again.top / "stamp"
    before = stamp.stat().st_mtime_ns
    submission.Base(mem, base.top.parent, base.sandbox)
    assert stamp.stat().st_mtime_ns == before
    stamp.write_text("another")
    submission.Base(mem, base.top.parent, base.sandbox)
    assert stamp.read_text() != "another"


# ---- Cutting ----

SOURCE = """static int
one(int a)
{
	return a + 1000000;
}

int
two(void)
{
	if (one(1)) {
		return 2;
	}
	return 3;
}
"""
STUBS = """static int
one(int a)
{
	panic("exercise 1: one(%d)", a);
}
"""


def test_cut_and_fill():
    starter_text = holes.cut(SOURCE, STUBS, ["one"])
    assert "1000000" not in starter_text
    assert 'panic("exercise 1' in starter_text
    assert holes.fill(starter_text, SOURCE, ["one"]) == SOURCE


def test_assembly_is_cut_and_filled():
    source = ("FUNCTION(one)\n\tpushq %rbx\n\tret\n\n"
              "FUNCTION(two)\n\tud2\n\n")
    stub = "FUNCTION(one)\n\tcall panic\n\n"
    text = holes.cut(source, stub, ["one"])
    assert text == source.replace("pushq %rbx\n\tret", "call panic")
    assert holes.fill(text, source, ["one"]) == source


def test_a_stub_of_another_head_is_refused():
    with pytest.raises(UserError, match="another head"):
        holes.cut(SOURCE, STUBS.replace("int a", "long a"), ["one"])


def test_a_hole_that_is_not_there_is_refused():
    with pytest.raises(UserError, match="no function three"):
        holes.cut(SOURCE, STUBS, ["three"])


def test_a_leak_is_found(mem, monkeypatch):
    """A handout that quotes the solution fails the check."""
    line = "	list_add(&page->free_link, &buddy.free[order]);"
    original = starter.project_files

    def leaking(root):
        return original(root)
    handout = mem.folder("labs") / "handout.md"
    read = type(handout).read_text
    monkeypatch.setattr(starter, "project_files", leaking)
    monkeypatch.setattr(
        type(handout), "read_text", lambda self, *a: read(self, *a) +
        (line if self.name == "handout.md" else ""))
    with pytest.raises(UserError, match="handout.md gives away"):
        starter.check(mem)


def test_changed_files_are_told(mem, tmp_path):
    from grading import lab as labs
    starter.make(mem, tmp_path / "s")
    tree = labs.load("mem", tmp_path / "s")
    assert starter.changed(tree) == []
    with open(tmp_path / "s/Makefile", "a") as file:
        file.write("# mine\n")
    with open(tmp_path / "s" / mem.paths[0], "a") as file:
        file.write("/* mine */\n")
    assert [str(p) for p in starter.changed(tree)] == ["Makefile"]


def test_starter_goes_into_an_empty_folder_only(mem, tmp_path):
    (tmp_path / "x").write_text("precious")
    with pytest.raises(UserError, match="not an empty folder"):
        starter.make(mem, tmp_path)
    assert (tmp_path / "x").read_text() == "precious"


def test_starter_has_a_file_called_build(mem, tmp_path):
    """A folder build at the top is what was built; elsewhere it is not."""
    starter.make(mem, tmp_path / "s")
    assert (tmp_path / "s/scripts/tests/ext2_host/build").is_file()


def test_originals_hold_no_solution(mem, tmp_path):
    starter.make(mem, tmp_path / "s")
    with tarfile.open(tmp_path / "s/.lab/originals.tar.gz") as tar:
        text = tar.extractfile(str(mem.paths[0])).read().decode()
    assert text == (tmp_path / "s" / mem.paths[0]).read_text()
    assert "exercise 1" in text


# ---- The command ----

def grade(*words):
    return subprocess.run([str(ROOT / "scripts/grade"), *map(str, words)],
                          capture_output=True, text=True, timeout=600,
                          check=False)


def test_usage_errors(base, tmp_path):
    for words in (["nolab"], ["mem", tmp_path], ["mem", tmp_path / "none"],
                  ["mem", "a", "b"], ["mem", "--only", "no-such-test",
                                      "--cache", base.top.parent]):
        done = grade(*words)
        assert done.returncode == 2, words
        assert done.stderr and "Traceback" not in done.stderr, done.stderr


def test_many_submissions(mem, base, tmp_path):
    """A table and a page of all; what is there is not graded again."""
    good, bad = tmp_path / "in/good", tmp_path / "in/bad"
    for folder in good, bad, tmp_path / "in/empty":
        folder.mkdir(parents=True)
    for path in mem.paths:
        shutil.copy(ROOT / path, good)
    (bad / "page.c").write_text("this is not C\n")
    words = ["mem", "--out", tmp_path / "out", "--cache", base.top.parent,
             "--only", "only_free_buddies", good, bad, tmp_path / "in/empty"]
    done = grade(*words)
    assert done.returncode == 3         # one could not be judged
    table = (tmp_path / "out/summary.csv").read_text().splitlines()
    assert [line.split(",")[1:3] for line in table[1:]] == [
        ["8", "8"], ["0", "8"], ["0", "0"]]
    assert "not graded" in (tmp_path / "out/index.html").read_text()
    before = (tmp_path / "out/good.json").stat().st_mtime_ns
    assert grade(*words).returncode == 3
    assert (tmp_path / "out/good.json").stat().st_mtime_ns == before
