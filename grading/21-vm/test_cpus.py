"""Exercise 5: rights that change, pages that go back, and the other CPUs."""

import struct

from grading.pages import PageArray
from grading.points import expect, points
from model import (PAGE, PRIVATE, SHARED, File, World, name_of, place,
                   somewhere, word)
from tables import ADDR, DIRECT_MAP, P, W, Table

EFAULT = -14


def touch_at_random(world, rng, spaces, count):
    """Loads and stores anywhere in the spaces."""
    for _ in range(count):
        space = rng.choice([s for s in spaces if s.mappings])
        va = somewhere(rng, rng.choice(space.mappings))
        if rng.random() < 0.6:
            world.store(space, va, word(rng))
        else:
            world.load(space, va)


@points(4, exercise=5, rule="VM2, VM3", see="protect_entries, pmap_protect")
def test_rights_are_changed(boot, rng):
    """mprotect takes and gives rights, and leaves the pages where they are."""
    world = World(boot())
    file = File(world, rng, 16 * PAGE)
    spaces = [world.new()]
    base, shared = place(rng), place(rng) & -(16 * PAGE)
    world.map(spaces[0], base, 60)
    world.map(spaces[0], shared, 16, "rw", SHARED, 0)
    for step in range(12):
        touch_at_random(world, rng, spaces, 40)
        if step in (3, 6):
            world.run()
            spaces.append(world.fork(spaces[0]))
        space = rng.choice(spaces)
        first = rng.randrange(56)
        world.protect(space, base + first * PAGE, rng.randrange(1, 60 - first),
                      rng.choice(("", "r", "rw", "rw", "rx", "rwx", "w")))
        world.protect(space, shared, 16, rng.choice(("r", "rw")))
        world.run()
        world.check()
        touch_at_random(world, rng, [space], 20)
        world.run()
        world.check()
    file.check()


@points(4, exercise=5, rule="VM3, VM4", see="gather_flush")
def test_pages_go_back(boot, rng):
    """What is unmapped is free again, and what was written is kept."""
    world = World(boot())
    kernel = world.kernel
    file = File(world, rng, 100 * PAGE)
    tables = len(PageArray(kernel).frames(kernel.const.PAGE_KERNEL))
    for _ in range(3):
        spaces = [world.new()]
        for flags, index in ((PRIVATE, None), (PRIVATE, 5), (SHARED, 0)):
            world.map(spaces[0], place(rng) & -(16 * PAGE), 80, "rw", flags,
                      index)
        for _ in range(3):
            touch_at_random(world, rng, spaces, 150)
            world.run()
            spaces.append(world.fork(rng.choice(spaces)))
            for space in spaces:
                m = rng.choice(space.mappings)
                first = rng.randrange(m.pages)
                world.unmap(space, m.start + first * PAGE,
                            rng.randrange(1, m.pages - first + 1))
            world.run()
            world.check()
            file.sync()
            world.run()
            world.check()
            file.check()
        written_between(world, rng, file)
        for space in list(world.spaces):
            world.put(space)
        world.run()
        world.check()
        for index in file.cached:
            number = world.array.physical(file.where(index)) // PAGE
            expect(f"references of page {index} of the file, which nobody "
                   "maps", world.array.refs[number], 1, "the cache's own")
    now = len(PageArray(kernel).frames(kernel.const.PAGE_KERNEL))
    expect("pages of page tables that are left when all spaces have ended",
           now - tables, (-50, 30), "tables were not given back")


def written_between(world, rng, file):
    """A page that is written back after it was taken out, and before the TLBs
    are flushed, is told once more: it may have been stored to meanwhile."""
    space = world.new()
    m = world.map(space, place(rng) & -(16 * PAGE), 20, "rw", SHARED, 0)
    stored = rng.sample(range(20), 8)
    for index in stored:
        world.store(space, m.start + index * PAGE, word(rng))
    gather = world.kernel.symbol("agent_gather")
    world.call("agent_zap", space.vm, m.start, m.end,
               world.kernel.const.ZAP_TELL)
    for index in stored:
        space.drop(m.start + index * PAGE)
    file.sync()
    world.call("gather_flush", gather)
    for index in stored:
        file.cached[index].dirty = True
    world.run()
    world.check()
    file.check()


