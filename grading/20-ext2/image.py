"""An ext2 disk image as the host reads and writes it, byte by byte.

It is written from the format's description and shares nothing with the
kernel: what a submission leaves on its disk is judged by this, by e2fsck, and
by nothing else.
"""

import stat
import struct

from grading.points import Lost

SUPER = 1024
ROOT, FIRST_INO = 2, 11
DIRECT = 12
IND, FILETYPE = 3, 0x2
FT_DIR = 2


class BadImage(Lost):
    """The image is not what the format says; the text says where."""

    def __init__(self, text):
        super().__init__("what lies on the disk", "blocks, inodes and entries "
                         "as the format has them", text)


class Inode:
    """An inode's fields; changed ones are put back by Image.store."""

    FORM = struct.Struct("<HHIIIIIHHIII15IIIII")
    NAMES = ("mode uid size atime ctime mtime dtime gid links sectors flags "
             "osd1").split()

    def __init__(self, number, raw):
        self.number = number
        values = self.FORM.unpack_from(raw)
        self.__dict__.update(zip(self.NAMES, values))
        self.block = list(values[12:27])
        self.rest = values[27:31]       # generation, acl, size_high, faddr
        self.bytes = self.size
        if stat.S_ISREG(self.mode):
            self.bytes |= self.rest[2] << 32

    def pack(self):
        """The first 116 bytes."""
        rest = list(self.rest)
        if stat.S_ISREG(self.mode):
            rest[2] = self.bytes >> 32
        self.size = self.bytes & 0xffffffff
        return self.FORM.pack(*(getattr(self, n) for n in self.NAMES),
                              *self.block, *rest)


class Entry:
    """An entry of a directory, and where it is."""

    def __init__(self, block, offset, raw):
        self.block, self.offset = block, offset
        self.ino, self.rec_len, self.name_len, self.type = \
            struct.unpack_from("<IHBB", raw, offset)
        self.name = bytes(raw[offset + 8:offset + 8 + self.name_len])

    @property
    def used(self):
        """Bytes that it needs."""
        return size_of(self.name_len) if self.ino else 0


def size_of(length):
    """Bytes that an entry with a name of this length needs."""
    return (8 + length + 3) & ~3


def dirent(ino, rec_len, name, kind):
    """An entry's bytes."""
    head = struct.pack("<IHBB", ino, rec_len, len(name), kind) + name
    return head + bytes(rec_len - len(head))


