"""Exercise 5: logs are replayed."""

import struct

from disk import Disk, debugfs, make, name_of, sound
from grading.points import expect, points, require
from image import Image
from log import BLOCKS, DESCRIPTOR, FIRST, MAGIC, Log
from test_map import same_bytes

FORMS = ((1024, True, False), (4096, True, False), (1024, False, False),
         (1024, False, True), (1024, True, True))


def recover(disk, log):
    """Have a log replayed. @return: its error, the disk after it"""
    disk.insert(log.image())
    disk.kernel.write_symbol("agent_runs", b"".join(
        struct.pack("<IIQ", *run) for run in log.runs))
    got = disk.call("agent_recover", log.block_size, len(log.runs))
    disk.run()
    raw, size = disk.bytes(), log.block_size
    return name_of(got.value), [raw[i * size:(i + 1) * size]
                                for i in range(len(log.disk))]


def check(disk, log, what):
    """It is replayed: every block of the disk is what it should be."""
    error, after = recover(disk, log)
    expect(f"replaying {what}", error, "0")
    n = len(log.transactions)
    last = {b: tid for tid, blocks, _ in log.transactions for b, _ in blocks}
    wanted = log.replayed()
    for b in log.others:
        why = (f"block {b} of the disk after replaying {what} "
               f"({n} transactions from {log.sequence} on)")
        if b in last:
            why += f", logged last by {last[b]}"
        same_bytes(why, after[b], wanted[b])
    start, = struct.unpack_from(">I", after[log.places[0]], 28)
    expect("where the journal's superblock says that the log begins, after "
           f"replaying {what}", start, 0, "0: the log is empty")
    said, = struct.unpack_from(">I", after[log.places[0]], 24)
    require(said - log.sequence & 0xffffffff >= n and
            said - log.sequence & 0xffffffff < 1 << 31,
            "the next transaction's number in the journal's superblock",
            f"one behind {log.sequence} + {n} transactions", said)


def transactions(log, n, among=None):
    """n ordinary ones."""
    rng = log.rng
    for _ in range(n):
        for _ in range(rng.randrange(1, 3)):
            count = rng.choice([1, 2, 5, 20])
            log.log(log.some(min(count, log.most_tags()), among))
        log.commit()


@points(5, exercise=5, see="walk, walk_one, walk_tags, replay")
def test_logs_are_replayed(boot, rng):
    """What committed transactions have logged is written, the last last."""
    disk = Disk(boot())
    for form in FORMS:
        log = Log(rng, *form)
        log.old_log()
        # Some blocks are logged again and again.
        transactions(log, 8, rng.sample(log.others, 60))
        log.log(log.some(log.most_tags()))
        log.commit()
        transactions(log, 3)
        check(disk, log, "a log")
    log = Log(rng, start=BLOCKS - rng.randrange(2, 20))
    log.log(log.some(20))
    log.commit()
    check(disk, log, "a log that goes on at its beginning")
    log = Log(rng)
    check(disk, log, "a log in which there is nothing but its beginning")


@points(4, exercise=5, rule="LOG1", see="walk, walk_one")
def test_torn_transactions_never_happened(boot, rng):
    """Where the power failed in a transaction, the log ends before it."""
    disk = Disk(boot())
    for torn in (no_commit, old_commit, next_commit, bad_commit,
                 bad_descriptor, no_last_tag, bad_revoke, other_magic):
        checksum = torn in (bad_commit, bad_descriptor, bad_revoke)
        forms = [f for f in FORMS[:4] if f[1] or not checksum]
        for form in rng.sample(forms, rng.randrange(1, len(forms)) + 1):
            log = Log(rng, *form)
            if form[0] == 1024:
                log.old_log()
            among = rng.sample(log.others, 40)
            transactions(log, rng.randrange(1, 4), among)
            torn(log, among)
            check(disk, log, f"a log that ends in {torn.__doc__}")


def behind(log, among):
    """What the disk had written already of the next transaction."""
    kept = log.transactions[:]
    log.gathered = [], []
    log.revoke(among[:10])
    log.log(log.some(3, among))
    log.commit()
    log.transactions[:] = kept


def no_commit(log, among):
    """a transaction without a commit block"""
    log.log(log.some(5, among))
    log.revoke(among[:20])


def old_commit(log, among):
    """a commit block of an earlier transaction"""
    log.log(log.some(5, among))
    log.revoke(among[:20])
    log.commit(tid=log.tid - 1)
    behind(log, among)


def next_commit(log, among):
    """a transaction without a commit block, and then whole ones"""
    log.log(log.some(5, among))
    log.tid = log.tid + 1 & 0xffffffff
    behind(log, among)


def bad_commit(log, among):
    """a commit block with a wrong checksum"""
    log.log(log.some(5, among))
    log.commit(good=False)
    behind(log, among)


def bad_descriptor(log, among):
    """a descriptor with a wrong checksum"""
    log.log(log.some(5, among), good=False)
    kept = log.transactions[:]
    log.commit()
    log.transactions[:] = kept


def bad_revoke(log, among):
    """a revoke block with a wrong checksum"""
    log.log(log.some(5, among))
    log.revoke(among[:20], good=False)
    kept = log.transactions[:]
    log.commit()
    log.transactions[:] = kept


