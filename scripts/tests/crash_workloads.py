"""The workloads of the crash harness, as text: see ext2_host/workload.c.

one_operation() makes what CrashMonkey's ACE makes (Mohan et al., OSDI'18): each
operation over a small set of files, followed by each kind of sync. several()
are written by hand, each for a place where a journal can go wrong. streams() run
at the same time.
"""

import random

# The file set: foo has contents, bar does not exist, in three folders.
# Poison and old contents are everywhere else, so a block shown that was never
# written is found out.
PREPARED = """\
mkdir /A 0755
mkdir /B 0755
mkdir /C 0755
create /foo 0100644 0
write /foo 0 9000 1 9000
create /B/foo 0100644 0
write /B/foo 0 60000 4 60000
create /A/foo 0100644 0
write /A/foo 0 5000 2 5000
create /A/gone 0100644 0
write /A/gone 0 20000 3 20000
sync
unlink /A/gone
"""


def operations():
    """(name, lines, the file to be synced)."""
    files = ["/foo", "/A/foo", "/B/foo"]
    new = ["/bar", "/A/bar", "/B/bar"]
    for path in new:
        yield "creat", [f"create {path} 0100644 0"], path
        yield "mkdir", [f"mkdir {path} 0755"], path
        yield "mknod", [f"create {path} 0020600 {8 << 8 | 1}"], path
        yield "fifo", [f"create {path} 0010600 0"], path
        yield "symlink", [f"symlink short {path}"], path
        yield "longlink", [f"symlink {'long' * 40} {path}"], path
        for old in files:
            yield "link", [f"link {old} {path}"], path
            yield "rename", [f"rename {old} {path}"], path
        yield "renamedir", [f"rename /C {path}"], path
    for path in files:
        yield "unlink", [f"unlink {path}"], None
        yield "append", [f"write {path} {end(path)} 3000 11 3000"], path
        yield "appendbit", [f"write {path} {end(path)} 100 11 100"], path
        yield "appendbig", [f"write {path} {end(path)} 70000 11 70000"], path
        yield "overwrite", [f"write {path} 0 4096 12 4096"], path
        yield "overend", [f"write {path} {end(path) - 500} 1000 12 1000"], path
        yield "mapwrite", [f"mapwrite {path} 1500 77"], path
        yield "gap", [f"write {path} 20000 3000 13 3000"], path
        yield "fill", [f"write {path} 60000 3000 13 3000",
                       f"write {path} 24576 4096 14 4096"], path
        yield "fault", [f"write {path} {end(path)} 9000 15 5000"], path
        for size in (0, 1024, 2500, 4096, 16384, 100000):
            yield f"truncate{size}", [f"truncate {path} {size}"], path
        yield "cutgrow", [f"truncate {path} 700", f"truncate {path} 8000"], path
        yield "setattr", [f"setattr {path} 0600 7 8 99"], path
    yield "rename", ["rename /foo /A/foo"], "/A/foo"
    yield "rename", ["rename /A/foo /foo"], "/foo"
    yield "rename", ["rename /B/foo /foo"], "/foo"
    yield "rmdir", ["rmdir /C"], None
    yield "renamedir", ["rename /A /C"], "/C"
    yield "renamedir", ["rename /B /A/B"], "/A/B"
    yield "exchange", ["exchange /foo /A/foo"], "/foo"
    yield "exchange", ["exchange /A /foo"], "/foo"
    yield "setattr", ["setattr /A 0700 7 8 99"], "/A"


def end(path):
    return {"/foo": 9000, "/A/foo": 5000, "/B/foo": 60000}[path]


def one_operation(known):
    """Each operation, with each kind of sync. known: the commands there are."""
    number = 0
    for name, lines, path in operations():
        if not {line.split()[0] for line in lines} <= known:
            continue
        folder = (path or lines[0].split()[1]).rpartition("/")[0] or "/"
        syncs = [[], ["sync"], [f"fsync {folder}"]]
        if path:
            syncs.append([f"fsync {path}"])
        for sync in syncs:
            number += 1
            yield f"one{number}-{name}", PREPARED, lines + sync


