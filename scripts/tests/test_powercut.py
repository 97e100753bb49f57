"""Power cuts under the kernel itself: QEMU's blklogwrites notes what the disk
is told while a workload runs on four CPUs. Each state in which a cut could
have left the disk is recovered by ext2 compiled for the host, and judged by
e2fsck; a part of them is mounted by the kernel, which must see the same.

The many states of many workloads are crash_run.py's. Here it is shown that the
kernel, its driver and its threads do to a real disk what was enumerated there.
"""

import hashlib
import os
import random
import re
import struct
import subprocess
import zlib
from pathlib import Path

import pytest
from conftest import needs_user_space, run_tool
from ext2_model import Host, fsck
from test_ext2 import program  # noqa: F401 (fixture)

SECTOR = 512
KIB = 3000              # of the file system; behind it are the marks
MARKS = KIB * 1024 // SECTOR
STEPS = 45
SYNCED = 1000           # added to a mark: all up to it has been synced
CUTS = 8                # states after each write; many are the same
STATES = int(os.environ.get("POWERCUT_STATES", 80))
MOUNTED = STATES // 4   # of these, by the kernel
PATTERN = bytes(random.Random(1).randbytes(1 << 17))
LOG_MAGIC = 0x6a736677736872
LOG_FLUSH, LOG_FUA = 1, 2


