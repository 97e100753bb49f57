"""Exercise 4: files that grow, on disks with and without a journal."""

from disk import Disk, make, name_of, number, sound
from grading.points import expect, points, require
from image import DIRECT
from test_map import same_bytes

ENOSPC = -28


class Files:
    """Files on the disk under test, and what they should hold."""

    def __init__(self, disk, rng, image):
        self.disk, self.rng, self.image = disk, rng, image
        image.soil(rng)
        self.files = {}             # name -> {logical: bytearray}
        self.sizes = {}

    def place(self):
        """Where to write: in any of the trees, near their edges or not."""
        rng, slots = self.rng, self.image.slots
        start = rng.choice([0, DIRECT, DIRECT + slots,
                            DIRECT + slots + slots ** 2])
        block = max(0, start + rng.choice([
            -2, -1, 0, 1, slots - 1, rng.randrange(slots),
            rng.randrange(slots ** 2)]))
        return block * self.image.block_size + rng.choice(
            [0, 0, rng.randrange(self.image.block_size)])

    def write(self, name, pos, length):
        """Add a write to the program; the call."""
        data, size = self.rng.randbytes(length), self.image.block_size
        file = self.files.setdefault(name, {})
        at = 0
        while at < length:
            logical, start = divmod(pos + at, size)
            n = min(size - start, length - at)
            file.setdefault(logical, bytearray(size))[start:start + n] = \
                data[at:at + n]
            at += n
        self.sizes[name] = max(self.sizes.get(name, 0), pos + length)
        return length, self.disk.call("agent_write", self.disk.path(name),
                                      pos, length, self.disk.room(data))

    def write_some(self, names, n):
        """n writes, made."""
        calls = []
        for _ in range(n):
            name, pos = self.rng.choice(names), self.place()
            calls.append((name, pos, self.write(
                name, pos, self.rng.choice([1, 100, 1024, 5000, 30000]))))
            if self.disk.full:
                self.made(calls)
                calls = []
        self.made(calls)

    def made(self, calls):
        """Run; the writes must have been made."""
        self.disk.run()
        for name, pos, (length, got) in calls:
            expect(f"a write of {length} bytes at {pos} of {name}",
                   name_of(got.value), str(length))

    def check(self, image, names, when):
        """The files are what they should be, block by block."""
        for name in names:
            ino = image.look_up(name)
            require(ino, f"file {name} {when}", "to be there", "it is not")
            inode = image.inode(ino)
            expect(f"size of {name} {when}", inode.bytes, self.sizes[name])
            seen = image.blocks_of(inode)[0]
            file = self.files[name]
            for logical in sorted(file.keys() | seen.keys()):
                what = f"block {logical} of {name} {when}"
                require(logical in seen, what, "a block of the disk",
                        "a hole", "it was written to")
                expect(f"{what}: a block or a hole",
                       "hole" if logical not in file else "block", "block",
                       "a block where nothing was written")
                same_bytes(what, bytes(image.block(seen[logical])),
                           bytes(file[logical]))


def free_of(image):
    """(free blocks, free inodes)."""
    return len(image.free_blocks()), len(image.free_inodes())


@points(6, exercise=4, rule="EXT5", see="leaf_make, leaf_grow, leaf_set")
def test_files_grow(boot, rng, host):
    """Files grow at any place: what is written is there, the rest holes."""
    disk = Disk(boot())
    for kind in "1k", "4k":
        image = make(host, kind)
        files, names = Files(disk, rng, image), ["a", "b", "c"]
        disk.mount(image)
        for _ in range(3):
            files.write_some(names, 14)
            image = sound(host, disk.unmount(), "after files were written")
            files.check(image, sorted(files.files),
                        "after files were written")
            disk.mount(image)
        disk.unmount()


@points(3, exercise=4, see="leaf_grow, leaf_make")
def test_files_lie_in_one_piece(boot, rng, host):
    """A file that is written from its start lies in one piece."""
    disk = Disk(boot())
    image = make(host, "journal")
    files = Files(disk, rng, image)
    disk.mount(image)
    pos, calls = 0, []
    while pos < 600 << 10:
        n = rng.randrange(1, 40) << 10
        calls.append(("a", pos, files.write("a", pos, n)))
        pos += n
        if disk.full:
            files.made(calls)
            calls = []
    files.made(calls)
    image = sound(host, disk.unmount(), "after a file was written")
    files.check(image, ["a"], "after it was written")
    data, inner = image.blocks_of(image.inode(image.look_up("a")))
    blocks = sorted([*data.values(), *inner])
    expect("blocks between a file's first block and its last that are not "
           f"its own, of {len(blocks)}",
           blocks[-1] - blocks[0] + 1 - len(blocks), (0, 64),
           "the inner blocks lie among the data; what is not used of a "
           "window is given back")
    order = [data[i] for i in sorted(data)]
    breaks = sum(b != a + 1 for a, b in zip(order, order[1:]))
    expect(f"breaks in a file of {len(order)} blocks", breaks, (0, 20))


