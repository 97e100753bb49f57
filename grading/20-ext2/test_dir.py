"""Exercise 2: the entries of a directory."""

from disk import Disk, make, name_of, sound
from grading.points import expect, points, require
from image import FT_DIR, dirent, size_of, text

FT_REG = 1
TARGETS = 6             # files that all the entries lead to
MARK = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ._-+~"


def some_name(rng, known, length=None):
    """A name that is not known; often much like one that is."""
    while True:
        n = length or rng.choice([1, 2, 3, 4, 5, 8, 12, 30, 100, 255])
        name = bytes(rng.choices(MARK, k=n))
        if known and not length and rng.random() < 0.4:
            like = rng.choice(sorted(known))
            name = rng.choice([like[:-1], like + b"x", like[:-1] + b"!",
                               like.swapcase(), b"!" + like[1:]])[:255]
        if name not in known and name not in (b"", b".", b".."):
            return name


class Shelf:
    """An image with a directory that the host has filled as other systems may:
    with free entries at any place, and room behind entries."""

    def __init__(self, host, rng, kind, blocks=4, full=0.7):
        self.rng = rng
        self.image = image = make(
            host, kind, "mkdir d", *(f"write /dev/null t{i}"
                                     for i in range(TARGETS)))
        self.dir = image.look_up("d")
        self.targets = [image.look_up(f"t{i}") for i in range(TARGETS)]
        self.type = FT_REG if image.has_types else 0
        self.names = {}             # name -> inode
        self.links = dict.fromkeys(self.targets, 1)
        free = image.free_blocks()
        inode = image.inode(self.dir)
        top = image.inode(2).number
        kind_of_dir = FT_DIR if image.has_types else 0
        for n in range(blocks):
            raw = b""
            if n == 0:
                raw = dirent(self.dir, 12, b".", kind_of_dir)
                raw += dirent(top, 12, b"..", kind_of_dir)
            raw += self._fill(image.block_size - len(raw), full)
            if image.find(inode, n):
                image.block(image.find(inode, n))[:] = raw
            else:
                image.plant(inode, {n: raw}, lambda: free.pop(0))
        for number, links in self.links.items():
            target = image.inode(number)
            target.links = links
            image.store(target)
        image.recount()

    def _fill(self, left, full):
        """Bytes of entries, in use and free, as long as `left`."""
        rng, raw, free = self.rng, b"", False
        while left:
            name = some_name(rng, self.names)
            if size_of(len(name)) > left:
                name = some_name(rng, self.names, min(left - 8, 255))
            extra = 4 * rng.randrange(0, rng.choice([1, 10, 40]))
            rec_len = size_of(len(name)) + (rng.random() > full) * extra
            if left - rec_len < 12:
                rec_len = left
            # No two free ones in a row: who removes entries joins them.
            free = not free and rng.random() < 0.15
            ino = 0 if free else rng.choice(self.targets)
            raw += dirent(ino, rec_len, name, self.type)
            if not free:
                self.names[name] = ino
                self.links[ino] += 1
            left -= rec_len
        return raw

    def gone(self):
        """Names that are not there, and free entries' names among them."""
        return [e.name for e in self.image.entries(self.dir)
                if not e.ino and e.name and e.name not in self.names]


def check_names(shelf, image, when):
    """The directory has the entries that it should have."""
    seen = image.names(shelf.dir)
    for name in sorted(shelf.names):
        require(name in seen, f"entries {when}",
                f"one {text(name)}", "none")
        expect(f"entry {text(name)} {when}: inode and type", str(seen[name]),
               str((shelf.names[name], shelf.type)))
    for name in set(seen) - set(shelf.names) - {b".", b".."}:
        require(False, f"entries {when}", f"none {text(name)}",
                f"one, of inode {seen[name][0]}")
    for dots in (b".", b".."):
        require(dots in seen, f"entries {when}", f"one {text(dots)}", "none")