class Four:
    """Programs on four CPUs that are in one address space."""

    def __init__(self, world, space):
        self.world, self.kernel = world, world.kernel
        self.programs = {cpu: self.kernel.program() for cpu in range(4)}
        self.asked = []
        for program in self.programs.values():
            program.call("agent_enter", space.vm)

    def meet(self):
        """All wait for each other."""
        for program in self.programs.values():
            program.call("agent_meet", 4)

    def call(self, cpu, fn, *args, wanted=None, what=""):
        """A call on a CPU, and what it has to return: a value, or several
        that are as good."""
        got = self.programs[cpu].call(fn, *args)
        if wanted is not None:
            self.asked.append((cpu, what or fn, args, got, wanted))
        return got

    def run(self, rng, limit_ms=100):
        """Have them run; compare."""
        self.kernel.run(self.programs, slice=rng.randrange(2000, 6000),
                        limit_ms=limit_ms)
        for cpu, what, args, got, wanted in self.asked:
            wanted = wanted if isinstance(wanted, tuple) else (wanted,)
            seen = name_of(got.value)
            if seen not in map(name_of, wanted):
                expect(f"{what} at {args[0]:#x} on CPU {cpu}", seen,
                       " or ".join(map(name_of, wanted)),
                       "an entry of a TLB outlived the page table's")


@points(4, exercise=5, rule="VM3", see="pmap_flush, gather_flush, "
        "pmap_protect, install_copy")
def test_no_cpu_keeps_a_right(boot, rng):
    """When a call that takes a right away returns, no CPU has it."""
    world = World(boot(smp=4, early=False))
    file = File(world, rng, 40 * PAGE)
    for _ in range(2):
        space, base = world.new(), place(rng) & -(16 * PAGE)
        world.map(space, base, 40)
        shared = world.map(space, base + 100 * PAGE, 40, "rw", SHARED, 0)
        world.run()
        four, acts = Four(world, space), list(range(6))
        actor = rng.randrange(4)
        rng.shuffle(acts)
        children = []
        for act in acts:
            size = rng.choice((1, 3, 37))
            one_act(four, rng, (act, actor, size), space, base, shared,
                    children)
        four.run(rng)
        for child, wanted in children:
            table = Table(world.kernel, world.kernel.u64(
                child.value + world.kernel.const.vm_pml4))
            for va, value in wanted.items():
                at = table.entries.get(va & -PAGE, 0) & ADDR
                seen = world.kernel.u64(DIRECT_MAP + at + va % PAGE) \
                    if at else 0
                expect(f"what a child has at {va:#x}, where its parent wrote "
                       "after the fork", f"{seen:#x}", f"{value:#x}",
                       "a CPU of the parent could still write")


def one_act(four, rng, act, space, base, shared, children):
    """All touch some pages, one CPU takes something away, all touch again."""
    kind, actor, size = act
    first = rng.randrange(40 - size)
    if kind == 5:
        base = shared.start
    pages = [base + (first + i) * PAGE for i in range(size)]
    old = {va: word(rng) for va in pages}
    new = {va: word(rng) for va in pages}
    others = [cpu for cpu in range(4) if cpu != actor]

    def every(cpu, fn, wanted):
        for va in pages:
            args = (va, wanted[va]) if fn == "agent_store" else (va,)
            four.call(cpu, fn, *args, wanted=0 if fn == "agent_store"
                      else wanted[va])

    every(actor, "agent_store", old)
    four.meet()
    for cpu in others:
        if kind != 3:
            every(cpu, "agent_store", old)      # the right to write ...
        every(cpu, "agent_load", old)           # ... or to read is in its TLB
    four.meet()
    none = {va: EFAULT for va in pages}
    if kind == 0:
        four.call(actor, "agent_unmap", space.vm, pages[0], size, wanted=0)
    elif kind in (1, 2):
        four.call(actor, "agent_protect", space.vm, pages[0], size,
                  2 - kind, wanted=0)
    elif kind in (3, 4):
        child = four.call(actor, "agent_fork", space.vm)
        children.append((child, old))
    else:
        four.call(actor, "agent_sync", wanted=0)
    four.meet()
    if kind in (0, 2):
        for cpu in others:
            every(cpu, "agent_load", none)
            for va in pages:
                four.call(cpu, "agent_store", va, 1, wanted=EFAULT)
    elif kind == 1:
        for cpu in others:
            for va in pages:
                four.call(cpu, "agent_store", va, 1, wanted=EFAULT)
            every(cpu, "agent_load", old)
    elif kind == 3:     # the parent's writes are seen by its threads
        for cpu in others:
            every(cpu, "agent_load", old)
        four.meet()
        every(actor, "agent_store", new)
        four.meet()
        for cpu in others:
            every(cpu, "agent_load", new)
    else:
        every(others[0], "agent_store", new)
        four.meet()
        every(others[1], "agent_load", new)
        if kind == 5:
            for va in pages:
                four.call(actor, "agent_is_dirty", (va - base) // PAGE,
                          wanted=1, what="whether a page is dirty that was "
                          "stored to after write-back")
    four.meet()
    if kind == 0:
        four.call(actor, "agent_map", space.vm, pages[0], size, 0x203,
                  wanted=pages[0])
    elif kind in (1, 2):
        four.call(actor, "agent_protect", space.vm, pages[0], size, 3,
                  wanted=0)
    four.meet()


