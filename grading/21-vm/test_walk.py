"""Exercise 1: walking the page table, on tables that the host looks at."""

import struct

from grading.pages import PageArray
from grading.points import expect, points
from model import PROT
from tables import (A, D, NX, P, PAGE, U, USER_TOP, W, Table, scattered, span,
                    tables_for)


def made(kernel, addresses, vm=None):
    """A new address space with tables for addresses: (vm, root, {address:
    what pmap_make returned})."""
    program = kernel.program()
    if vm is None:
        new = program.call("agent_space")
        program.run(limit_ms=50)
        vm = new.value
        program = kernel.program()
    got = program.many("pmap_make", vm, addresses, count=len(addresses))
    program.run(limit_ms=100)
    root = kernel.u64(vm + kernel.const.vm_pml4)
    return vm, root, dict(zip(addresses, got.values))


@points(4, exercise=1, rule="VM4", see="pmap_make, make_table")
def test_entries_are_made(boot, rng):
    """Each address has its entry, and no table too many."""
    kernel = boot()
    addresses = scattered(rng, 60)
    vm, root, got = made(kernel, addresses)
    table = Table(kernel, root)
    expect("page-table pages for 60 addresses", len(table.tables),
           len(tables_for(addresses)))
    for va in addresses:
        expect(f"pmap_make of {va:#x}", f"{got[va]:#x}",
               f"{table.address(va) or 0:#x}", "the host's own walk")
    expect("entries of level 1 that are not 0", len(table.entries), 0)
    table.check_rights()
    _, _, again = made(kernel, addresses, vm)
    for va in addresses:
        expect(f"pmap_make of {va:#x} a second time", f"{again[va]:#x}",
               f"{got[va]:#x}")