class Image:
    """The image. `data` is a bytearray, changed in place."""

    def __init__(self, data):
        self.data = bytearray(data)
        s = self._super
        self.block_size = 1024 << min(s("I", 24), 3)
        self.first_data = s("I", 20)
        self.blocks_count, self.inodes_count = s("I", 4), s("I", 0)
        self.per_group, self.inodes_per_group = s("I", 32), s("I", 40)
        self.inode_size = s("H", 88)
        if (s("H", 56) != 0xef53 or self.per_group < 256 or
                self.inodes_per_group < 8 or
                self.blocks_count * self.block_size > len(self.data)):
            raise BadImage("the superblock was overwritten")
        self.has_types = bool(s("I", 96) & FILETYPE)
        self.ngroups = -(-(self.blocks_count - self.first_data)
                         // self.per_group)
        self.slots = self.block_size // 4

    def _super(self, form, offset):
        return struct.unpack_from("<" + form, self.data, SUPER + offset)[0]

    @property
    def free_counts(self):
        """(blocks, inodes) that the superblock says are free."""
        return self._super("I", 12), self._super("I", 16)

    # ---- Blocks and groups ----

    def block(self, n):
        """A block's bytes, to be changed in place."""
        if not 0 < n < self.blocks_count:
            raise BadImage(f"there is no block {n}")
        at = n * self.block_size
        return memoryview(self.data)[at:at + self.block_size]

    def desc(self, group):
        """(block bitmap, inode bitmap, inode table, free blocks, free inodes,
        directories) of a group."""
        return struct.unpack_from("<IIIHHH", self.data,
                                  self._desc_at(group))

    def _desc_at(self, group):
        return (self.first_data + 1) * self.block_size + 32 * group

    def group_first(self, group):
        """The first block of a group."""
        return self.first_data + group * self.per_group

    def group_blocks(self, group):
        """How many blocks a group has."""
        return min(self.per_group,
                   self.blocks_count - self.group_first(group))

    def group_of(self, block):
        """The group that a block is in."""
        return (block - self.first_data) // self.per_group

    def block_used(self, n):
        """What the bitmap says of a block."""
        group = self.group_of(n)
        bit = n - self.group_first(group)
        return self.block(self.desc(group)[0])[bit // 8] >> bit % 8 & 1

    def set_used(self, n, used):
        """Mark a block in the bitmap."""
        group = self.group_of(n)
        bit = n - self.group_first(group)
        bitmap = self.block(self.desc(group)[0])
        bitmap[bit // 8] &= ~(1 << bit % 8) & 0xff
        bitmap[bit // 8] |= used << bit % 8

    def free_blocks(self, group=None):
        """Blocks that the bitmaps say are free."""
        groups = range(self.ngroups) if group is None else [group]
        return [self.group_first(g) + i for g in groups
                for i in clear_bits(self.block(self.desc(g)[0]),
                                    self.group_blocks(g))]

    def free_inodes(self, group=None):
        """Inodes that the bitmaps say are free."""
        groups = range(self.ngroups) if group is None else [group]
        return [g * self.inodes_per_group + i + 1 for g in groups
                for i in clear_bits(self.block(self.desc(g)[1]),
                                    self.inodes_per_group)]

    def recount(self):
        """Make the counts of free blocks what the bitmaps say."""
        total = 0
        for g in range(self.ngroups):
            n = len(self.free_blocks(g))
            struct.pack_into("<H", self.data, self._desc_at(g) + 12, n)
            total += n
        struct.pack_into("<I", self.data, SUPER + 12, total)

    def soil(self, rng):
        """Fill the free blocks with what former owners left there."""
        for b in self.free_blocks():
            self.block(b)[:] = rng.randbytes(self.block_size)

    # ---- Inodes ----

    def inode_at(self, number):
        """An inode's offset in the image."""
        if not 0 < number <= self.inodes_count:
            raise BadImage(f"there is no inode {number}")
        group, i = divmod(number - 1, self.inodes_per_group)
        return (self.desc(group)[2] * self.block_size + i * self.inode_size)

    def inode(self, number):
        """Read an inode."""
        at = self.inode_at(number)
        if at + 128 > len(self.data):
            raise BadImage("a group descriptor was overwritten")
        return Inode(number, self.data[at:at + 128])

    def store(self, inode):
        """Write it back."""
        raw, at = inode.pack(), self.inode_at(inode.number)
        self.data[at:at + len(raw)] = raw

    # ---- A file's blocks ----

    def path(self, logical):
        """Positions on the way to a block, from the inode's array down; none
        where no tree goes that far."""
        if logical < DIRECT:
            return [logical]
        n = logical - DIRECT
        for depth in 1, 2, 3:
            if n < self.slots ** depth:
                return [DIRECT + depth - 1] + [
                    n // self.slots ** i % self.slots
                    for i in reversed(range(depth))]
            n -= self.slots ** depth
        return []

    def find(self, inode, logical):
        """The block's number, or 0 in a hole."""
        way = self.path(logical)
        number = inode.block[way[0]] if way else 0
        for at in way[1:]:
            if number == 0:
                return 0
            number = self.slot(number, at)
        return number

    def slot(self, block, at):
        """A number in an inner block."""
        return struct.unpack_from("<I", self.block(block), 4 * at)[0]

    def set_slot(self, block, at, number):
        """Change it."""
        struct.pack_into("<I", self.block(block), 4 * at, number)

    def run(self, inode, logical, most):
        """How far what is at a block goes on: neighbours, or a hole, in the
        same array; where there is none, to the end of the tree that is
        missing."""
        way, first = self.path(logical), self.find(inode, logical)
        number = inode.block[way[0]]
        for depth, at in enumerate(way[1:], 1):
            if number == 0:
                span = self.slots ** (len(way) - depth)
                inside = 0
                for at in way[depth:]:
                    inside = inside * self.slots + at
                return min(most, span - inside)
            number = self.slot(number, at)
        end = (DIRECT if len(way) == 1 else self.slots) - way[-1]
        n = 1
        while n < min(end, most) and self.find(inode, logical + n) == (
                first + n if first else 0):
            n += 1
        return n

    def plant(self, inode, layout, take):
        """Give a file blocks: {logical: bytes}. take() chooses a block."""
        for logical, data in sorted(layout.items()):
            way = self.path(logical)
            number = inode.block[way[0]]
            if number == 0:
                number = inode.block[way[0]] = self._new(inode, take)
            for at in way[1:]:
                inner, number = number, self.slot(number, at)
                if number == 0:
                    number = self._new(inode, take)
                    self.set_slot(inner, at, number)
            self.block(number)[:] = data
            inode.bytes = max(inode.bytes, (logical + 1) * self.block_size)
        self.store(inode)

    def _new(self, inode, take):
        number = take()
        self.set_used(number, 1)
        self.block(number)[:] = bytes(self.block_size)
        inode.sectors += self.block_size // 512
        return number

    def blocks_of(self, inode):
        """({logical: block}, inner blocks) of all that hangs from an inode."""
        data = {i: b for i, b in enumerate(inode.block[:DIRECT]) if b}
        inner, start = [], DIRECT
        for depth in 1, 2, 3:
            if inode.block[DIRECT + depth - 1]:
                self._below(inode.block[DIRECT + depth - 1], depth, start,
                            data, inner)
            start += self.slots ** depth
        return data, inner

    def _below(self, block, depth, start, data, inner):
        inner.append(block)
        if len(inner) > self.blocks_count:
            raise BadImage("a tree without end")
        span = self.slots ** (depth - 1)
        for i, n in enumerate(struct.unpack(f"<{self.slots}I",
                                            self.block(block))):
            if n and depth == 1:
                data[start + i] = n
            elif n:
                self._below(n, depth - 1, start + i * span, data, inner)

    def contents(self, inode, pos, length):
        """Bytes of a file."""
        length = max(0, min(length, inode.bytes - pos))
        out = bytearray()
        for logical in range(pos // self.block_size,
                             -(-(pos + length) // self.block_size)):
            number = self.find(inode, logical)
            out += self.block(number) if number else bytes(self.block_size)
        at = pos % self.block_size
        return bytes(out[at:at + length])

    # ---- Directories ----

    def entries(self, number):
        """Entries of a directory, the free ones too."""
        inode = self.inode(number)
        if not stat.S_ISDIR(inode.mode):
            raise BadImage(f"inode {number} is no directory")
        found = []
        for logical in range(inode.size // self.block_size):
            block, at = self.block(self.find(inode, logical)), 0
            while at < self.block_size:
                e = Entry(logical, at, block)
                if (e.rec_len < 12 or e.rec_len % 4 or e.used > e.rec_len or
                        at + e.rec_len > self.block_size):
                    raise BadImage(
                        f"directory {number}, block {logical}: the entry at "
                        f"{at} has rec_len {e.rec_len}, name_len "
                        f"{e.name_len}")
                found.append(e)
                at += e.rec_len
        return found

    def names(self, number):
        """{name: (inode, type)} of a directory."""
        found = {}
        for e in self.entries(number):
            if e.ino:
                if e.name in found:
                    raise BadImage(f"directory {number} has two entries "
                                   f"{text(e.name)}")
                found[e.name] = (e.ino, e.type)
        return found

    def look_up(self, path):
        """The inode that a path leads to, or None."""
        number = ROOT
        for name in filter(None, path.encode().split(b"/")):
            number = self.names(number).get(name, (None,))[0]
            if number is None:
                return None
        return number


def clear_bits(bitmap, n):
    """Positions of the zeros among the first n bits."""
    return [8 * i + j for i, byte in enumerate(bitmap[:-(-n // 8)])
            if byte != 0xff for j in range(8)
            if not byte >> j & 1 and 8 * i + j < n]


def text(name):
    """A name for people."""
    return name.decode(errors="replace")
