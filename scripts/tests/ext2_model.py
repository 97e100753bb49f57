"""What an ext2 file system should hold, kept in Python; and the program that
has the kernel's ext2 do the same to a disk image in memory."""

import errno
import stat
import subprocess
import zlib

PAGE = 4096
_PATTERN = bytes((((k * k) & 0xffffffff) >> 7) + k & 0xff
                 for k in range(65521)) * 18


def pattern(seed, length):
    """The bytes that ext2_host writes for a seed."""
    start = seed * 7919 % 65521
    return _PATTERN[start:start + length]


class Content:
    """Bytes of a file, mostly holes."""

    def __init__(self):
        self.pages, self.size = {}, 0

    def write(self, offset, data):
        at = 0
        while at < len(data):
            index, start = divmod(offset + at, PAGE)
            n = min(PAGE - start, len(data) - at)
            page = self.pages.setdefault(index, bytearray(PAGE))
            page[start:start + n] = data[at:at + n]
            at += n
        self.size = max(self.size, offset + len(data))

    def truncate(self, size):
        self.pages = {i: p for i, p in self.pages.items() if i * PAGE < size}
        if size % PAGE and size // PAGE in self.pages:
            self.pages[size // PAGE][size % PAGE:] = bytes(-size % PAGE)
        self.size = size

    def read(self, offset, length):
        length = max(min(length, self.size - offset), 0)
        first, last = offset // PAGE, (offset + length + PAGE - 1) // PAGE
        text = b"".join(bytes(self.pages.get(i, b"")) or bytes(PAGE)
                        for i in range(first, last))
        return text[offset % PAGE:offset % PAGE + length]


class Node:
    def __init__(self, mode, rdev=0, target=None):
        self.mode, self.rdev, self.target = mode, rdev, target
        self.nlink, self.uid, self.gid = 1, 0, 0
        self.mtime = None
        self.content = Content()
        self.entries = {} if stat.S_ISDIR(mode) else None
        if self.is_dir:
            self.nlink = 2

    @property
    def is_dir(self):
        return stat.S_ISDIR(self.mode)

    @property
    def is_file(self):
        return stat.S_ISREG(self.mode)


class Host:
    """ext2_host on an image: one command, one answer."""

    def __init__(self, program, image):
        self.process = subprocess.Popen(
            [program, image], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True)
        self.log = []

    def __call__(self, *words):
        """Do it. The answer's words, or a negative error number."""
        line = " ".join(map(str, words))
        self.log.append(line)
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().split()
        if not answer:
            raise AssertionError(
                f"ext2_host ended at {line!r} after:\n"
                + "\n".join(self.log[-15:]) + "\n"
                + self.process.stderr.read()[-4000:])
        return answer[1:] if answer[0] == "ok" else int(answer[0])

    def close(self):
        self.process.stdin.close()
        status = self.process.wait(20)
        text = self.process.stderr.read()
        assert status == 0, text[-4000:]
        return text


def fsck(image):
    """e2fsck's judgement: None if it has no complaint. First it is to do what is
    to be done at a mount after a crash: replay the journal, work off the list
    of orphans. It does no more to a disk that says it is whole."""
    subprocess.run(["e2fsck", "-p", image], capture_output=True, check=False)
    done = subprocess.run(["e2fsck", "-fn", image], capture_output=True,
                          text=True, check=False)
    return None if done.returncode == 0 else done.stdout


class Both:
    """Does each operation on the model and on the disk, and compares."""

    def __init__(self, host, rng, directories_hold=True):
        self.host, self.rng = host, rng
        self.root = Node(stat.S_IFDIR | 0o755)
        self.root.entries["lost+found"] = Node(stat.S_IFDIR | 0o700)
        self.root.nlink = 3
        self.done, self.full = 0, 0

    # -- finding a place ---------------------------------------------------

    def paths(self):
        """(path, directory, name, node) of everything."""
        todo = [("", self.root)]
        while todo:
            path, node = todo.pop()
            for name, child in node.entries.items():
                if name == "lost+found":
                    continue
                yield f"{path}/{name}", node, name, child
                if child.is_dir:
                    todo.append((f"{path}/{name}", child))

    def some(self, want):
        return self.rng.choice([p for p in self.paths() if want(p[3])]
                               or [None])

    def some_dir(self):
        """(path, node), the root among them."""
        dirs = [(p, n) for p, _, _, n in self.paths() if n.is_dir]
        return self.rng.choice(dirs + [("", self.root)] * 2)

    def new_name(self):
        rng = self.rng
        length = rng.choice([1, 3, 8, 8, 20, 60, 255])
        return "".join(rng.choice("abcdefgh") for _ in range(length))

    # -- operations ----------------------------------------------------------

    def result(self, answer, expected=0):
        """Whether it was done. A full disk may say so at any time."""
        self.done += 1
        if answer in (-errno.ENOSPC, -errno.ENOMEM):
            self.full += 1
            return False
        if isinstance(answer, list):
            answer = 0
        assert answer == expected, (answer, self.host.log[-5:])
        return expected == 0

    def make(self):
        rng = self.rng
        path, directory = self.some_dir()
        name = self.new_name()
        expected = -errno.EEXIST if name in directory.entries else 0
        kind = rng.randrange(10)
        full = f"{path}/{name}"
        if kind < 5:
            node = Node(stat.S_IFREG | rng.randrange(0o10000))
            answer = self.host("create", full, node.mode, 0)
        elif kind < 7:
            node = Node(stat.S_IFDIR | rng.randrange(0o1000))
            answer = self.host("mkdir", full, node.mode & 0o7777)
        elif kind < 9:
            target = "t" * rng.choice([1, 59, 60, 61, 300, 1023])
            node = Node(stat.S_IFLNK | 0o777, target=target)
            answer = self.host("symlink", target, full)
        else:
            major, minor = rng.choice([(1, 3), (8, 300), (300, 5)])
            rdev = major << 8 | minor & 0xff | (minor & 0xfff00) << 12
            node = Node(rng.choice([stat.S_IFCHR, stat.S_IFBLK]) | 0o600,
                        rdev)
            answer = self.host("create", full, node.mode, rdev)
        if self.result(answer, expected):
            directory.entries[name] = node
            directory.nlink += node.is_dir
            if directory.mode & stat.S_ISGID:
                node.gid = directory.gid
                node.mode |= stat.S_ISGID * node.is_dir

    def write(self):
        place = self.some(lambda n: n.is_file)
        if not place:
            return
        path, _, _, node = place
        rng = self.rng
        size = node.content.size
        offset = rng.choice([0, size, rng.randrange(20000),
                             rng.randrange(400000),
                             rng.choice([1 << 20, 68 << 20, 3 << 30])
                             + rng.randrange(5000)])
        length = rng.choice([1, 100, 1024, 4096, 5000, 70000, 150000])
        copied = rng.choice([length] * 6 + [0, length // 3])
        seed = rng.randrange(1 << 20)
        answer = self.host("write", path, offset, length, seed, copied)
        if isinstance(answer, list):
            n = int(answer[0])
            assert n <= copied
            if n < copied:
                self.full += 1
            if n:
                node.content.write(offset, pattern(seed, length)[:n])
            node.mtime = None
        self.result(answer, 0 if copied else -errno.EFAULT)

    def mapwrite(self):
        place = self.some(lambda n: n.is_file and n.content.size)
        if not place:
            return
        path, _, _, node = place
        offset = self.rng.randrange(min(node.content.size + 2000, 500000))
        outside = offset // PAGE * PAGE >= node.content.size
        answer = self.host("mapwrite", path, offset, 0xee)
        if self.result(answer, -errno.ENXIO if outside else 0):
            if offset < node.content.size:
                node.content.write(offset, b"\xee")

    def truncate(self):
        place = self.some(lambda n: n.is_file)
        if not place:
            return
        path, _, _, node = place
        size = self.rng.choice([0, node.content.size // 2,
                                self.rng.randrange(300000),
                                node.content.size + 5000, 1 << 31])
        if self.result(self.host("truncate", path, size)):
            node.content.truncate(size)
            node.mtime = None

    def link(self):
        place = self.some(lambda n: not n.is_dir)
        directory = self.some_dir()
        name = self.new_name()
        if not place or name in directory[1].entries:
            return
        if self.result(self.host("link", place[0], f"{directory[0]}/{name}")):
            directory[1].entries[name] = place[3]
            place[3].nlink += 1

    def remove(self):
        place = self.some(lambda n: True)
        if not place:
            return
        path, directory, name, node = place
        if node.is_dir:
            expected = -errno.ENOTEMPTY if node.entries else 0
            answer = self.host("rmdir", path)
        else:
            expected, answer = 0, self.host("unlink", path)
        if self.result(answer, expected):
            del directory.entries[name]
            node.nlink -= 1
            directory.nlink -= node.is_dir

    def rename(self):
        rng = self.rng
        place = self.some(lambda n: True)
        if not place:
            return
        path, directory, name, node = place
        to_path, to_dir = self.some_dir()
        to_name = self.new_name()
        if rng.random() < 0.4 and to_dir.entries:
            to_name = rng.choice(list(to_dir.entries))
        to = f"{to_path}/{to_name}"
        old = to_dir.entries.get(to_name)
        if (f"{to_path}/".startswith(f"{path}/") or to_name == "lost+found"
                or (old and old.is_dir != node.is_dir) or old is node
                or path.startswith(f"{to}/")):
            return  # vfs refuses these
        expected = -errno.ENOTEMPTY if old and old.entries else 0
        if not self.result(self.host("rename", path, to), expected):
            return
        if old:
            old.nlink -= 1
            to_dir.nlink -= old.is_dir
        del directory.entries[name]
        to_dir.entries[to_name] = node
        directory.nlink -= node.is_dir
        to_dir.nlink += node.is_dir

    def setattr(self):
        place = self.some(lambda n: True)
        if not place:
            return
        path, _, _, node = place
        rng = self.rng
        mode, uid = rng.randrange(0o10000), rng.choice([0, 5, 70000])
        mtime = rng.choice([1, 1600000000, (1 << 31) - 5, (1 << 31) + 5])
        if self.result(self.host("setattr", path, mode, uid, 65536, mtime)):
            node.mode = stat.S_IFMT(node.mode) | mode
            node.uid, node.gid, node.mtime = uid, 65536, mtime

    def step(self):
        self.rng.choice([self.make, self.make, self.write, self.write,
                         self.mapwrite, self.truncate, self.link, self.remove,
                         self.rename, self.setattr])()
        if self.rng.random() < 0.03:
            self.host("evict")

    # -- comparing -----------------------------------------------------------

    def check_directory(self, path, node):
        types = {stat.S_IFREG: 8, stat.S_IFDIR: 4, stat.S_IFLNK: 10,
                 stat.S_IFCHR: 2, stat.S_IFBLK: 6}
        listed = {}
        for word in self.host("list", path or "/"):
            name, _, kind = word.rpartition(":")
            assert name not in listed, (path, name)
            listed[name] = int(kind)
        expected = {n: types[stat.S_IFMT(c.mode)]
                    for n, c in node.entries.items()}
        expected.update({".": 4, "..": 4})
        if 0 in listed.values():  # no types on this disk
            listed = dict.fromkeys(listed, 0)
            expected = dict.fromkeys(expected, 0)
        assert listed == expected, path

    def check_file(self, path, node):
        content = node.content
        starts = {0, max(content.size - 100000, 0)}
        starts |= {i * PAGE for i in list(content.pages)[:3]}
        for start in starts:
            expected = content.read(start, 200000)
            n, checksum = map(int, self.host("read", path, start, 200000))
            assert n == len(expected), path
            assert checksum == zlib.adler32(expected), (path, start)

    def check(self, wide_times=True):
        """The disk holds what the model does."""
        self.check_directory("", self.root)
        for path, _, _, node in list(self.paths()):
            mode, nlink, uid, gid, size, _, rdev, mtime = self.host("stat",
                                                                    path)
            assert int(mode, 8) == node.mode, path
            assert (int(nlink), int(uid), int(gid), int(rdev)) == (
                node.nlink, node.uid, node.gid, node.rdev), path
            if node.mtime and not node.is_dir:
                assert int(mtime) == (node.mtime if wide_times else
                                      min(node.mtime, (1 << 31) - 1)), path
            if node.is_dir:
                self.check_directory(path, node)
            elif node.is_file:
                assert int(size) == node.content.size, path
                self.check_file(path, node)
            elif node.target:
                assert self.host("readlink", path) == [node.target], path