# A file of data, a hole, data, and a hole at its end.
HOLES = PREPARED + """\
create /holes 0100644 0
write /holes 0 6000 5 6000
write /holes 30000 9000 6 9000
truncate /holes 50000
"""
KEEP_SIZE, PUNCH_HOLE, ZERO_RANGE = 1, 2, 16


def room():
    """fallocate: room, holes and zeros, beside writes to the same place, before
    or after it; with each kind of sync. A hole in the midst of blocks, one that
    is there, the end of the file; blocks and pages cut and whole."""
    for path, size in (("/foo", 9000), ("/holes", 50000)):
        for name, mode, begin, length in (
                ("room", 0, 8000, 15000),
                ("room-end", 0, size, 70000),
                ("room-inside", KEEP_SIZE, 3000, 5000),
                ("punch", PUNCH_HOLE | KEEP_SIZE, 1024, 3000),
                ("punch-pages", PUNCH_HOLE | KEEP_SIZE, 0, 8192),
                ("punch-end", PUNCH_HOLE | KEEP_SIZE, size - 4500, 10000),
                ("zero", ZERO_RANGE, 700, 7000),
                ("zero-end", ZERO_RANGE, size - 700, 20000),
                ("zero-inside", ZERO_RANGE | KEEP_SIZE, 512, size - 1024)):
            call = f"fallocate {path} {mode} {begin} {length}"
            write = f"write {path} {begin + 500} 2500 16 2500"
            for lines in ([call], [call, write], [write, call]):
                for sync in ([], ["sync"], [f"fsync {path}"]):
                    yield name, lines + sync


def nameless():
    """O_TMPFILE: made, written, given a name or not, with each kind of sync."""
    make = ["tmpfile 0 /A 0600"]
    write = ["write @0 0 9000 17 9000"]
    for name, lines in (("make", make), ("write", make + write),
                        ("link", make + ["link @0 /bar"]),
                        ("write-link", make + write + ["link @0 /A/bar"]),
                        ("link-write", make + ["link @0 /A/bar"] + write),
                        ("drop", make + write + ["drop 0"])):
        yield f"tmpfile-{name}", lines
        for at in range(1, len(lines) + 1):
            for sync in ("sync", "fsync @0", "fsync /A"):
                if sync != "fsync @0" or lines[at - 1] != "drop 0":
                    yield (f"tmpfile-{name}",
                           lines[:at] + [sync] + lines[at:])


def numbered(prefix, before, cases):
    for number, (name, lines) in enumerate(cases):
        yield f"{prefix}{number}-{name}", before, lines


