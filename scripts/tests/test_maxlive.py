"""scripts/maxlive: the table is what the source gives, and the analysis finds
what it must not miss. The small kernels here have a system call each, whose
bound is known; the flags are the Makefile's."""

import re
import shlex
import subprocess
import sys

import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT / "scripts"))
from bounds import kernel, stack  # noqa: E402

HEAD = """
typedef unsigned long size_t;
void *kalloc(size_t size, const void *site);
void kfree(void *p);
int heap_checkpoint(unsigned pages);
void lock(void);
static inline void heap_loop(unsigned n, unsigned limit) { (void)n, (void)limit; }
static inline void nests(unsigned n) { (void)n; }
struct entry { int nr; const char *name; long (*fn)(long); };
#define SYSCALL(nr, f) static const struct entry syscall_entry_##nr \\
    __attribute__((section(".syscall_entry"), used)) = { 1, #nr, f }
#define NEW(n) kalloc(n, 0)
"""


@pytest.fixture(scope="module")
def recipe():
    """The Makefile's commands for one file's IR, to be used for another."""
    file = "kern/13-vfs/path.c"
    out = subprocess.run(["make", "-s", "-n", "-W", file,
                          f"build/ir/release/{file[:-2]}.ll"], cwd=ROOT,
                         capture_output=True, text=True, check=True).stdout
    lines = [s for s in out.replace("\\\n", " ").splitlines()
             if re.match(r"\s*(clang|opt|grep)", s)]
    assert len(lines) == 3, out
    return "\n".join(lines).replace(file, "SOURCE").replace(
        f"build/ir/release/{file[:-2]}.ll", "RESULT").replace("-Werror", "-w")


@pytest.fixture
def analyse(tmp_path, recipe):
    """analyse(C): the kernel of these lines."""
    def run(text, mode="release"):
        folder = tmp_path / "kern" / "01-small"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "a.c").write_text(HEAD + text)
        script = recipe.replace("SOURCE", shlex.quote(str(folder / "a.c"))) \
            .replace("RESULT", shlex.quote(str(folder / "a.ll")))
        subprocess.run(["bash", "-e", "-c", script], cwd=ROOT, check=True)
        return kernel.Kernel(mode, tmp_path)
    return run


def bound(k, name="NR_x"):
    """Objects by size of the class, and nothing wrong."""
    assert not k.problems, [kernel.problem_text(p) for p in k.problems]
    from bounds.live import SIZES
    return {SIZES[c]: n for c, (n, _) in k.entries[name].cost.items()}


def problems(k):
    return " ".join(kernel.problem_text(p) for p in k.problems)


def test_table_is_what_the_source_gives_and_keeps_the_budgets():
    run = subprocess.run([ROOT / "scripts/maxlive", "--check", "--summary"],
                         cwd=ROOT, capture_output=True, text=True, check=False,
                         timeout=600)
    assert run.returncode == 0, run.stdout[-2000:] + run.stderr[-2000:]
    assert re.match(r"maxlive: \d+ calls, .*\nmaxlive: deepest kernel stack .*\n$",
                    run.stdout)


def test_sequence_adds_and_branch_takes_the_larger(analyse):
    k = analyse("""
static long f(long a) {
    NEW(60);
    if (a) { NEW(60); NEW(60); NEW(200); } else { NEW(60); NEW(500); }
    return 0;
}
SYSCALL(NR_x, f);""")
    assert bound(k) == {64: 3, 256: 1, 512: 1}


def test_debug_objects_are_larger(analyse):
    text = "static long f(long a) { NEW(60); return a; } SYSCALL(NR_x, f);"
    assert bound(analyse(text)) == {64: 1}
    assert bound(analyse(text, "debug")) == {128: 1}


def test_behind_a_function_pointer(analyse):
    k = analyse("""
struct ops { void (*other)(void); void (*op)(void); };
static void one(void) { NEW(60); }
static void two(void) { NEW(60); NEW(60); }
const struct ops a = { two, one }, b = { 0, two };
struct thing { const struct ops *ops; } *thing;
static long f(long x) { if (thing->ops->op) thing->ops->op(); return x; }
SYSCALL(NR_x, f);""")
    assert bound(k) == {64: 2}


def test_in_a_pointer_stored_at_start(analyse):
    k = analyse("""
struct ops { void (*op)(void); } ops;
static void two(void) { NEW(60); NEW(60); }
void start(void) { ops.op = two; }
static long f(long x) { ops.op(); return x; }
SYSCALL(NR_x, f);""")
    assert bound(k) == {64: 2}


def test_in_a_callback_of_the_caller_alone(analyse):
    k = analyse("""
static void big(void *p) { NEW(2000); }
static void small(void *p) { NEW(60); }
void with(void (*fn)(void *), void *p) { lock(); fn(p); }
static long f(long x) { with(small, 0); return x; }
static long g(long x) { with(big, 0); return x; }
SYSCALL(NR_x, f);
SYSCALL(NR_y, g);""")
    assert bound(k) == {64: 1}
    assert bound(k, "NR_y") == {2048: 1}