def ranges(table, start, end):
    """What pmap_next has to find: [(address, entries, where)]."""
    found = []
    for level, base in sorted(table.tables):
        va, stop = max(start, base), min(end, base + span(2))
        if level == 1 and va < stop:
            found.append((va, (stop - va) // PAGE, table.address(va)))
    return found


@points(4, exercise=1, see="pmap_next")
def test_ranges_are_found(boot, rng):
    """A range's entries are found, and what has no table is skipped."""
    kernel = boot()
    addresses = scattered(rng, 40)
    _, root, _ = made(kernel, addresses)
    table, runs = Table(kernel, root), kernel.symbol("agent_runs")
    asked = [(0, USER_TOP)]
    for _ in range(8):
        start, end = sorted(
            (rng.choice(addresses) & -rng.choice((PAGE, span(2), span(3)))) +
            rng.choice((0, 0, PAGE, 9 * PAGE, span(2))) for _ in "ab")
        asked.append((start, min(end, USER_TOP)))
    for va in rng.sample(addresses, 8):
        start = (va & -span(2)) - rng.randrange(1, 512) * PAGE
        asked.append((max(start, 0), min(start + span(3), USER_TOP)))
    for start, end in asked:
        program = kernel.program()
        found = program.call("agent_ranges", root, start, end)
        program.run(limit_ms=20)
        wanted = ranges(table, start, end)
        raw = kernel.machine.read(runs, 24 * found.value)
        seen = list(struct.iter_unpack("<QQQ", raw))
        for i, one in enumerate(wanted):
            expect(f"range {i} in [{start:#x}, {end:#x}): address, entries, "
                   "where", show(seen[i:i + 1]), show([one]))
        expect(f"ranges in [{start:#x}, {end:#x})", len(seen), len(wanted))


def show(found):
    """A range for people."""
    return "none" if not found else "{:#x}, {}, {:#x}".format(*found[0])


@points(2, exercise=1, see="pmap_rights")
def test_rights_are_translated(boot, rng):
    """PROT_* become the bits of an entry."""
    kernel = boot()
    asked = [(prot, write) for prot in range(8) for write in (0, 1)]
    rng.shuffle(asked)
    program = kernel.program()
    got = [program.call("pmap_rights", *one) for one in asked]
    program.run(limit_ms=20)
    for (prot, write), result in zip(asked, got):
        wanted = U | A | (P if prot else 0) | (W | D if write else 0) | (
            0 if prot & PROT["x"] else NX)
        expect(f"pmap_rights({prot}, {write})", f"{result.value:#x}",
               f"{wanted:#x}")


def filled(kernel, rng, addresses, pages, zeros):
    """A space whose entries the host has written: (vm, root, {address:
    entry}, {address: struct page}). Some are of the page of zeros."""
    vm, root, _ = made(kernel, addresses)
    program, const = kernel.program(), kernel.const
    uses = [rng.choice((const.PAGE_USER, const.PAGE_CACHE))
            for _ in addresses]
    got = [program.call("page_alloc", 0, use, 0) for use in uses]
    program.run(limit_ms=50)
    table, entries, at = Table(kernel, root), {}, {}
    for va, use, page in zip(addresses, uses, got):
        if rng.random() < zeros:
            phys = kernel.u64(kernel.symbol("vm_zero_phys"))
        else:
            phys = pages.physical(page.value)
            at[va] = page.value
        entries[va] = phys | U | A | rng.choice((P, P | W)) | rng.choice(
            (0, D)) | NX
        kernel.machine.write(table.address(va),
                             struct.pack("<Q", entries[va]))
    kernel.machine.write(vm + const.vm_resident, struct.pack("<Q", len(at)))
    return vm, root, entries, at, dict(zip(addresses, uses))


@points(4, exercise=1, see="zap_entries")
def test_pages_are_taken_out(boot, rng):
    """Entries are emptied, and their pages gathered, each with its flag."""
    kernel = boot()
    const, pages = kernel.const, PageArray(kernel)
    program = kernel.program()
    program.call("agent_file", PAGE)
    program.run(limit_ms=50)
    for how, count in ((0, 40), (const.ZAP_TELL, 40),
                       (const.ZAP_TELL | const.ZAP_CACHE_ONLY, 60), (0, 150)):
        base = rng.randrange(1, 200) << 39 | 0x3fffff000 & -PAGE
        addresses = [base + i * PAGE for i in
                     sorted(rng.sample(range(900), count))]
        vm, root, entries, at, uses = filled(kernel, rng, addresses, pages,
                                             0.2)
        first, last = (addresses[3], addresses[-4]) if count < 100 else (
            addresses[0], addresses[-1])
        program = kernel.program()
        program.call("agent_zap", vm, first, last + PAGE, how)
        program.run(limit_ms=50)
        out = {va for va in addresses if first <= va <= last and not (
            how & const.ZAP_CACHE_ONLY and (
                va not in at or uses[va] != const.PAGE_CACHE))}
        left = Table(kernel, root).entries
        for va in addresses:
            expect(f"the entry of {va:#x}, which "
                   f"{'goes' if va in out else 'stays'}",
                   f"{left.get(va, 0) & ~D & ~A:#x}",
                   f"{0 if va in out else entries[va] & ~D & ~A:#x}")
        expect("resident pages after that",
               kernel.u64(vm + const.vm_resident),
               len(at) - len(out & set(at)))
        taken = [va for va in addresses if va in out and va in at]
        gathered(kernel, entries, at, taken[len(taken) // 64 * 64:], out,
                 bool(how & const.ZAP_TELL))


def gathered(kernel, entries, at, wanted, out, tell):
    """The gather holds the pages of wanted, in their order."""
    const, gather = kernel.const, kernel.symbol("agent_gather")
    n = kernel.u64(gather + const.gather_n) & 0xffffffff
    expect("pages gathered", n, len(wanted))
    for i, va in enumerate(wanted):
        flag = 1 if tell and entries[va] & D else 0
        expect(f"page {i} gathered, of {va:#x}, and its flag",
               f"{kernel.u64(gather + const.gather_pages + 8 * i):#x}",
               f"{at[va] | flag:#x}",
               "GATHER_DIRTY of a dirty entry, if g->vnode is to be told")
    if len(out) < 100:
        start = kernel.u64(gather + const.gather_start)
        end = kernel.u64(gather + const.gather_end)
        expect("what is to be flushed: the first address", f"{start:#x}",
               f"{min(out):#x}")
        expect("what is to be flushed: the end", f"{end:#x}",
               f"{max(out) + PAGE:#x}")


@points(3, exercise=1, rule="VM4", see="free_tables")
def test_tables_are_given_up(boot, rng):
    """Tables that map nothing any more go, and only these."""
    kernel = boot()
    const, pages = kernel.const, PageArray(kernel)
    gather = kernel.symbol("agent_gather")
    for _ in range(12):
        addresses = sorted(scattered(rng, 24))
        vm, root, _ = made(kernel, addresses)
        before = Table(kernel, root).tables
        # Between the neighbours floor and ceiling lies what was unmapped.
        j, k = sorted(rng.sample(range(1, len(addresses) - 1), 2))
        if rng.random() < 0.3:
            k = len(addresses) - 1
        start, end = addresses[j], addresses[k] + PAGE
        floor = rng.choice((addresses[j - 1] + PAGE, start))
        ceiling = addresses[k + 1] if k + 1 < len(addresses) else USER_TOP
        wanted = {(level, base): at for (level, base), at in before.items()
                  if level < 4 and base < end and base + span(level + 1) >
                  start and base >= floor and
                  base + span(level + 1) <= (
                      1 << 47 if ceiling == USER_TOP else ceiling)}
        program = kernel.program()
        where = program.kernel.constants([start, end, floor, ceiling])
        program.call("agent_free_tables", vm, kernel.symbol("agent_slots") +
                     8 * where.slot)
        program.run(limit_ms=50)
        after = Table(kernel, root).tables
        told = f"[{start:#x}, {end:#x}), nothing from {floor:#x} to " \
            f"{ceiling:#x}"
        for (level, base), at in before.items():
            gone = (level, base) in wanted
            # What hangs in a table that went is not seen any more.
            expect(f"the table of level {level} for {base:#x} after freeing "
                   f"{told}", "there" if (level, base) in after else "gone",
                   "gone" if gone else "there")
        n = kernel.u64(gather + const.gather_n) & 0xffffffff
        seen = {kernel.u64(gather + const.gather_pages + 8 * i)
                for i in range(min(n, const.GATHER_PAGES))}
        expect("tables gathered to be freed", sorted(map(hex, seen)), sorted(
            hex(pages.struct_page(at) | 2) for at in wanted.values()))


@points(3, exercise=1, see="make_table")
def test_tables_on_four_cpus(boot, rng):
    """Four CPUs make the same tables at once, and none is lost."""
    kernel = boot(smp=4, early=False)
    program = kernel.program()
    new = program.call("agent_space")
    program.run(limit_ms=50)
    vm, got = new.value, []
    for _ in range(2):
        programs = {cpu: kernel.program() for cpu in range(4)}
        for _ in range(16):
            va = rng.randrange(1, 250) << 39 | rng.randrange(1 << 18) << 21
            for cpu, program in programs.items():
                program.call("agent_meet", 4)
                program.call("agent_delay", rng.randrange(100))
                at = va + (cpu << 12)
                got.append((at, program.call("pmap_make", vm, at)))
        kernel.run(programs, slice=rng.randrange(300, 1500), limit_ms=50)
    table = Table(kernel, kernel.u64(vm + kernel.const.vm_pml4))
    for va, result in got:
        expect(f"pmap_make of {va:#x} on one of four CPUs",
               f"{result.value:#x}", f"{table.address(va) or 0:#x}",
               "a table that another CPU had made was replaced")
    table.check_rights()
    expect("page-table pages", len(table.tables),
           len(tables_for([va for va, _ in got])))