def several(big):
    """Several operations. big: how many KiB fill the disk."""
    def case(name, *lines, before=PREPARED):
        cases.append((name, before, "\n".join(lines).split("\n")))

    cases = []
    hundred = [f"create /A/n{i} 0100644 0" for i in range(100)]
    # The circle of the log is gone round, blocks of it lie over older ones.
    case("log-wrap", *[line for i in range(40) for line in (
        f"create /w{i} 0100644 0", f"setattr /w{i} 0600 {i} 0 1",
        f"write /w{i} 0 2000 {i} 2000", "sync",
        f"unlink /w{i - 1}" if i else "mkdir /D 0755")])
    case("log-wrap-dirs", *[line for i in range(30) for line in (
        f"mkdir /d{i} 0755", f"symlink {'x' * 100} /d{i}/l", f"fsync /d{i}",
        f"unlink /d{i}/l", f"rmdir /d{i}")])
    case("log-full", *[f"create /A/file-with-a-long-name-{i} 0100644 0"
                       for i in range(60)], "sync",
         *[f"setattr /A/file-with-a-long-name-{i} 0600 {i} 1 1"
           for i in range(60)], "sync",
         *[f"unlink /A/file-with-a-long-name-{i}" for i in range(60)])
    # A block of metadata is freed and used again for data: its old version
    # in the log must not be replayed.
    case("revoke", "mkdir /D 0755", "create /D/f 0100644 0", "sync",
         "unlink /D/f", "rmdir /D", "sync", "create /n 0100644 0",
         "write /n 0 30000 21 30000", "fsync /n", "write /n 0 30000 22 30000",
         "sync")
    case("revoke-tree", "create /big 0100644 0", "write /big 0 60000 1 60000",
         "write /big 300000 5000 1 5000", "sync", "truncate /big 0", "sync",
         "write /foo 9000 60000 5 60000", "fsync /foo", "sync")
    case("revoke-unsynced", "mkdir /D 0755", "fsync /D", "rmdir /D",
         "create /n 0100644 0", "write /n 0 20000 23 20000", "fsync /n")
    case("revoke-again", "mkdir /D 0755", "fsync /D", "rmdir /D", "sync",
         "mkdir /E 0755", "create /E/x 0100644 0", "fsync /E/x", "rename /E/x /x",
         "rmdir /E", "sync", "write /x 0 9000 3 9000", "sync")
    case("revoke-twice", *[line for i in range(6) for line in (
        f"mkdir /D{i} 0755", f"create /D{i}/f 0100644 0", "sync",
        f"unlink /D{i}/f", f"rmdir /D{i}", "sync", f"create /n{i} 0100644 0",
        f"write /n{i} 0 4096 {i} 4096", f"fsync /n{i}")])
    case("revoke-link", f"symlink {'y' * 300} /l", "sync", "unlink /l", "sync",
         "write /foo 9000 20000 9 20000", "sync")
    case("reuse", "unlink /foo", "create /new 0100644 0",
         "write /new 0 9000 31 9000", "fsync /new")
    case("reuse-truncate", "truncate /foo 0", "write /A/foo 5000 20000 32 20000",
         "fsync /A/foo", "write /foo 0 9000 33 9000", "sync")
    case("reuse-many", *[line for i in range(8) for line in (
        f"create /r{i} 0100644 0", f"write /r{i} 0 30000 {i} 30000",
        f"unlink /r{i}")], "sync")
    case("reuse-inode", "unlink /foo", "mkdir /new 0755",
         "create /new/f 0100644 0", "write /new/f 0 100 1 100", "fsync /new/f")
    # Files without names.
    case("orphan", "hold 0 /foo", "unlink /foo", "sync", "create /x 0100644 0",
         "fsync /x", "drop 0", "sync")
    case("orphans", "hold 0 /foo", "hold 1 /A/foo", "unlink /A/foo",
         "unlink /foo", "sync", "drop 0", "sync", "drop 1", "sync")
    case("orphan-middle", "create /x 0100644 0", "write /x 0 9000 4 9000",
         "hold 0 /foo", "hold 1 /x", "hold 2 /A/foo", "unlink /foo",
         "unlink /x", "unlink /A/foo", "sync", "drop 1", "sync", "drop 0")
    case("orphan-over", "hold 0 /foo", "rename /A/foo /foo", "fsync /foo",
         "create /A/foo 0100644 0", "write /A/foo 0 20000 6 20000", "sync")
    case("orphan-dir", "hold 0 /C", "rmdir /C", "sync", "mkdir /C 0755",
         "fsync /C", "drop 0")
    case("orphan-big", "create /big 0100644 0", "write /big 0 300000 1 300000",
         "hold 0 /big", "sync", "unlink /big", "fsync /A", "drop 0", "sync")
    case("orphan-write", "hold 0 /foo", "write /foo 9000 60000 1 60000",
         "unlink /foo", "sync")
    case("tmpfile-replace", "tmpfile 0 /A 0644", "write @0 0 6000 41 6000",
         "fsync @0", "link @0 /new", "rename /new /foo", "fsync /",
         "write @0 6000 5000 42 5000", "fsync /foo", "drop 0")
    case("tmpfile-reuse", "tmpfile 0 /A 0644", "write @0 0 30000 41 30000",
         "sync", "drop 0", "write /foo 9000 30000 42 30000", "fsync /foo",
         "tmpfile 0 / 0644", "write @0 0 20000 43 20000", "sync",
         "link @0 /bar", "unlink /bar", "sync", "drop 0", "sync")
    case("tmpfile-several", *[line for i in range(6) for line in (
        f"tmpfile {i} /A 0640", f"write @{i} 0 {3000 * i} {i} {3000 * i}",
        f"link @{i} /t{i}" if i % 2 else "fsync /foo")], "sync",
        *[f"drop {i}" for i in (4, 1, 2, 0)], "sync", "link @3 /A/t", "fsync /A")
    # Holes: what they free is used by others.
    case("punch-reuse", "fallocate /B/foo 3 1500 50000",
         "write /foo 9000 45000 31 45000", "fsync /foo",
         "write /B/foo 9000 20000 32 20000", "sync")
    case("punch-tree", "create /big 0100644 0", "write /big 0 4000 1 4000",
         *[f"write /big {i * 270000} 3000 {i} 3000" for i in range(1, 6)],
         "sync", "fallocate /big 3 10000 1200000", "fsync /big",
         "write /foo 9000 60000 5 60000", "fsync /foo",
         "fallocate /big 0 300000 20000", "fallocate /big 16 1350000 50000",
         "sync")
    case("punch-often", *[line for i in range(10) for line in (
        f"fallocate /B/foo 3 {i * 5000} 6000",
        f"write /B/foo {i * 5000 + 2000} 1500 {i} 1500",
        "fsync /B/foo" if i % 3 else "fsync /A")])
    case("room-then-write", "fallocate /foo 0 9000 60000", "fsync /foo",
         *[line for i in range(8) for line in (
             f"write /foo {9000 + i * 7000} 3000 {i} 3000",
             "fsync /foo" if i % 2 else "fsync /A")],
         "truncate /foo 9000", "sync")
    # Names.
    case("rename-over", "create /t 0100644 0", "write /t 0 6000 41 6000",
         "fsync /t", "rename /t /foo", "fsync /foo")
    case("rename-over-unsynced", "create /t 0100644 0",
         "write /t 0 6000 41 6000", "rename /t /foo", "sync")
    case("rename-over-fast", *[line for i in range(8) for line in (
        f"create /t 0100644 0", f"write /t 0 3000 {i} 3000", "fsync /t",
        "rename /t /foo")])
    case("rename-dirs", "mkdir /A/sub 0755", "create /A/sub/f 0100644 0",
         "rename /A/sub /B/sub", "fsync /B", "rename /B/sub /sub", "sync",
         "rename /sub /A/sub2")
    case("rename-dir-over", "mkdir /A/sub 0755", "create /A/sub/f 0100644 0",
         "sync", "rename /A/sub /C", "fsync /C", "mkdir /A/sub 0755", "sync")
    case("rename-swap", "rename /foo /tmp", "rename /A/foo /foo",
         "rename /tmp /A/foo", "sync")
    case("rename-chain", *[f"rename /{a} /{b}" for a, b in zip(
        ["foo"] + list("abcdefgh"), "abcdefghi")], "sync", "rename /i /foo")
    case("links", *[f"link /foo /l{i}" for i in range(8)], "fsync /l3",
         *[f"unlink /l{i}" for i in range(8)], "unlink /foo", "sync")
    case("link-append", "sync", "write /foo 9000 100 51 100",
         "link /foo /A/l", "fsync /A", "write /foo 9100 5000 52 5000",
         "link /foo /A/l2", "fsync /A")
    case("attr-append", "sync", "write /foo 9000 90 51 90",
         "setattr /foo 0600 1 1 1", "fsync /B", "create /x 0100644 0",
         "fsync /x", "write /foo 9090 70000 51 70000",
         "setattr /foo 0640 1 1 1", "create /y 0100644 0", "fsync /y")
    case("dir-grow", *hundred, "fsync /A", *[f"unlink /A/n{i}" for i in
                                              range(0, 100, 2)], "sync")
    case("dir-grow-long", *[f"symlink t /A/{'long' * 50}{i}" for i in range(30)],
         "sync", *[f"unlink /A/{'long' * 50}{i}" for i in range(30)], "sync")
    case("dir-reuse", "mkdir /D 0755", *[
        f"create /D/{'n' * 200}{i} 0100644 0" for i in range(12)], "sync",
        *[f"unlink /D/{'n' * 200}{i}" for i in range(12)], "rmdir /D", "sync",
        "write /foo 9000 30000 7 30000", "sync")
    case("deep", *[f"mkdir {'/d' * i} 0755" for i in range(1, 9)],
         f"create {'/d' * 8}/f 0100644 0", f"fsync {'/d' * 8}/f",
         f"rename /d/d/d /B/d", "sync")
    case("many-types", "mkdir /D 0755", "create /D/c 0020600 257",
         "create /D/b 0060600 2049", "create /D/p 0010600 0",
         "symlink t /D/l", f"symlink {'u' * 90} /D/m", "fsync /D",
         "unlink /D/c", "unlink /D/m", "sync")
    # Large files, in several transactions.
    case("big-write", "create /big 0100644 0", "write /big 0 250000 3 250000",
         "fsync /big", "truncate /big 4096", "sync")
    case("big-cut", "create /big 0100644 0", "write /big 0 400000 3 400000",
         "sync", "truncate /big 1000", "fsync /big")
    case("big-sparse", "create /big 0100644 0",
         *[f"write /big {i * 300000} 3000 {i} 3000" for i in range(6)],
         "fsync /big", "truncate /big 0", "fsync /big",
         "write /A/foo 5000 30000 1 30000", "sync")
    case("big-unlink", "create /big 0100644 0",
         *[f"write /big {i * 700000} 3000 {i} 3000" for i in range(5)], "sync",
         "unlink /big", "sync")
    case("append-often", *[line for i in range(20) for line in (
        f"write /foo {9000 + 700 * i} 700 {i} 700", "fsync /foo")])
    case("append-two", *[line for i in range(10) for line in (
        f"write /foo {9000 + 3000 * i} 3000 {i} 3000",
        f"write /A/foo {5000 + 1700 * i} 1700 {i} 1700",
        "fsync /foo" if i % 3 else "fsync /A")])
    case("overwrite-often", *[line for i in range(8) for line in (
        f"write /foo {i * 1000} 2000 {i} 2000", "setattr /foo 0644 %d 0 1" % i,
        "fsync /A" if i % 2 else "fsync /foo")])
    case("cut-grow", *[line for i in range(6) for line in (
        f"truncate /foo {i * 700}", "truncate /foo 12000",
        f"write /foo {4000 + i * 500} 600 {i} 600", "fsync /foo")])
    case("holes", "create /h 0100644 0", "truncate /h 100000", "fsync /h",
         *[line for i in range(10) for line in (
             f"write /h {(i * 37 % 97) * 1000} 1500 {i} 1500",
             f"setattr /A 0700 {i} 0 1", "fsync /A")])
    # Nothing is left.
    case("disk-full", "create /full 0100644 0",
         f"write /full 0 {big << 10} 3 {big << 10}", "create /x 0100644 0",
         "write /x 0 3000 1 3000", "mkdir /D 0755", "sync", "unlink /full",
         "write /x 0 30000 1 30000", "fsync /x", "sync")
    case("disk-full-reuse", "create /full 0100644 0",
         f"write /full 0 {big << 10} 3 {big << 10}", "truncate /full 50000",
         "write /A/foo 5000 50000 6 50000", "fsync /A/foo", "unlink /full",
         "create /y 0100644 0", "write /y 0 90000 8 90000", "sync")
    case("disk-full-room", "create /full 0100644 0",
         f"fallocate /full 0 0 {big << 10}", "fallocate /foo 0 9000 90000",
         "sync", "fallocate /full 3 0 100000", "fallocate /foo 0 9000 90000",
         "tmpfile 0 /A 0600", "write @0 0 30000 3 30000", "link @0 /bar",
         "fsync /bar", "sync")
    # A part of a hole is filled; then, what is freed is waited for.
    case("disk-full-hole", "create /h 0100644 0", "truncate /h 100000",
         "create /full 0100644 0", f"write /full 0 {big << 10} 3 {big << 10}",
         "fallocate /full 3 0 20480", "sync", "unlink /B/foo",
         "write /h 0 60000 9 60000", "fsync /h")
    case("inodes-full", *[f"create /A/i{i} 0100644 0" for i in range(125)],
         "fsync /A", "mkdir /D 0755", "unlink /A/i3", "mkdir /D 0755", "sync")
    # A transaction in which nothing was changed.
    case("nothing-changed", *[f"create /A/i{i} 0100644 0" for i in range(125)],
         *["sync", "mkdir /D 0755", "sync", "setattr /foo 0600 7 8 99",
           "fsync /foo"] * 2)
    # What looks like the journal's own is data, and metadata.
    case("magic", "create /m 0100644 0", "magic /m 0", "magic /m 4096",
         "fsync /m", "magic /m 8192", "sync")
    case("magic-link", "sync", "magiclink /l", "fsync /", "unlink /l",
         "magiclink /l2", "sync")
    case("many-syncs", *[line for i in range(15) for line in (
        f"setattr /foo 0{600 + i % 8} {i} 0 1", "fsync /foo")])
    case("sync-nothing", "sync", "sync", "fsync /foo", "fsync /A",
         "setattr /A 0711 0 0 1", "fsync /foo", "sync")
    case("commit-timer", "create /t 0100644 0", "tick", "create /u 0100644 0",
         "write /u 0 5000 1 5000", "tick", "write /t 0 5000 2 5000", "tick",
         "unlink /u", "tick")
    return cases


