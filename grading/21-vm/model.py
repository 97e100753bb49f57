"""What the host knows of chapter vm: address spaces, what is mapped in them,
which pages must be where, and what is in them.

It is written from the contract (vm.h, the chapter's README). Calls are put
into a program and done in the model at the same time; after the run what they
returned is compared, and then the page tables, the page array and the contents
of all pages. What the processor does by itself (the A and D bits) is left out,
except where the contract says it.
"""

import errno
import struct

from grading.machine import DIRECT_MAP, BadAddress
from grading.pages import PageArray
from grading.points import expect, require
from tables import (ADDR, D, NX, P, PAGE, U, USER_TOP, W, Table, signed,
                    span)

PROT = {"r": 1, "w": 2, "x": 4}
SHARED, PRIVATE = 1, 2
FAULT_WRITE, FAULT_FETCH = 1, 2
AROUND = 16
ZERO = "zeros"          # a page of an address space: the page of zeros
LIMIT_MS = 60


def prot_of(text):
    """'rw' -> PROT_READ | PROT_WRITE."""
    return sum(PROT[letter] for letter in text)


def name_of(value):
    """What a call returned, for people."""
    value = signed(value)
    return f"-{errno.errorcode.get(-value, -value)}" if value < 0 else \
        f"{value:#x}"


class Frame:
    """A page that the model knows of: its words and who has it."""

    def __init__(self, data=bytes(PAGE), index=None):
        self.data = bytearray(data)
        self.index = index      # of the file, if it is the page cache's
        self.physical = None    # learned when it is first seen
        self.users = 0          # entries that refer to it
        self.dirty = False

    def word(self, at):
        """The word at a place."""
        return struct.unpack_from("<Q", self.data, at)[0]

    def put(self, at, value):
        """Store a word."""
        struct.pack_into("<Q", self.data, at, value)


class Mapping:
    """A range of an address space."""

    def __init__(self, start, pages, prot, flags, index=None):
        self.start, self.pages, self.prot = start, pages, prot
        self.flags, self.index = flags, index
        self.end = start + pages * PAGE

    def page(self, va):
        """The file's page at an address."""
        return self.index + (va - self.start) // PAGE


class Space:
    """An address space: its mappings, and what its page table must hold."""

    def __init__(self, vm):
        self.vm = vm
        self.mappings = []
        self.pages = {}         # {address: Frame or ZERO}
        self.writable = set()
        self.marked = set()     # dirty entries of shared mappings

    def find(self, va):
        """The mapping of an address, or None."""
        return next((m for m in self.mappings if m.start <= va < m.end), None)

    def put(self, va, frame, write):
        """An entry is made or changed."""
        old = self.pages.get(va)
        if isinstance(old, Frame):
            old.users -= 1
        if isinstance(frame, Frame):
            frame.users += 1
        self.pages[va] = frame
        self.writable.discard(va)
        self.marked.discard(va)
        if write:
            self.writable.add(va)
            self.marked.add(va)

    def drop(self, va):
        """An entry is emptied."""
        old = self.pages.pop(va, None)
        if isinstance(old, Frame):
            old.users -= 1
        self.writable.discard(va)
        self.marked.discard(va)

    def protect(self, start, pages, prot):
        """mprotect: mappings split; entries get what may be had at once."""
        end = start + pages * PAGE
        for m in list(self.mappings):
            if m.end <= start or m.start >= end or m.prot == prot:
                continue
            self.mappings.remove(m)
            for first, last, rights_ in (
                    (m.start, start, m.prot),
                    (max(m.start, start), min(m.end, end), prot),
                    (end, m.end, m.prot)):
                if first < last:
                    self.mappings.append(Mapping(
                        first, (last - first) // PAGE, rights_, m.flags,
                        None if m.index is None else m.page(first)))
            for va in range(max(m.start, start), min(m.end, end), PAGE):
                self._protect_page(va, m.flags, prot)

    def _protect_page(self, va, flags, prot):
        frame = self.pages.get(va)
        self.writable.discard(va)
        if isinstance(frame, Frame) and "w" in prot and (
                va in self.marked if flags == SHARED else
                frame.index is None and frame.users == 1):
            self.writable.add(va)

    def unmap(self, start, pages):
        """munmap."""
        end = start + pages * PAGE
        for m in list(self.mappings):
            if m.end <= start or m.start >= end:
                continue
            self.mappings.remove(m)
            for first, last in (m.start, start), (end, m.end):
                if first < last:
                    self.mappings.append(Mapping(
                        first, (last - first) // PAGE, m.prot, m.flags,
                        None if m.index is None else m.page(first)))
        for va in [va for va in self.pages if start <= va < end]:
            self.drop(va)


