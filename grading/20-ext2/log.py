"""A journal's log as the host writes it, in the format of JBD2, and what
replaying it has to do to a disk.

Here no file system is needed: a disk of random bytes, some of its blocks the
journal's, and transactions that log others.
"""

import struct

MAGIC = 0xc03b3998
DESCRIPTOR, COMMIT, SUPER, REVOKE = 1, 2, 4, 5
I_REVOKE, I_64BIT, I_CSUM3 = 0x1, 0x2, 0x10
ESCAPED, SAME_UUID, LAST = 0x1, 0x2, 0x8
BLOCKS = 1024           # of a journal: the fewest that one may have
FIRST = 1

# CRC-32C, Castagnoli's polynomial, bits reversed.
CRC = []
for i in range(256):
    for _ in range(8):
        i = i >> 1 ^ (0x82f63b78 if i & 1 else 0)
    CRC.append(i)


def crc32c(crc, data):
    """Go on from crc; ~0 to begin."""
    for byte in data:
        crc = CRC[crc & 0xff ^ byte] ^ crc >> 8
    return crc


class Log:
    """A disk of random bytes with a journal on it, which is being written."""

    def __init__(self, rng, block_size=1024, checked=True, wide=False,
                 sequence=None, start=None):
        self.rng, self.block_size = rng, block_size
        self.checked, self.wide = checked, wide
        n = BLOCKS * 2 + 400
        self.disk = [rng.randbytes(block_size) for _ in range(n)]
        self.runs = self._lay_out(n)
        self.places = [b for log, count, b in self.runs
                       for b in range(b, b + count)]
        own = set(self.places)
        self.others = [b for b in range(n) if b not in own]
        self.uuid = rng.randbytes(16)
        self.seed = crc32c(0xffffffff, self.uuid)
        self.tid = rng.randrange(2, 1 << 32) if sequence is None else sequence
        self.sequence = self.tid
        self.start = self.at = start or rng.choice(
            [FIRST, BLOCKS - rng.randrange(1, 40),
             rng.randrange(FIRST, BLOCKS)])
        self.transactions = []      # [(tid, [(block, data)], [revoked])]
        self.gathered = self._nothing()

    def _lay_out(self, n):
        """Runs of the journal's blocks, anywhere on the disk."""
        cuts = sorted(self.rng.sample(range(1, BLOCKS), 11))
        lengths = [b - a for a, b in zip([0, *cuts], [*cuts, BLOCKS])]
        gaps = sorted(self.rng.sample(range(n - BLOCKS), len(lengths)))
        places, at = [], 0
        for i in self.rng.sample(range(len(lengths)), len(lengths)):
            places.append((i, at + gaps[len(places)]))
            at += lengths[i]
        starts = dict(places)
        runs, log = [], 0
        for i, length in enumerate(lengths):
            runs.append((log, length, starts[i]))
            log += length
        return runs

    @staticmethod
    def _nothing():
        return [], []

    # ---- Writing ----

    def put(self, data):
        """Write the log's next block."""
        assert len(data) == self.block_size
        self.disk[self.places[self.at]] = bytes(data)
        self.at = self.at + 1 if self.at + 1 < BLOCKS else FIRST

    def header(self, kind, tid=None):
        """What each block of the journal's own begins with."""
        return struct.pack(">III", MAGIC, kind,
                           (self.tid if tid is None else tid) & 0xffffffff)

    def own(self, data, at=None, good=True):
        """Pad a block and write its checksum, in its tail or at `at`."""
        raw = bytearray(data.ljust(self.block_size, b"\0"))
        if self.checked:
            at = self.block_size - 4 if at is None else at
            raw[at:at + 4] = bytes(4)
            crc = crc32c(self.seed, raw) ^ (0 if good else 0x10)
            struct.pack_into(">I", raw, at, crc)
        return raw

    def _tag(self, block, data, flags):
        if not self.checked:
            return (struct.pack(">IHH", block & 0xffffffff, 0, flags) +
                    (struct.pack(">I", block >> 32) if self.wide else b""))
        sequence = struct.pack(">I", self.tid)
        crc = crc32c(crc32c(self.seed, sequence), data)
        return struct.pack(">IIII", block & 0xffffffff, flags, block >> 32,
                           crc)

    def log(self, blocks, good=True, spoil=None, last=True):
        """A descriptor and the blocks that it describes: [(block, data)].
        good: its checksum is; spoil: of this block, what is logged is not
        what its tag says; last: the tags have an end."""
        tags, logged = b"", []
        for i, (block, data) in enumerate(blocks):
            flags = SAME_UUID if i else 0
            if last and i == len(blocks) - 1:
                flags |= LAST
            out = data
            if data[:4] == struct.pack(">I", MAGIC):
                flags |= ESCAPED
                out = bytes(4) + data[4:]
            tags += self._tag(block, out, flags)
            tags += b"" if i else self.uuid
            logged.append(out if block != spoil else out[:-1] + bytes(
                [out[-1] ^ 0x40]))
        if not last:    # nothing ends them
            tag = self._tag(7, bytes(self.block_size), SAME_UUID)
            tags += tag * (self.block_size // len(tag))
            tags = tags[:self.block_size - 12]
        self.put(self.own(self.header(DESCRIPTOR) + tags, good=good))
        for data in logged:
            self.put(data)
        self.gathered[0].extend(blocks)

    def most_tags(self):
        """How many blocks a descriptor can describe."""
        tag = 16 if self.checked else 12 if self.wide else 8
        return (self.block_size - 12 - 16 - 4) // tag

    def revoke(self, blocks, good=True):
        """A revoke block."""
        form = ">Q" if self.wide else ">I"
        numbers = b"".join(struct.pack(form, b) for b in blocks)
        self.put(self.own(self.header(REVOKE) + struct.pack(
            ">I", 16 + len(numbers)) + numbers, good=good))
        self.gathered[1].extend(blocks)

    def commit(self, good=True, tid=None):
        """A commit block; the transaction has happened."""
        self.put(self.own(self.header(COMMIT, tid) + self.rng.randbytes(48),
                          at=16, good=good))
        if good and tid is None:
            self.transactions.append((self.tid, *self.gathered))
        self.gathered = self._nothing()
        self.tid = (self.tid + 1) & 0xffffffff

    def old_log(self):
        """What an earlier time has left all over the log: transactions that
        look right but for their numbers."""
        tid, start = self.tid, self.at
        self.tid = (tid - 400) & 0xffffffff
        self.at = FIRST
        for _ in range(BLOCKS // 5):
            self.log([(self.rng.choice(self.others),
                       self.rng.randbytes(self.block_size))
                      for _ in range(2)])
            self.revoke(self.rng.sample(self.others, 5))
            self.commit()
        self.transactions.clear()
        self.tid, self.at = tid, start

    def block(self):
        """A block to log: contents at random, now and then like ours."""
        data = self.rng.randbytes(self.block_size)
        if self.rng.random() < 0.1:
            data = self.header(self.rng.choice([DESCRIPTOR, COMMIT, REVOKE])
                               ) + data[12:]
        return data

    def some(self, n, among=None):
        """n blocks of the disk, to be logged."""
        return [(b, self.block())
                for b in self.rng.sample(among or self.others, n)]

    # ---- What is to come of it ----

    def super_block(self):
        """The journal's superblock."""
        incompat = (I_REVOKE | (I_CSUM3 if self.checked else 0) |
                    (I_64BIT if self.wide else 0))
        raw = bytearray(1024)
        struct.pack_into(
            ">IIIIIIIIIIII", raw, 0, MAGIC, SUPER, 0, self.block_size,
            BLOCKS, FIRST, self.sequence, self.start, 0, 0, incompat, 0)
        raw[48:64] = self.uuid
        struct.pack_into(">I", raw, 64, 1)
        if self.checked:
            raw[80] = 4
            struct.pack_into(">I", raw, 252, crc32c(0xffffffff, raw))
        return bytes(raw).ljust(self.block_size, b"\0")

    def image(self):
        """The disk's bytes before the log is replayed."""
        self.disk[self.places[0]] = self.super_block()
        return b"".join(self.disk)

    def replayed(self):
        """{block: contents} after it."""
        after = {b: self.disk[b] for b in self.others}
        order = {tid: i for i, (tid, _, _) in enumerate(self.transactions)}
        revoked = {}
        for tid, _, blocks in self.transactions:
            for b in blocks:
                revoked[b] = order[tid]
        for tid, blocks, _ in self.transactions:
            for b, data in blocks:
                if revoked.get(b, -1) < order[tid]:
                    after[b] = data
        return after