def streams(number):
    """Three programs at once, each in its own folder."""
    rng = random.Random(number)
    lines = []
    for stream in (1, 2, 3):
        files, made = [], 0
        sizes = {}
        for _ in range(rng.randrange(8, 16)):
            kind = rng.randrange(11)
            made += 1
            name = f"/w{stream}/f{made}"
            file = rng.choice(files) if files else None
            if kind < 2 or not file:
                line = f"create {name} 0100644 0"
                files.append(name)
                sizes[name] = 0
            elif kind < 4:
                n = rng.choice([100, 3000, 20000])
                line = f"write {file} {sizes[file]} {n} {made} {n}"
                sizes[file] += n
            elif kind == 4:
                line = f"rename {file} {name}"
                files.remove(file)
                files.append(name)
                sizes[name] = sizes.pop(file)
            elif kind == 5:
                line = f"unlink {file}"
                files.remove(file)
                del sizes[file]
            elif kind == 6:
                line = f"mkdir {name} 0755"
            elif kind < 10:
                line = f"fsync {file}"
            else:
                line = rng.choice(["sync", f"setattr {file} 0600 1 2 3",
                                   f"truncate {file} {sizes[file]}"])
            lines.append(f"{stream}| {line}")
    return (f"streams{number}", "mkdir /w1 0755\nmkdir /w2 0755\n"
            "mkdir /w3 0755\ncreate /old 0100644 0\nwrite /old 0 9000 5 9000\n"
            "sync\nunlink /old\n", lines)