@points(4, exercise=5, rule="VM3", see="gather_flush, pmap_flush, zap_entries, "
        "install")
def test_pages_are_freed_after_the_flush(boot, rng):
    """While a CPU has not flushed, its pages are neither free nor replaced."""
    world = World(boot(smp=4, early=False))
    kernel = world.kernel
    for act in rng.sample(("unmap", "unmap", "protect", "copy"), 4):
        space, size = world.new(), rng.randrange(2, 60)
        m = world.map(space, place(rng), size)
        for i in range(size):
            world.store(space, m.start + i * PAGE, word(rng))
        world.run()
        world.check()
        looks = rng.sample(range(size), 1 if act == "copy" else 2)
        copied, value = m.start + looks[0] * PAGE, word(rng)
        if act == "copy":
            world.fork(space)
        table = Table(kernel, kernel.u64(space.vm + kernel.const.vm_pml4))
        four = Four(world, space)
        actor, holder = rng.sample(range(4), 2)
        four.call(holder, "agent_load", m.start)
        four.call(holder, "agent_interrupts", 0)
        four.meet()
        if act == "protect":
            four.call(actor, "agent_protect", space.vm, m.start, size, 1)
        elif act == "copy":
            four.call(actor, "agent_store", copied, value, wanted=0)
        else:
            four.call(actor, "agent_unmap", space.vm, m.start, size)
        # The holder does not answer calls: it looks what is done so far.
        four.call(holder, "agent_delay", 40000)
        seen = []
        for i in looks:
            va = m.start + i * PAGE
            page = world.array.struct_page(space.pages[va].physical)
            seen.append((va, four.call(holder, "agent_word",
                                       table.address(va)),
                         four.call(holder, "agent_word",
                                   page + kernel.const.page_refs)))
        four.call(holder, "agent_interrupts", 1)
        four.run(rng)
        for va, entry, refs in seen:
            expect(f"the entry of {va:#x} while a CPU has yet to flush it",
                   f"{entry.value & (P | W):#x}",
                   f"{P if act == 'protect' else 0:#x}",
                   "empty it, flush, and then set it" if act == "copy"
                   else "change the entries, then flush")
            if act != "copy":
                expect(f"references of the page at {va:#x}, which is "
                       f"{'there' if act == 'protect' else 'unmapped'} while "
                       "a CPU has yet to flush it", refs.value & 0xffffffff,
                       1, "flush, and then free")
        if act == "protect":
            space.protect(m.start, size, "r")
        elif act == "copy":
            world.touch(space, copied, "w")
            space.pages[copied].put(0, value)
        else:
            space.unmap(m.start, size)
        world.check()


@points(4, exercise=5, rule="VM2, VM3", see="install, install_copy, "
        "reclaim_sole, pmap_flush")
def test_families_on_four_cpus(boot, rng):
    """Threads of parent and child write to the same pages at once."""
    world = World(boot(smp=4, early=False))
    kernel = world.kernel
    for threads in 4, 2:        # of the parent; the others are the child's
        parent = world.new()
        m = world.map(parent, place(rng), 30)
        for i in range(m.pages):
            for part in range(4):
                world.store(parent, m.start + i * PAGE + 1024 * part,
                            word(rng))
        world.run()
        child = world.fork(parent)
        who = {cpu: parent if cpu < threads else child for cpu in range(4)}
        programs = {cpu: kernel.program() for cpu in range(4)}
        wanted = {(space.vm, va): bytearray(frame.data)
                  for space in (parent, child)
                  for va, frame in space.pages.items()}
        asked = []
        for cpu, program in programs.items():
            program.call("agent_enter", who[cpu].vm)
        for i in range(m.pages):
            for cpu, program in programs.items():
                program.call("agent_meet", 4)
                program.call("agent_delay", rng.choice((0, 0, 20, 60)))
                for _ in range(2):
                    va = m.start + i * PAGE + 1024 * cpu
                    va += 8 * rng.randrange(128)
                    value = word(rng)
                    asked.append((va, program.call("agent_store", va,
                                                   value)))
                    struct.pack_into("<Q", wanted[who[cpu].vm, va & -PAGE],
                                     va % PAGE, value)
        kernel.run(programs, slice=rng.randrange(200, 700), limit_ms=100)
        for va, got in asked:
            expect(f"a store at {va:#x}", name_of(got.value), "0x0")
        # Who has copied is not known, but each has a page of its own now.
        for space in dict.fromkeys(who.values()):
            for va in list(space.pages):
                space.drop(va)
            for va in range(m.start, m.end, PAGE):
                world.touch(space, va, "w")
                space.pages[va].data[:] = wanted[space.vm, va]
        world.check()