class Workload:
    """Random calls, as lines for a shell; and the tree after each. What is
    written is appended, in one call, so that it is there wholly or not."""

    def __init__(self, seed):
        self.rng = random.Random(seed)
        self.files, self.folders, self.number = {}, {""}, 0
        self.lines, self.trees, self.synced = [], [self.tree()], set()
        while len(self.lines) < STEPS:
            self.lines.append(self.step())
            self.trees.append(self.tree())
            if self.rng.random() < 0.3:
                self.synced.add(len(self.lines))

    def tree(self):
        """{path: (kind, links, contents' size and sums)}."""
        seen = {}
        for path, content in self.files.items():
            links = sum(other is content for other in self.files.values())
            seen[path] = ("file", links, len(content), zlib.adler32(content),
                          hashlib.md5(content).hexdigest())
        for path in self.folders - {""}:
            inside = sum(p.rpartition("/")[0] == path for p in self.folders)
            seen[path] = ("folder", 2 + inside, 0, 0, "")
        return seen

    def name(self):
        self.number += 1
        return f"{self.rng.choice(sorted(self.folders))}/n{self.number}"

    def step(self):
        rng, files, name = self.rng, self.files, self.name()
        kind, old = rng.randrange(12), None
        if files:
            old = rng.choice(sorted(files))
        if kind < 3 or not old:
            files[name] = bytearray()
            return f": > .{name}"
        if kind < 6:
            size = rng.choice([1, 700, 5000, 16384])
            skip = rng.randrange(len(PATTERN) // size)
            files[old] += PATTERN[skip * size:(skip + 1) * size]
            return (f"dd if=/pattern of=.{old} bs={size} skip={skip} count=1 "
                    "oflag=append conv=notrunc")
        if kind < 7:
            self.folders.add(name)
            return f"mkdir .{name}"
        if kind < 8:
            del files[old]
            return f"rm .{old}"
        if kind < 10:
            to = name if kind < 9 else rng.choice(sorted(files))
            if files[to] is files[old] if to in files else False:
                return "true"
            files[to] = files.pop(old)
            return f"mv .{old} .{to}"
        if kind < 11:
            files[name] = files[old]
            return f"ln .{old} .{name}"
        # To a whole page: what is cut off within one is zeroed in place, which
        # ordered data does not undo (nor does Linux's).
        size = len(files[old]) // 2 // 4096 * 4096
        del files[old][size:]
        return f"truncate -s {size} .{old}"

    def script(self):
        """For a shell in the mounted folder: marks are written past the file
        system's end, without a flush: that happens when dd closes the disk."""
        mark = ("mark() { printf '%016d' $1 | dd of=/dev/sdb bs=512 "
                f"seek={MARKS} conv=notrunc; }}\n")
        text = "set -e\n" + mark
        for number, line in enumerate(self.lines, 1):
            text += f"{line}\nmark {number}\n"
            if number in self.synced:
                text += f"sync\nmark {SYNCED + number}\n"
        return text


def told(log):
    """What blklogwrites has noted, in the format of Linux's dm-log-writes:
    ("write", offset, bytes), ("lasts",) behind one that was written through,
    ("flush",), ("mark", number)."""
    data = Path(log).read_bytes()
    magic, version, count, sector = struct.unpack_from("<QQQI", data)
    assert (magic, version, sector) == (LOG_MAGIC, 1, SECTOR)
    at = SECTOR
    for _ in range(count):
        where, n, flags, _ = struct.unpack_from("<QQQQ", data, at)
        text = data[at + SECTOR:at + SECTOR + n * SECTOR]
        at += SECTOR + n * SECTOR
        if flags & LOG_FLUSH:
            yield ("flush",)
        if n and where >= MARKS:
            yield "mark", int(text[:16])
        elif n:
            yield "write", where * SECTOR, text
        if flags & LOG_FUA:
            yield ("lasts",)


def states(start, events, rng, cuts=CUTS, part=1):
    """(image, calls synced, calls that had ended) for states that a cut can
    leave, some for each write (or for a part of them): all up to some flush,
    and any part of what came after, in which one write may be torn."""
    lasting, since = bytearray(start), []
    ended = synced = 0
    for event in events:
        if event[0] == "mark" and event[1] > SYNCED:
            synced = event[1] - SYNCED
        elif event[0] == "mark":
            ended = event[1]
        elif event[0] in ("flush", "lasts"):
            settled = len(since) if event[0] == "flush" else 1
            for _, offset, data in since[len(since) - settled:]:
                lasting[offset:offset + len(data)] = data
            del since[len(since) - settled:]
        else:
            since.append(event)
            for _ in range(cuts if part == 1 or rng.random() < part else 0):
                yield cut(lasting, since, rng), synced, ended


def cut(lasting, since, rng):
    how = rng.randrange(4)
    kept = since if how == 0 else since[:-1] if how == 1 else [
        event for event in since if rng.random() < 0.5]
    image = bytearray(lasting)
    for _, offset, data in kept:
        image[offset:offset + len(data)] = data
    if how == 3:
        _, offset, data = rng.choice(since)
        part = rng.randrange(len(data) // SECTOR + 1) * SECTOR
        image[offset:offset + part] = data[:part]
    return bytes(image)


def new_disk(disk):
    """An empty file system, with room for the marks behind it; its bytes."""
    disk.write_bytes(bytes((KIB + 8) * 1024))
    subprocess.run(["mke2fs", "-q", "-F", "-t", "ext2", "-j", "-J", "size=1",
                    "-b", "1024", "-N", "200", "-O", "^resize_inode", disk,
                    str(KIB)], check=True)
    return disk.read_bytes()


def logged_disk(disk, log):
    """Options of scripts/run: a second disk, with a log of what it is told."""
    log.write_bytes(b"")
    return ["--qemu=-drive",
            f"--qemu=if=none,id=second,driver=blklogwrites,file.driver=file,"
            f"file.filename={disk},log.driver=file,log.filename={log}",
            "--qemu=-device", "--qemu=ide-hd,drive=second,bus=ide.1"]


def more_disks(images, folder):
    """The same for disks sdb, sdc... with these contents, kept in folder."""
    options = []
    for number, data in enumerate(images):
        path = folder / f"mounted{number}.img"
        path.write_bytes(data)
        options += [f"--qemu=-drive", f"--qemu=if=none,id=d{number},format=raw,"
                    f"cache=unsafe,file={path}", "--qemu=-device",
                    f"--qemu=ide-hd,drive=d{number},bus=ide.{number + 1}"]
    return options


@pytest.fixture(params=range(2))
def recorded(request, tmp_path):
    """A workload, the disk before it, and what the disk was told."""
    work = Workload(request.param)
    disk, log = tmp_path / "disk.img", tmp_path / "log"
    first = new_disk(disk)
    for name, data in (("pattern", PATTERN), ("work", work.script().encode())):
        (tmp_path / name).write_bytes(data)
    done = run_tool(
        "--put", f"{tmp_path}/pattern:/pattern", "--put",
        f"{tmp_path}/work:/work",
        *logged_disk(disk, log), "--", "sh", "-c", "mount -t ext2 /dev/sdb /mnt && cd /mnt && sh /work")
    assert done.returncode == 0, (done.stdout[-500:], done.stderr[-2000:])
    return work, first, list(told(log))


@needs_user_space
def test_states_after_power_cuts(program, recorded, tmp_path):  # noqa: F811
    """Whole, as it was after some call, all that was synced among it; by our
    recovery and e2fsck's; and so the kernel finds it."""
    judge(program, tmp_path, *recorded)


@needs_user_space
@pytest.mark.parametrize("recorded", [1], indirect=True)
def test_a_disk_that_does_not_flush_is_found_out(program,  # noqa: F811
                                                 recorded, tmp_path):
    """The judge can find fault."""
    work, first, events = recorded
    events = [e for e in events if e[0] not in ("flush", "lasts")]
    with pytest.raises(AssertionError, match="that was not there"):
        judge(program, tmp_path, work, first, events)


def judge(program, tmp_path, work, first, events):  # noqa: F811
    rng = random.Random(7)
    candidates = list(states(first, events, rng))
    rng.shuffle(candidates)
    done, kept = set(), []
    for image, synced, ended in candidates:
        digest = hashlib.sha256(image).digest()
        if digest in done or len(done) == STATES:
            continue
        done.add(digest)
        ours, theirs = tmp_path / "ours.img", tmp_path / "theirs.img"
        ours.write_bytes(image)
        theirs.write_bytes(image)
        found = seen_by_host(program, ours)
        assert fsck(ours) is None
        assert found in map(for_host, work.trees[synced:ended + 2]), (
            f"a tree that was not there from call {synced} to {ended + 1}")
        assert fsck(theirs) is None
        assert seen_by_host(program, theirs) == found
        if len(kept) < MOUNTED:
            number = [for_host(t) for t in work.trees].index(found)
            kept.append((image, for_guest(work.trees[number])))
    assert len(done) > STATES / 2
    for at in range(0, len(kept), 5):
        part = kept[at:at + 5]
        assert seen_by_kernel([image for image, _ in part], tmp_path) == [
            tree for _, tree in part]


def for_host(tree):
    return {path: what[:4] for path, what in tree.items()}


def for_guest(tree):
    return {path: (*what[:3], what[4]) for path, what in tree.items()}


def seen_by_host(program, image):  # noqa: F811
    """The tree after a mount, which recovers. The image is written back."""
    host = Host(program, str(image))
    assert host("mount", 0) == ["0"]
    found = listed(host, "")
    host("unmount")
    host("save", image)
    host.close()
    return found


def listed(host, path):
    seen = {}
    for word in host("list", path or "/"):
        name = word.rpartition(":")[0]
        if name in (".", "..", "lost+found"):
            continue
        full = f"{path}/{name}"
        mode, nlink, _, _, size = host("stat", full)[:5]
        if int(mode, 8) & 0o170000 == 0o040000:
            seen[full] = ("folder", int(nlink), 0, 0)
            seen.update(listed(host, full))
        else:
            total = int(host("read", full, 0, int(size))[1]) if int(size) else 1
            seen[full] = ("file", int(nlink), int(size), total)
    return seen


SHOW = """
for disk in b c d e f; do
	[ -b /dev/sd$disk ] || continue
	echo "disk"
	mount -t ext2 /dev/sd$disk /mnt || exit 1
	cd /mnt
	rmdir lost+found
	find . -type d -exec stat -c 'folder %h 0 - %n' {} +
	find . -type f | while read f; do
		echo "$(stat -c 'file %h %s' $f) $(md5sum < $f | cut -c1-32) $f"
	done
	cd /
	umount /mnt
done
"""


def seen_by_kernel(images, folder):
    """The trees of several disks, mounted in one boot."""
    (folder / "show").write_text(SHOW)
    done = run_tool(*more_disks(images, folder), "--put", f"{folder}/show:/show", "--", "sh",
                    "/show")
    assert done.returncode == 0, (done.stdout[-500:], done.stderr[-2000:])
    for number in range(len(images)):
        assert fsck(folder / f"mounted{number}.img") is None
    return [tree_of(text) for text in done.stdout.split("disk\n")[1:]]


def tree_of(text):
    seen = {}
    for kind, links, size, total, path in re.findall(
            r"(\w+) (\d+) (\d+) (\S+) \.(\S*)\n", text):
        if path:
            seen[path] = (kind, int(links), int(size),
                          "" if kind == "folder" else total)
    return seen