def wrap(number):
    """Three programs that keep the journal busy until its log is full."""
    lines = []
    for stream in (1, 2, 3):
        for i in range(30):
            name = f"/w{stream}/d{i}"
            lines += [f"{stream}| {line}" for line in (
                f"mkdir {name} 0755",
                f"symlink {'x' * (70 + number)} {name}/l", f"fsync {name}",
                f"unlink {name}/l", f"rmdir {name}")]
    return (f"streams-wrap{number}",
            "mkdir /w1 0755\nmkdir /w2 0755\nmkdir /w3 0755\n", lines)


def scarce(number, big):
    """On a full disk, what one frees is what the other gets, but not before it
    is committed."""
    before = "".join(
        f"mkdir /w{i} 0755\ncreate /w{i}/a 0100644 0\n"
        f"write /w{i}/a 0 40000 {i} 40000\n" for i in (1, 2, 3))
    before += f"create /full 0100644 0\nwrite /full 0 {big << 10} 3 {big << 10}\n"
    lines = [f"{1 + number % 3}| sync"]
    for stream in (1, 2, 3):
        for i in range(5):
            lines += [f"{stream}| truncate /w{stream}/a {8192 * (4 - i)}",
                      f"{stream}| create /w{stream}/b{i} 0100644 0",
                      f"{stream}| write /w{stream}/b{i} 0 8192 {i} 8192",
                      f"{stream}| fsync /w{stream}/b{i}"]
    return f"streams-scarce{number}", before, lines