class File:
    """The file: its disk, what of it is in the page cache, what was told."""

    def __init__(self, world, rng, size):
        self.world, self.size = world, size
        self.kernel = world.kernel
        self.count = self.kernel.const.FILE_PAGES
        self.disk = [rng.randbytes(PAGE) for _ in range(self.count)]
        self.cached = {}                # {index: Frame}
        self.counts = {name: [0] * self.count for name in
                       ("reads", "writes", "prepared")}
        self.pages_at = {}              # struct pages, as last seen
        self.no_space = False
        self.kernel.write_symbol("agent_disk", b"".join(self.disk))
        world.file = self
        self.vnode = world.call("agent_file", size)
        world.run()
        self.vnode = self.vnode.value

    @property
    def pages(self):
        """How many there are."""
        return -(-self.size // PAGE)

    def peek(self, index):
        """The cache's page, if it is there and within the file."""
        return self.cached.get(index) if index < self.pages else None

    def get(self, index):
        """The same; it is read if it is not there. None: past the end."""
        if index >= self.pages:
            return None
        if index not in self.cached:
            self.cached[index] = Frame(self.disk[index], index)
            self.counts["reads"][index] += 1
        return self.cached[index]

    def where(self, index):
        """The struct page of a page that was seen in the cache."""
        return self.pages_at[index]

    def bring(self, index):
        """Have a page read without a fault."""
        self.world.call("agent_cache", index)
        self.get(index)

    def will_write(self, frame):
        """A fault asks whether a page may be written. @return yes or no

        If not, the kernel's copy to user memory tries the word's bytes, too.
        """
        if not frame.dirty:
            self.counts["prepared"][frame.index] += 1 + self.no_space
            if self.no_space:
                return False
        frame.dirty = True
        return True

    def full(self, no_space):
        """From the next run on the disk has no space (or has some)."""
        self.no_space = no_space
        self.kernel.write_symbol("agent_no_space",
                                 struct.pack("<Q", no_space))

    def sync(self):
        """What is dirty is written; shared entries lose the right to write."""
        self.world.call("agent_sync", wanted=0)
        for index, frame in self.cached.items():
            if frame.dirty:
                self.disk[index] = bytes(frame.data)
                self.counts["writes"][index] += 1
                frame.dirty = False
        for space in self.world.spaces:
            for va, frame in space.pages.items():
                if frame is not ZERO and frame.index is not None:
                    space.writable.discard(va)
                    space.marked.discard(va)

    def take_away(self, first, last):
        """Pages leave the page tables, but for private copies."""
        for space in self.world.spaces:
            for va, frame in list(space.pages.items()):
                if frame is not ZERO and frame.index is not None and \
                        first <= frame.index <= last:
                    space.drop(va)

    def truncate(self, size):
        """The file is cut short: past its end private copies go, too."""
        self.world.call("agent_truncate", size, wanted=0)
        if size % PAGE:
            frame = self.get(size // PAGE)
            frame.data[size % PAGE:] = bytes(PAGE - size % PAGE)
            frame.dirty = True
        self.size = size
        for space in self.world.spaces:
            for va in list(space.pages):
                m = space.find(va)
                if m.index is not None and m.page(va) >= self.pages:
                    space.drop(va)
        for index in [i for i in self.cached if i >= self.pages]:
            del self.cached[index]

    def check(self):
        """Cache, disk and counts are as they must be."""
        program = self.kernel.program()
        got = [program.call("agent_cached", i) for i in range(self.count)]
        program.run(limit_ms=50)
        array, const = self.world.array.read(), self.kernel.const
        for index, result in enumerate(got):
            frame = self.cached.get(index)
            expect(f"page {index} of the file in the page cache",
                   bool(result.value), frame is not None)
            if not frame:
                continue
            self.pages_at[index] = result.value
            physical = array.physical(result.value)
            flags = array.flags[physical // PAGE]
            expect(f"whether page {index} of the file is dirty",
                   bool(flags & const.PG_DIRTY), frame.dirty)
            seen = self.kernel.machine.read(DIRECT_MAP + physical, PAGE)
            same(seen, frame.data, f"page {index} of the file")
        self._check_counts()
        disk = self.kernel.machine.read(self.kernel.symbol("agent_disk"),
                                        self.count * PAGE)
        for index, data in enumerate(self.disk):
            same(disk[index * PAGE:][:PAGE], data,
                 f"page {index} of the file on the disk")

    def _check_counts(self):
        said = {"reads": "how often page {} was read from the disk",
                "writes": "how often page {} was written to the disk",
                "prepared": "how often room was asked for for page {}"}
        for name, text in said.items():
            raw = self.kernel.machine.read(
                self.kernel.symbol(f"agent_{name}"), 8 * self.count)
            for i, n in enumerate(struct.unpack(f"<{self.count}Q", raw)):
                expect(text.format(i), n, self.counts[name][i])


def same(seen, wanted, what):
    """The bytes of a page."""
    if seen != wanted:
        at = next(i for i in range(PAGE) if seen[i] != wanted[i])
        expect(f"{what}, byte {at}", f"{seen[at]:#x}", f"{wanted[at]:#x}")


class World:
    """A kernel under test and all address spaces in it."""

    def __init__(self, kernel):
        self.kernel, self.array = kernel, PageArray(kernel)
        self.spaces, self.frames = [], {}       # physical -> Frame
        self.file = None
        self.zero = kernel.u64(kernel.symbol("vm_zero_phys"))
        self._others = set(self.array.frames(kernel.const.PAGE_USER))
        self._begin()

    # ---- Calls ----

    def _begin(self):
        self._program, self._asked = self.kernel.program(), []
        self._here = None

    def call(self, fn, *args, wanted=None):
        """Add a call; wanted: what it has to return."""
        got = self._program.call(fn, *args)
        if wanted is not None:
            words = ", ".join(f"{a:#x}" for a in args)
            self._asked.append((f"{fn}({words})", got, wanted))
        return got

    def run(self, limit_ms=LIMIT_MS):
        """Have the calls made; compare what they return."""
        if self._here:
            self.call("agent_enter", 0)
        program, asked = self._program, self._asked
        self._begin()
        program.run(limit_ms=limit_ms)
        for what, got, wanted in asked:
            expect(what, name_of(got.value), name_of(wanted))

    def new(self):
        """A new, empty address space."""
        got = self.call("agent_space")
        self.run()
        return self._add(Space(got.value))

    def _add(self, space):
        require(DIRECT_MAP <= space.vm < DIRECT_MAP + (1 << 40),
                "a new address space", "its address", f"{space.vm:#x}")
        self.spaces.append(space)
        return space

    def enter(self, space):
        """Calls after this one are made in a space."""
        if self._here is not space:
            self._here = space
            self.call("agent_enter", space.vm)

    def map(self, space, start, pages, prot="rw", flags=PRIVATE, index=None):
        """Map memory, or pages of the file from index on."""
        c, how = self.kernel.const, prot_of(prot)
        how |= flags << c.CALL_FLAGS
        if index is not None:
            how |= c.CALL_FILE | index << c.CALL_INDEX
        self.call("agent_map", space.vm, start, pages, how, wanted=start)
        mapping = Mapping(start, pages, prot, flags, index)
        space.mappings.append(mapping)
        return mapping

    def fork(self, space):
        """A copy of a space."""
        got = self.call("agent_fork", space.vm)
        self.run()
        child = self._add(Space(got.value))
        child.mappings = [Mapping(m.start, m.pages, m.prot, m.flags, m.index)
                          for m in space.mappings]
        for va, frame in space.pages.items():
            if isinstance(frame, Frame) and frame.index is None:
                child.put(va, frame, False)
                space.writable.discard(va)
        return child

    def protect(self, space, start, pages, prot):
        """Other rights."""
        self.call("agent_protect", space.vm, start, pages, prot_of(prot),
                  wanted=0)
        space.protect(start, pages, prot)

    def unmap(self, space, start, pages):
        """Take out what is mapped there."""
        self.call("agent_unmap", space.vm, start, pages, wanted=0)
        space.unmap(start, pages)

    def scribble(self, rng):
        """Fill all private pages that have been seen with random bytes."""
        for space in self.spaces:
            for frame in space.pages.values():
                if frame is not ZERO and frame.physical is not None and \
                        frame.index is None:
                    frame.data[:] = rng.randbytes(PAGE)
                    self.kernel.machine.write(DIRECT_MAP + frame.physical,
                                              bytes(frame.data))

    def put(self, space):
        """A space ends."""
        self.call("agent_put", space.vm)
        for va in list(space.pages):
            space.drop(va)
        self.spaces.remove(space)

    # ---- Touching: the call, and what it must do ----

    def store(self, space, va, value):
        """Store a word, as the program would."""
        self.enter(space)
        done = self.touch(space, va, "w")
        if done:
            frame = space.pages[va & -PAGE]
            frame.put(va % PAGE, value)
            frame.dirty = True
        self.call("agent_store", va, value,
                  wanted=0 if done else -errno.EFAULT)

    def load(self, space, va):
        """Load one."""
        self.enter(space)
        if self.touch(space, va, "r"):
            frame = space.pages[va & -PAGE]
            word = 0 if frame is ZERO else frame.word(va % PAGE)
            self.call("agent_load", va, wanted=word)
        else:
            self.call("agent_load", va, wanted=-errno.EFAULT)

    def touch(self, space, va, how):
        """A fault's work in the model. how: 'r' or 'w'. @return whether it
        can be done"""
        page = va & -PAGE
        m, old = space.find(va), space.pages.get(page)
        if not m or not (how in m.prot or how == "r" and m.prot):
            return False
        if m.index is not None and not isinstance(old, Frame):
            return self._touch_file(space, m, page, how)
        if how == "r":
            if old is None:
                space.put(page, ZERO, False)
        elif page in space.writable:
            pass
        elif old is None or old is ZERO:
            space.put(page, Frame(), True)
        elif m.flags == SHARED:
            return self._touch_file(space, m, page, how)
        elif old.index is None and old.users == 1:
            space.writable.add(page)
        else:
            space.put(page, Frame(old.data), True)
        return True

    def _touch_file(self, space, m, page, how):
        frame = self.file.get(m.page(page))
        if frame is None:
            return False
        if how == "w" and m.flags == PRIVATE:
            space.put(page, Frame(frame.data), True)
            return True
        if how == "w":
            if not self.file.will_write(frame):
                return False
        space.put(page, frame, how == "w")
        if how == "r":
            self._around(space, m, page)
        return True

    def _around(self, space, m, page):
        first = page & -(AROUND * PAGE)
        for va in range(max(first, m.start),
                        min(first + AROUND * PAGE, m.end), PAGE):
            frame = self.file.peek(m.page(va))
            if va not in space.pages and frame:
                space.put(va, frame, False)

    # ---- Judging ----

    def check(self, references=True):
        """All tables, pages, references and contents are as they must be.
        references: those of the file's pages, too, and which pages are in
        use: some calls lose them before exercise 5."""
        self.array.read()
        self._count_cached = references
        entries = {}            # Frame -> entries seen
        for space in self.spaces:
            self._check_space(space, entries)
        for frame, n in entries.items():
            self._check_frame(frame, n)
        if not references:
            return
        mine = [f for f in entries if f.index is None]
        pages = self.array.frames(self.kernel.const.PAGE_USER)
        expect("pages of memory that are in use", len(set(pages) -
               self._others), len(mine), "a page more: it was lost, or "
               "allocated for nothing")

    def _check_space(self, space, entries):
        table = Table(self.kernel, self.kernel.u64(
            space.vm + self.kernel.const.vm_pml4))
        table.check_rights()
        for (level, base) in table.tables:
            end = base + span(level + 1) if level < 4 else USER_TOP
            expect(f"the table of level {level} for {base:#x}", "of use" if
                   level == 4 or any(m.start < end and base < m.end
                                     for m in space.mappings)
                   else "for nothing", "of use", "VM4")
        for va in sorted(set(table.entries) | set(space.pages)):
            self._check_entry(space, va, table.entries.get(va, 0), entries)
        expect("the count of resident pages",
               self.kernel.u64(space.vm + self.kernel.const.vm_resident),
               sum(1 for f in space.pages.values() if f is not ZERO))

    def _check_entry(self, space, va, entry, entries):
        frame, m = space.pages.get(va), space.find(va)
        if frame is None or not entry:
            what = "one that holds " + (
                "zeros" if frame is ZERO else "a page of the file"
                if frame and frame.index is not None else "a page")
            expect(f"the entry of {va:#x}", f"{entry:#x}" if entry else "0",
                   what if frame else "0")
        where = f"the entry of {va:#x}, " + (
            "zeros" if frame is ZERO else
            "private memory" if frame.index is None else
            f"page {frame.index} of the file")
        wanted = U | (P if m.prot else 0) | (0 if "x" in m.prot else NX)
        write = va in space.writable
        wanted |= W if write else 0
        seen = entry & (U | P | NX | W)
        expect(f"rights in {where}", rights(seen), rights(wanted))
        if write and va in space.marked:
            expect(f"PTE_D in {where}", bool(entry & D), True,
                   "what may be written is marked already")
        if frame is ZERO:
            expect(f"the page of {where}", f"{entry & ADDR:#x}",
                   f"{self.zero:#x}", "vm_zero_page")
            return
        self._same_page(frame, entry & ADDR, where)
        entries[frame] = entries.get(frame, 0) + 1

    def _same_page(self, frame, physical, where):
        if frame.physical is None:
            other = self.frames.get(physical)
            if other and other.users:
                require(False, f"the page of {where}", "one of its own",
                        f"{physical:#x}, which is somebody else's")
            frame.physical = physical
            self.frames[physical] = frame
        expect(f"the page of {where}", f"{physical:#x}",
               f"{frame.physical:#x}", "the page that was there before, or "
               "that those have who share it")

    def _check_frame(self, frame, n):
        number = frame.physical // PAGE
        what = "private memory" if frame.index is None else \
            f"page {frame.index} of the file"
        if number >= self.array.len:
            raise BadAddress(f"{frame.physical:#x}")
        c = self.kernel.const
        expect(f"the use of a page of {what}", self.array.use[number],
               c.PAGE_USER if frame.index is None else c.PAGE_CACHE)
        if frame.index is not None and not self._count_cached:
            n = self.array.refs[number] - 1
        expect(f"references of a page of {what} that {n} entries have",
               self.array.refs[number], n + (frame.index is not None),
               "one for each entry" + (
                   "" if frame.index is None else " and one for the cache"))
        seen = self.kernel.machine.read(DIRECT_MAP + frame.physical, PAGE)
        same(seen, frame.data, f"a page of {what}")


def rights(entry):
    """Bits for people."""
    names = ((P, "P"), (W, "W"), (U, "U"), (NX, "NX"))
    return " ".join(n for bit, n in names if entry & bit) or "none"


# ---- Making things up ----

def place(rng):
    """An address for a mapping: often near the edge of a table."""
    return rng.randrange(1, 200) << 39 | rng.randrange(512) << 30 | \
        rng.randrange(1, 512) << 21 | rng.choice((0, 0x1f0000, 0x1fd000,
                                                  0x64000))


def word(rng):
    """A value to be stored."""
    return rng.randrange(1, 1 << 62)


def somewhere(rng, mapping):
    """The address of a word in a mapping."""
    return mapping.start + rng.randrange(mapping.pages * PAGE // 8) * 8