def rooms(image, number):
    """[bytes to spare of each entry] of a directory."""
    return [e.rec_len - e.used for e in image.entries(number)]


def add(disk, shelf, names):
    """Have links made: one more name for a target each."""
    asked = []
    for name in names:
        i = shelf.rng.randrange(TARGETS)
        asked.append((name, disk.call("agent_link", disk.path(f"t{i}"),
                                      disk.path(b"d/" + name))))
        shelf.names[name] = shelf.targets[i]
        shelf.links[shelf.targets[i]] += 1
    disk.run()
    for name, got in asked:
        expect(f"link(t…, d/{text(name)})", name_of(got.value), "0")


def remove(disk, shelf, names):
    """Have them unlinked."""
    asked = []
    for name in names:
        asked.append((name, disk.call("agent_unlink",
                                      disk.path(b"d/" + name))))
        shelf.links[shelf.names.pop(name)] -= 1
    disk.run()
    for name, got in asked:
        expect(f"unlink(d/{text(name)})", name_of(got.value), "0")


@points(4, exercise=2, see="find_in_block")
def test_names_are_found(boot, rng, host):
    """Names are found, and only those that are there."""
    disk = Disk(boot())
    for kind in "1k", "4k", "plain":
        shelf = Shelf(host, rng, kind)
        asked = rng.sample(sorted(shelf.names), min(150, len(shelf.names)))
        asked += shelf.gone()[:60]
        asked += [some_name(rng, shelf.names) for _ in range(100)]
        rng.shuffle(asked)
        disk.mount(shelf.image)
        calls = [(name, disk.call("agent_look_up", disk.path(b"d/" + name)))
                 for name in asked]
        disk.run()
        for name, got in calls:
            wanted = shelf.names.get(name)
            expect(f"inode of d/{text(name)}", name_of(got.value),
                   str(wanted) if wanted else "-ENOENT")
        disk.unmount()