def streams_of_room(number):
    """Three programs that punch, have room and make files without names."""
    rng = random.Random(number)
    before, lines = "", []
    for stream in (1, 2, 3):
        file, size = f"/w{stream}/f", 40000
        before += (f"mkdir /w{stream} 0755\ncreate {file} 0100644 0\n"
                   f"write {file} 0 {size} {stream} {size}\n")
        for i in range(12):
            begin, length = rng.randrange(size), rng.randrange(1, 20000)
            name = f"/w{stream}/t{i}"
            more = rng.choice([
                [f"fallocate {file} 3 {begin} {length}"],
                [f"fallocate {file} 16 {begin} {length}"],
                [f"fallocate {file} 0 {begin} {length}"],
                [f"write {file} {begin} {length} {i} {length}"],
                [f"tmpfile {stream} /w{stream} 0600",
                 f"write @{stream} 0 {length} {i} {length}",
                 rng.choice([f"link @{stream} {name}", "sync"]),
                 f"drop {stream}"],
                [f"fsync {file}"]])
            if "fallocate" in more[0] and " 3 " not in more[0] or \
                    "write" in more[0]:
                size = max(size, begin + length)
            lines += [f"{stream}| {line}" for line in more]
    return f"streams-room{number}", before, lines


def dropped(number, last):
    """Contents that are never written, since the file is cut, punched or
    unlinked before; while commits go on, which lead to their blocks."""
    before = ("mkdir /w1 0755\nmkdir /w2 0755\nmkdir /w3 0755\n"
              "create /w3/x 0100644 0\n")
    lines = []
    for stream in (1, 2):
        for i in range(12):
            name = f"/w{stream}/f{number}-{i}-0"
            lines += [f"{stream}| create {name} 0100644 0",
                      f"{stream}| write {name} 0 20000 {i} 20000",
                      f"{stream}| {last.format(name, stream)}"]
    for i in range(20):
        lines += [f"3| setattr /w3/x 0600 {i} 1 1", "3| fsync /w3/x"]
    return f"streams-dropped-{last.split()[0]}{number}", before, lines