def no_last_tag(log, among):
    """a descriptor whose tags have no end"""
    log.log(log.some(2, among), last=False)


def other_magic(log, among):
    """a block that is none of the journal's"""
    log.log(log.some(5, among))
    log.put(log.own(struct.pack(">III", MAGIC ^ 1, DESCRIPTOR, log.tid)))
    behind(log, among)


@points(4, exercise=5, see="revoke, is_revoked, walk_one")
def test_revoked_blocks_are_left(boot, rng):
    """What a later transaction, or its own, has revoked is not written."""
    disk = Disk(boot())
    for i, form in enumerate(FORMS):
        # Numbers of transactions may pass 2^32.
        log = Log(rng, *form, sequence=[None, 2**32 - 3][i % 2])
        among = rng.sample(log.others, 80)
        if form[0] == 1024:
            log.old_log()
        for _ in range(9):
            first = rng.random() < 0.5
            if first:
                log.log(log.some(12, among))
            log.revoke(rng.sample(among, rng.choice([0, 1, 6, 25])))
            if not first:
                log.log(log.some(12, among))
            log.commit()
        check(disk, log, "a log with revoked blocks")
    log = Log(rng)
    for part in range(0, 800, 200):     # more than fit in a page's table
        log.log(log.some(20, log.others[part:part + 200]))
        log.revoke(log.others[part:part + 200])
        log.commit()
    check(disk, log, "a log with 800 revoked blocks")


@points(2, exercise=5, see="replay, walk_tags")
def test_escaped_blocks_are_whole(boot, rng):
    """A block that begins as the journal's own do is written as it was."""
    disk = Disk(boot())
    for form in FORMS:
        log = Log(rng, *form)
        log.log([(b, log.header(DESCRIPTOR) + data[12:])
                 for b, data in log.some(6)])
        log.commit()
        check(disk, log, "a log with escaped blocks")


@points(2, exercise=5, see="replay, walk, walk_one, walk_tags")
def test_damage_is_told(boot, rng):
    """A committed block that cannot be written is damage; every log ends."""
    disk = Disk(boot())
    for form in FORMS:
        log = Log(rng, *form)
        transactions(log, 2)
        beyond = len(log.disk) + rng.choice([0, 1, 100000, 2**31])
        if log.wide and rng.random() < 0.5:
            beyond = log.others[0] + (1 << 32)
        log.log([*log.some(3), (beyond, log.block())])
        log.commit()
        error, _ = recover(disk, log)
        expect("replaying a log with a block that is beyond the disk's end",
               error, "-EUCLEAN")
        if log.checked:
            log = Log(rng, *form)
            blocks = log.some(5)
            log.log(blocks, spoil=blocks[2][0])
            log.commit()
            transactions(log, 1)
            error, _ = recover(disk, log)
            expect("replaying a log in which a block is not what its tag's "
                   "checksum says", error, "-EUCLEAN")
    log = Log(rng, checked=False)
    while log.at != log.start or log.gathered == ([], []):
        log.revoke(rng.sample(log.others, 3))
    check(disk, log, "a log full of revoke blocks, without a commit block")
    log = Log(rng)
    log.at = log.start
    transactions(log, 2)
    left = BLOCKS - FIRST - 1 - (log.at - log.start) % (BLOCKS - FIRST)
    while left > 3:                     # full to the last block
        n = min(left - 2, log.most_tags())
        log.log(log.some(n))
        log.commit()
        left -= n + 2
    check(disk, log, "a log that is full")


@points(3, exercise=5, rule="EXT4", see="walk, replay")
def test_logs_of_other_systems(boot, rng, host):
    """A log that debugfs has written is replayed when the disk is mounted."""
    disk = Disk(boot())
    for kind in "journal", "journal4k":
        image = make(host, kind, "write /dev/null f")
        size = image.block_size
        own = rng.sample(image.free_blocks(), 24)
        inode = image.inode(image.look_up("f"))
        image.plant(inode, {i: rng.randbytes(size) for i in range(10)},
                    lambda: own.pop())
        image.recount()
        blocks = list(image.blocks_of(inode)[0].values())
        first = {b: bytes(image.block(b)) for b in blocks}
        wanted = dict(first)
        path = host.path("log.img", bytes(image.data))
        words = ["jo" + rng.choice(["", " -c -v 3"])]
        for i in range(4):
            some = rng.sample(blocks, 4)
            data = [rng.randbytes(size) for _ in some]
            if i == 1:      # as a block of the journal's begins
                data[0] = struct.pack(">I", MAGIC) + data[0][4:]
            file = host.path(f"data{i}", b"".join(data))
            words.append(f"jw -b {','.join(map(str, some))} {file}")
            wanted.update(zip(some, data))
            if i == 2:
                gone = [b for b in blocks if b not in some][0]
                words.append(f"jw -r {gone}")
                wanted[gone] = first[gone]
        debugfs(host, path, *words, "jc")
        disk.mount(Image(path.read_bytes()))
        after = disk.unmount()
        for b in blocks:
            same_bytes(f"block {b} of the disk after replaying",
                       bytes(after.block(b)), wanted[b])
        sound(host, after, "after replaying")