@points(2, exercise=2, see="find_in_block, room_in_block")
def test_damaged_directories_are_told(boot, rng, host):
    """Behind an entry that cannot be, nothing is looked for: -EUCLEAN."""
    disk = Disk(boot())
    for kind in "1k", "4k":
        shelf = Shelf(host, rng, kind, blocks=2)
        image = shelf.image
        entries = [e for e in image.entries(shelf.dir) if e.block == 1]
        bad = rng.choice(entries[len(entries) // 2:])
        at = image.find(image.inode(shelf.dir), 1)
        image.block(at)[bad.offset + 4:bad.offset + 6] = rng.choice(
            [0, 4, 13, 0xfffc, bad.rec_len + image.block_size]
        ).to_bytes(2, "little")
        before = [e.name for e in entries if e.ino and e.offset < bad.offset]
        behind = [e.name for e in entries if e.ino and e.offset > bad.offset]
        disk.mount(image)
        calls = [(name, wanted, disk.call("agent_look_up",
                                          disk.path(b"d/" + name)))
                 for names, wanted in ((before[:20], None),
                                       (behind[:20], "-EUCLEAN"),
                                       ([b"nobody"], "-EUCLEAN"))
                 for name in names]
        added = disk.call("agent_link", disk.path("t0"),
                          disk.path(b"d/" + some_name(rng, shelf.names, 255)))
        disk.run()
        for name, wanted, got in calls:
            expect(f"inode of d/{text(name)}, in a damaged directory",
                   name_of(got.value), wanted or str(shelf.names[name]))
        expect("a link in a damaged directory", name_of(added.value),
               "-EUCLEAN")
        disk.unmount()


@points(5, exercise=2, see="room_in_block, ext2_dir_add")
def test_entries_are_added(boot, rng, host):
    """New entries are there, and the old ones still are."""
    disk = Disk(boot())
    for kind in "1k", "4k", "plain":
        shelf = Shelf(host, rng, kind, full=0.3)
        new = []
        for room in sorted(rooms(shelf.image, shelf.dir), reverse=True)[:40]:
            # Half of the largest rooms: each of these fits for sure.
            length = min(255, room // 2 - 8)
            if length > 0:
                new.append(some_name(rng, {*shelf.names, *new}, length))
        rng.shuffle(new)
        new.sort(key=len, reverse=True)
        disk.mount(shelf.image)
        add(disk, shelf, new)
        image = disk.unmount()
        check_names(shelf, image, "after links were made")
        sound(host, image, "after links were made")


@points(3, exercise=2, see="room_in_block, ext2_dir_add")
def test_room_is_used_to_the_last_byte(boot, rng, host):
    """An entry goes where there is just enough room for it."""
    disk = Disk(boot())
    for kind in "1k", "4k":
        shelf = Shelf(host, rng, kind, full=0.5)
        image = shelf.image
        size = image.inode(shelf.dir).size
        disk.mount(image)
        for _ in range(30):
            largest = max(rooms(image, shelf.dir))
            if largest < 12:
                break
            length = min(255, largest - 8)
            add(disk, shelf, [some_name(rng, shelf.names, length)])
            image = disk.unmount()
            expect(f"the directory's size after a name of {length} bytes was "
                   f"made, which needs {size_of(length)}, where {largest} "
                   "were free together", image.inode(shelf.dir).size, size,
                   "no block is added while there is room")
            disk.mount(image)
        image = disk.unmount()
        check_names(shelf, image, "after links were made")


@points(4, exercise=2, see="ext2_dir_remove")
def test_entries_are_removed(boot, rng, host):
    """Entries go, and no others with them."""
    disk = Disk(boot())
    for kind in "1k", "4k", "plain":
        shelf = Shelf(host, rng, kind)
        firsts = [e.name for e in shelf.image.entries(shelf.dir)
                  if e.offset == 0 and e.name in shelf.names]
        gone = rng.sample(sorted(shelf.names), len(shelf.names) // 2)
        gone = list(dict.fromkeys(firsts + gone))
        disk.mount(shelf.image)
        rng.shuffle(gone)
        remove(disk, shelf, gone)
        image = disk.unmount()
        check_names(shelf, image, "after unlinks")
        sound(host, image, "after unlinks")


@points(2, exercise=2, see="ext2_dir_remove")
def test_removed_entries_leave_room(boot, rng, host):
    """The space of removed neighbours is one space, and is used again."""
    disk = Disk(boot())
    for kind in "1k", "4k":
        shelf = Shelf(host, rng, kind, full=1)
        image = shelf.image
        size = image.inode(shelf.dir).size
        disk.mount(image)
        for block in rng.sample(range(1, 4), 2):
            entries = [e for e in image.entries(shelf.dir)
                       if e.block == block and e.ino and e.name in shelf.names]
            start = rng.randrange(max(1, len(entries) - 12))
            run = entries[start:start + rng.randrange(4, 12)]
            last = run[-1].offset + run[-1].rec_len
            # Free entries among them, and one behind them, join.
            space = last - run[0].offset + sum(
                e.rec_len for e in image.entries(shelf.dir)
                if e.block == block and e.offset == last and not e.ino)
            names = [e.name for e in run]
            rng.shuffle(names)
            remove(disk, shelf, names)
            image = disk.unmount()
            check_names(shelf, image, "after unlinks")
            largest = max([e.rec_len - e.used
                           for e in image.entries(shelf.dir)
                           if e.block == block])
            require(largest >= space, f"room in a block from which "
                    f"{len(names)} neighbours of {space} bytes were removed",
                    f"{space} bytes together", largest,
                    "an entry that goes leaves its space to the one before")
            disk.mount(image)
            add(disk, shelf, [some_name(rng, shelf.names,
                                        min(255, space - 8))])
            image = disk.unmount()
            expect("the directory's size after a name was made in the space "
                   "of those that were removed",
                   image.inode(shelf.dir).size, size)
            disk.mount(image)
        disk.unmount()