def test_in_an_inline_function(analyse):
    k = analyse("""
static inline void *header(void) { return NEW(60); }
static long f(long x) { return header() != 0; }
SYSCALL(NR_x, f);""")
    assert bound(k) == {64: 1}


def test_in_a_loop_of_known_length(analyse):
    k = analyse("""
static long f(long x) {
    for (unsigned i = 0; i < 10 && x + i < 7; i++) { lock(); NEW(60); }
    return x;
}
SYSCALL(NR_x, f);""")
    assert 10 <= bound(k)[64] <= 11


def test_in_a_loop_of_unknown_length(analyse):
    k = analyse("""
static void deep(void) { NEW(60); }
static long f(long x) { while (x--) deep(); return 0; }
SYSCALL(NR_x, f);""")
    assert "f: allocates in a loop of unknown length (1 x 64)" in problems(k)
    assert "a.c:" in problems(k)


def test_annotated_loop(analyse):
    k = analyse("""
static long f(long x) {
    for (unsigned i = 0; x--; i++) {
        if (x & 1) { heap_loop(i, 5); NEW(60); }
    }
    return 0;
}
SYSCALL(NR_x, f);""")
    assert 5 <= bound(k)[64] <= 6
    assert k.entries["NR_x"].notes


def test_annotation_covers_only_what_it_guards(analyse):
    k = analyse("""
static long f(long x) {
    for (unsigned i = 0; x--; i++) {
        if (x & 1) { heap_loop(i, 5); NEW(60); }
        NEW(60);
    }
    return 0;
}
SYSCALL(NR_x, f);""")
    assert "unknown length" in problems(k)


def test_checkpoint_cuts(analyse):
    k = analyse("""
static long f(long x) {
    NEW(60);
    while (x--) {
        NEW(60); NEW(60); NEW(60);
        if (heap_checkpoint(1)) return 1;
    }
    NEW(60);
    return 0;
}
SYSCALL(NR_x, f);""")
    assert bound(k) == {64: 4}


def test_checkpoint_on_one_way_alone_does_not_cut(analyse):
    k = analyse("""
static long f(long x) {
    while (x--) {
        NEW(60);
        if (x & 1 && heap_checkpoint(1)) return 1;
    }
    return 0;
}
SYSCALL(NR_x, f);""")
    assert "unknown length" in problems(k)


def test_constant_arguments_leave_branches_out(analyse):
    k = analyse("""
static void send(int signo, void *info) { if (signo > 31 && info) NEW(60); }
static long f(long x) { send(9, &x); send(40, 0); return x; }
static long g(long x) { send(x, &x); return x; }
SYSCALL(NR_x, f);
SYSCALL(NR_y, g);""")
    assert bound(k) == {}
    assert bound(k, "NR_y") == {64: 1}


def test_recursion(analyse):
    text = """
static void g(long x);
static void h(long x) { NEW(60); if (x) g(x - 1); }
static void g(long x) { MARK; lock(); if (x & 4) h(x); }
static long f(long x) { g(x); return x; }
SYSCALL(NR_x, f);"""
    k = analyse(text.replace("MARK;", ""))
    assert "g -> " in problems(k) and "allocates" in problems(k)
    assert bound(analyse(text.replace("MARK", "nests(1)"))) == {64: 1}


def test_recursion_without_allocation_is_none(analyse):
    k = analyse("""
static void g(long x) { lock(); if (x) g(x / 2); }
static long f(long x) { g(x); NEW(60); return x; }
SYSCALL(NR_x, f);""")
    assert bound(k) == {64: 1}


def test_indirect_call_without_targets(analyse):
    k = analyse("""
extern void (*hooks[])(void);
static long f(long x) { hooks[x](); return x; }
SYSCALL(NR_x, f);""")
    assert "f: a call that has no known target" in problems(k)


def test_function_that_is_stored_out_of_sight(analyse):
    k = analyse("""
static void g(void) { NEW(60); }
void put(void (**slot)(void)) { *slot = g; }
static long f(long x) { return x; }
SYSCALL(NR_x, f);""")
    assert "stored where it is not followed" in problems(k)


def test_handler_may_not_allocate(analyse):
    k = analyse("""
struct trap_ops { void (*interrupt)(void); } trap_ops;
static void handler(void) { NEW(60); }
void start(void) { trap_ops.interrupt = handler; }
static long f(long x) { return x; }
SYSCALL(NR_x, f);""")
    assert "handler allocates without a reservation" in problems(k)


