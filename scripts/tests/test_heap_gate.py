"""The gate of the kernel heap, from outside: who is ended when it, or all
memory, is short (user/tests/hoard.c), what /proc/heap shows, and who may call
the allocator."""

import re
import subprocess

import pytest
from conftest import ROOT, Guest, needs_user_space

WAYS = {                        # what is short
    "open": "heap", "forks": "heap", "rights": "heap", "given": "heap",
    "taken": "heap", "memory": "memory", "tables": "memory"}
HOARD = "/usr/lib/hardtack/tests/hoard"
HEAP_KIB = 3000                 # 750 pages: full within a second


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    guest = Guest(tmp_path_factory.mktemp("heap"), "--append",
                  f"heap={HEAP_KIB}")
    for way in WAYS:
        guest.add(way, f"exec {HOARD} {way}")
    guest.add("figures", "cat /proc/heap")
    return guest.run()


@needs_user_space
@pytest.mark.parametrize("way", WAYS)
def test_the_hoarder_alone_is_ended(machine, way):
    status, output = machine[way]
    assert status == 0, output


@needs_user_space
def test_proc_heap_tells(machine):
    status, text = machine["figures"]
    assert status == 0
    number = {k: int(v) for k, v in re.findall(r"([a-z]+) (\d+)", text)}
    assert number["max"] == HEAP_KIB // 4
    assert number["used"] + number["reserved"] + number["margin"] <= \
        number["max"]
    assert number["waiting"] == 0 and number["waits"] > 0
    kills = re.findall(r"^killed (\w+) \(pid (\d+)\) .* for (\w+): processes "
                       r"(\d+) bytes (\d+), struct", text, re.M)
    assert number["kills"] == len(kills) == len(WAYS), text
    assert {name for name, *_ in kills} == {"hoard"}
    assert all(int(pid) > 1 for _, pid, *_ in kills), "init is not ended"
    assert [short for *_, short, _, _ in kills] == [*WAYS.values()][::-1]
    most_processes = max(int(n) for *_, n, _ in kills)
    assert most_processes > 50, "the children go with who made them"
    waited = re.findall(r"^fork +(\d+) +(\d+) +(\d+)$", text, re.M)
    assert waited and int(waited[0][2]) > 0, "decoys have waited in fork"
    assert int(waited[0][1]) <= int(waited[0][0])


# Who may say kalloc: for objects with a tail, whose size no type tells.
KALLOC = {"kern/04-mem/slab.c": 1, "kern/13-vfs/namecache.c": 1,
          "kern/16-tmpfs/devfs.c": 1, "kern/16-tmpfs/tmpfs.c": 1}


def test_nobody_passes_by_the_gate():
    """Objects come from kalloc alone, by knew but where it is listed; and
    kalloc's pages, and no others, are taken as the heap's."""
    found, pages = {}, []
    lines = subprocess.run(
        ["git", "grep", "-nE", r"\bkalloc\(|ALLOC_HEAP\b", "--", "kern/*.c"],
        cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for line in lines.splitlines():
        path, _, code = line.split(":", 2)
        if "/test_" in path or code.lstrip().startswith(("*", "/*")):
            continue
        if "ALLOC_HEAP" in code:
            pages.append(path)
        else:
            found[path] = found.get(path, 0) + 1
    assert found == KALLOC
    assert set(pages) == {"kern/04-mem/page.c", "kern/04-mem/slab.c"}
    assert pages.count("kern/04-mem/slab.c") == 1