def home(number):
    """One program commits much until blocks go home; while they do, and while
    the log is cut off there, the two others are changing some of them again."""
    rng = random.Random(number)
    lines = []
    for i in range(16):
        lines += [f"1| write /w1/f 0 {50000 + 1000 * i} {i} 70000",
                  "1| fsync /w1/f"]
    for stream in (2, 3):
        for i in range(40):
            name = f"/w{stream}/f{rng.randrange(4)}"
            lines += [f"{stream}| create {name}-{i} 0100644 0",
                      f"{stream}| setattr {name}-{i} 0600 {i} 1 1",
                      f"{stream}| rename {name}-{i} {name}"]
    return (f"streams-home{number}", "mkdir /w1 0755\nmkdir /w2 0755\n"
            "mkdir /w3 0755\ncreate /w1/f 0100644 0\n", lines)


def full(number):
    """Three programs that always have a commit to wait for, with a slow disk:
    with data=journal the log is full again and again, and what goes to it next
    goes over what has just been cut off."""
    lines = []
    for stream in (1, 2, 3):
        for i in range(14):
            size = 60000 + 10000 * ((number + i + stream) % 4)
            lines += [f"{stream}| write /w{stream}/f 0 {size} {i} {size}",
                      f"{stream}| fsync /w{stream}/f"]
    return (f"streams-full{number}", "slow 1000\n" + "".join(
        f"mkdir /w{i} 0755\ncreate /w{i}/f 0100644 0\n" for i in (1, 2, 3)),
        lines)


def text(known, big, concurrent=20):
    """All of them, as the enumerator reads them; and how many there are."""
    cases = list(one_operation(known)) + several(big) + list(
        numbered("room", HOLES, room())) + list(
        numbered("nameless", PREPARED, nameless())) + [
        streams(i) for i in range(concurrent)] + [
        streams_of_room(i) for i in range(concurrent // 3)] + [
        dropped(i, last) for i in range(4) for last in (
            "truncate {} 1000", "fallocate {} 3 2000 17000",
            "rename {} /w{}/over")] + [
        # These are where a commit is in the midst of writing others' data.
        dropped(i, "unlink {}") for i in (19, 25, 29, 32)] + [
        dropped(i, "truncate {} 1000") for i in (5, 6, 8)] + [
        case for i in range(3)
        for case in (wrap(i), scarce(i, big), home(i), full(i))]
    cases = [case for case in cases if {
        line.split("| ")[-1].split()[0] for line in case[2]} <= known]
    return "".join(f"= {name}\n{before}go\n" + "\n".join(lines) + "\n"
                   for name, before, lines in cases), len(cases)