def test_annotation_too_small_panics(tmp_path):
    """The debug kernel's macro, in a program of the host's."""
    (tmp_path / "a.c").write_text("""
#include "heap.h"
void loop(unsigned n) { for (unsigned i = 0; i < n; i++) HEAP_LOOP(i, 4); }
""")
    (tmp_path / "main.c").write_text("""
#include <stdio.h>
#include <stdlib.h>
void loop(unsigned n);
void panic(const char *format, ...) { puts("panic"); exit(3); }
int main(int argc, char **argv) { loop(atoi(argv[1])); return 0; }
""")
    folders = sorted((ROOT / "kern").glob("0[1-7]-*"))
    include = subprocess.run(["gcc", "-print-file-name=include"], check=True,
                             capture_output=True, text=True).stdout.strip()
    subprocess.run(["gcc", "-std=gnu11", "-O2", "-DDEBUG", "-ffreestanding",
                    "-nostdinc", "-isystem", include,
                    f"-I{ROOT}/lib/freestanding", *[f"-I{f}" for f in folders],
                    f"-I{ROOT}/lib/include",
                    "-c", tmp_path / "a.c", "-o", tmp_path / "a.o"], check=True)
    subprocess.run(["gcc", tmp_path / "main.c", tmp_path / "a.o", "-o",
                    tmp_path / "a"], check=True)
    assert subprocess.run([tmp_path / "a", "4"], check=False).returncode == 0
    assert subprocess.run([tmp_path / "a", "5"], check=False,
                          capture_output=True).returncode == 3


# ---- Stacks -----------------------------------------------------------------

def depth(k, frames, name="sys"):
    """The depth of a function of the small kernel; and what is wrong."""
    graph = stack.Graph(k, {("01-small/a.c", f): n for f, n in frames.items()
                            } | {"lock": 8, "usercopy": 5000}, stack.FATAL,
                        stack.find_doomed(k))
    function = next(f for f in k.program.functions if f.endswith(name))
    return graph.depths([function])[function][0], " ".join(
        text for _, _, text in graph.problems)


FRAMES = {"sys": 16, "mid": 100, "leaf": 1000, "other": 30}


def test_stack_takes_the_deepest_way(analyse):
    k = analyse("""
static void leaf(long x) { lock(); }
static void mid(long x) { if (x) leaf(x); lock(); }
static void other(long x) { lock(); }
static long sys(long x) { mid(x); other(x); return x; }
SYSCALL(NR_x, sys);""")
    assert depth(k, FRAMES) == (16 + 100 + 1000 + 8, "")


def test_stack_follows_pointers_by_caller(analyse):
    """sys does not come to leaf, though mid calls it for another."""
    k = analyse("""
static void leaf(long x) { lock(); }
static void other(long x) { lock(); }
static void mid(void (*fn)(long), long x) { fn(x); }
static long sys(long x) { mid(other, x); return x; }
static long sys2(long x) { mid(leaf, x); return x; }
SYSCALL(NR_x, sys);
SYSCALL(NR_y, sys2);""")
    assert depth(k, FRAMES) == (16 + 100 + 30 + 8, "")
    assert depth(k, FRAMES, "sys2") == (100 + 1000 + 8, "")


def test_stack_leaves_out_what_a_flag_does(analyse):
    k = analyse("""
static void leaf(long x) { lock(); }
static void mid(long x, _Bool create) { if (create) leaf(x); lock(); }
static long sys(long x) { mid(x, 0); return x; }
SYSCALL(NR_x, sys);""")
    assert depth(k, FRAMES) == (16 + 100 + 8, "")


def test_stack_of_recursion(analyse):
    text = """
static void mid(long x);
static void other(long x) { mid(x - 1); lock(); }
static void mid(long x) { MARK; lock(); if (x) other(x); }
static long sys(long x) { mid(x); return x; }
SYSCALL(NR_x, sys);"""
    assert "unknown depth: mid, other" in depth(
        analyse(text.replace("MARK;", "")), FRAMES)[1]
    assert depth(analyse(text.replace("MARK", "nests(3)")), FRAMES) == \
        (16 + 3 * (100 + 30) + 8, "")


def test_stack_ends_at_a_panic(analyse):
    k = analyse("""
void panic(const char *format, ...);
static void leaf(long x) { lock(); }
static void other(long x) { leaf(x); panic("no"); }
static void mid(long x) { if (x == 3) { leaf(x); other(x); } lock(); }
static long sys(long x) { mid(x); return x; }
SYSCALL(NR_x, sys);""")
    assert depth(k, FRAMES) == (16 + 100 + 8, "")


def test_stack_of_a_source_that_is_not_there(analyse):
    k = analyse("""
void elsewhere(long x);
static long sys(long x) { elsewhere(x); return x; }
SYSCALL(NR_x, sys);""")
    assert "elsewhere: in no source" in depth(k, FRAMES)[1]


def test_frames_are_read(tmp_path):
    """Parts add up, copies stand for each other; no frame without a size."""
    folder = tmp_path / "kern" / "01-small"
    folder.mkdir(parents=True)
    (folder / "a.su").write_text(
        "kern/01-small/a.c:1:2:f\t16\tstatic\n"
        "kern/01-small/a.c:1:2:f.part.0.constprop\t64\tstatic\n"
        "kern/01-small/a.c:9:2:g.constprop\t24\tdynamic,bounded\n"
        "kern/01-small/a.c:9:2:g.isra\t40\tstatic\n")
    assert stack.read_frames(tmp_path) == {("01-small/a.c", "f"): 80,
                                           ("01-small/a.c", "g"): 40}
    (folder / "a.su").write_text("kern/01-small/a.c:1:2:f\t16\tdynamic\n")
    with pytest.raises(stack.StackError, match="no fixed size"):
        stack.read_frames(tmp_path)