@points(5, exercise=4, rule="EXT4, EXT8", see="leaf_set, leaf_grow")
def test_synced_files_outlive_the_power(boot, rng, host):
    """With a journal, what was synced is there after the power failed."""
    disk = Disk(boot())
    for kind in "journal", "journal4k":
        image = make(host, kind)
        files, names = Files(disk, rng, image), ["a", "b", "c"]
        disk.mount(image)
        for i in range(3):
            files.write_some(names, 7)
            synced = disk.call("agent_sync")
            disk.run()
            expect("sync", name_of(synced.value), "0")
            # The next file's operations are in no transaction yet.
            later = Files(disk, rng, image)
            later.write_some([f"later{i}"], 2)
            when = "after a sync, when the power failed"
            files.check(sound(host, disk.image(), when, replay=True),
                        sorted(files.files), when)
        disk.unmount()


@points(3, exercise=4, see="leaf_make, leaf_grow")
def test_a_full_disk_stays_whole(boot, rng, host):
    """When the disk is full, a write says so and the disk stays whole."""
    disk = Disk(boot())
    for kind in "1k", "journal":
        image = make(host, kind)
        before = free_of(image)
        files = Files(disk, rng, image)
        disk.mount(image)
        files.write_some(["a"], 10)
        said, n = set(), 0
        while ENOSPC not in said:
            n += 1
            require(n < 100, "writes on a full disk", "-ENOSPC",
                    "they go on and on")
            calls = [disk.call(
                "agent_write", disk.path(f"b{i}"), files.place(), 50000,
                disk.room(50000)) for i in range(8)]
            disk.run()
            said |= {number(c.value) for c in calls}
        image = sound(host, disk.unmount(), "when the disk is full")
        files.check(image, ["a"], "when the disk is full")
        disk.mount(image)
        gone = [disk.call("agent_unlink", disk.path(name)) for name in
                ["a", *(f"b{i}" for i in range(8))]]
        disk.run()
        for got in gone:
            expect("unlink", name_of(got.value), "0")
        image = sound(host, disk.unmount(), "after all files were removed")
        expect("blocks and inodes that are free after all files were removed",
               str(free_of(image)), str(before))


@points(3, exercise=4, rule="EXT6", see="leaf_set, leaf_make")
def test_directories_grow(boot, rng, host):
    """Directories grow, are made in one another, and all goes again."""
    disk = Disk(boot())
    for kind in "1k", "journal4k":
        image = make(host, kind)
        before = free_of(image)
        image.soil(rng)
        disk.mount(image)
        dirs, names = [""], []
        for i in range(25):
            dirs.append(f"{rng.choice(dirs)}/directory{i}".strip("/"))
        many = rng.choice(dirs)
        for i in range(250):
            names.append(f"{many}/a-name-that-takes-some-room-{i:04}")
        calls = [(d, disk.call("agent_mkdir", disk.path(d)))
                 for d in dirs[1:]]
        calls += [(n, disk.call("agent_make", disk.path(n))) for n in names]
        disk.run()
        for name, got in calls:
            require(number(got.value) >= 0, f"making {name}", "success",
                    name_of(got.value))
        image = sound(host, disk.unmount(), "after directories were made")
        for name in dirs[1:] + rng.sample(names, 20):
            require(image.look_up(name), name, "to be there", "it is not")
        disk.mount(image)
        calls = [(n, disk.call("agent_unlink", disk.path(n))) for n in names]
        calls += [(d, disk.call("agent_rmdir", disk.path(d)))
                  for d in sorted(dirs[1:], key=len, reverse=True)]
        disk.run()
        for name, got in calls:
            expect(f"removing {name}", name_of(got.value), "0")
        image = sound(host, disk.unmount(), "after all was removed")
        seen, extra = free_of(image), image.inode(2).size // image.block_size
        # The root keeps the blocks that its names have needed.
        expect("blocks and inodes that are free after all was removed",
               str((seen[0] + extra, seen[1])), str((before[0] + 1,
                                                     before[1])))
