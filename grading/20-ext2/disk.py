"""The disk of the machine under test, and calls on the files on it.

The disk lies in the guest's memory: the host puts an image there while the
machine stands, lets the kernel work on it, and takes it out again.
"""

import errno

from grading.points import Lost, expect
from image import Image

KIB = 1024
TOP = "/disk"
# Formats that the kernel must know. Groups are made small, so that there are
# several.
KINDS = {
    "1k": ("-t", "ext2", "-b", "1024", "-I", "128", "-g", "1024"),
    "4k": ("-t", "ext2", "-b", "4096", "-I", "256", "-g", "512"),
    "plain": ("-t", "ext2", "-b", "1024", "-I", "128", "-g", "2048",
              "-O", "^filetype,^sparse_super,^resize_inode"),
    "journal": ("-t", "ext2", "-j", "-J", "size=1", "-b", "1024"),
    "journal4k": ("-t", "ext2", "-j", "-J", "size=4", "-b", "4096"),
}
SIZE_KIB = {"1k": 4096, "4k": 10240, "plain": 4000, "journal": 5000,
            "journal4k": 11000}


def make(host, kind, *commands, inodes=600):
    """A new Image of a kind, changed by debugfs's commands."""
    path = host.path("new.img")
    path.unlink(missing_ok=True)
    _must(host, "mke2fs", "-q", "-F", *KINDS[kind], "-N", inodes, "-m", "0",
          path, f"{SIZE_KIB[kind]}k")
    if commands:
        debugfs(host, path, *commands)
    return Image(path.read_bytes())


def debugfs(host, path, *commands):
    """Change an image by debugfs's commands."""
    _must(host, "debugfs", "-w", "-f", "/dev/stdin", path,
          input="\n".join(commands).encode() + b"\n")


def _must(host, *command, **options):
    status, said = host.run(*command, **options)
    if status:
        raise RuntimeError(f"{command[0]} failed: {said}")


def number(value):
    """What a call returned: a number, or -errno."""
    return value - (1 << 64) if value >= 1 << 63 else value


def name_of(value):
    """The same for people."""
    value = number(value)
    return f"-{errno.errorcode.get(-value, -value)}" if value < 0 else \
        str(value)


class Disk:
    """The disk, and a program of calls that is being written."""

    def __init__(self, kernel):
        self.kernel, c = kernel, kernel.const
        self._begin()
        made = self.call("agent_disk_make")
        self.run()
        expect("making a disk of 16 MiB in memory", name_of(made.value), "0")
        self._chunk = c.CHUNK
        self._chunks = [kernel.u64(kernel.symbol("agent_chunks") + 8 * i)
                        for i in range(c.CHUNKS)]
        self._size = 0

    # ---- The image ----

    def insert(self, image):
        """Put an Image, or bytes, into the machine."""
        data = image.data if isinstance(image, Image) else image
        self._size = len(data)
        for i, address in enumerate(self._chunks):
            part = data[i * self._chunk:(i + 1) * self._chunk]
            self.kernel.machine.write(address, bytes(part))
        self.call("agent_insert", len(data))

    def bytes(self):
        """What is on the disk now."""
        whole, left = b"", self._size
        for address in self._chunks:
            n = min(left, self._chunk)
            whole += self.kernel.machine.read(address, n)
            left -= n
        return whole

    def image(self):
        """The same as an Image."""
        return Image(self.bytes())

    def mount(self, image, options=""):
        """Put an image in and have it mounted."""
        self.insert(image)
        got = self.call("agent_mount", self.text(options))
        self.run()
        expect("mounting the disk", name_of(got.value), "0",
               "the console says why")

    def unmount(self):
        """Unmount it; the Image."""
        got = self.call("agent_unmount")
        self.run()
        expect("unmounting the disk", name_of(got.value), "0")
        return self.image()

    # ---- Calls ----

    def _begin(self):
        self._program = self.kernel.program()
        self._text = self._data = 0
        self._open = []

    def call(self, fn, *args):
        """Add a call to the program."""
        result = self._program.call(fn, *args)
        self._open.append(result)
        return result

    def run(self, limit_ms=300):
        """Have the program run."""
        program = self._program
        self._begin()
        program.run(limit_ms=limit_ms)

    @property
    def full(self):
        """Whether the program should run before it gets more calls."""
        c = self.kernel.const
        return (len(self._program) > 2000 or self._text > c.TEXT - 8 * KIB or
                self._data > c.DATA - 300 * KIB)

    def text(self, text):
        """Address of a string's copy in the machine."""
        raw = (text if isinstance(text, bytes) else text.encode()) + b"\0"
        at = self.kernel.symbol("agent_text") + self._text
        self._text += len(raw)
        if self._text > self.kernel.const.TEXT:
            raise ValueError("too many names for one run")
        self.kernel.machine.write(at, raw)
        return at

    def room(self, size):
        """Address of room for data, or of a copy of it (bytes)."""
        data = size if isinstance(size, bytes) else bytes(size)
        at = self.kernel.symbol("agent_data") + self._data
        self._data += -(-len(data) // 8) * 8
        if self._data > self.kernel.const.DATA:
            raise ValueError("too much data for one run")
        self.kernel.machine.write(at, data)
        return at

    def read(self, address, length):
        """What the machine has put there."""
        return self.kernel.machine.read(address, length)

    def path(self, name):
        """Address of a path on the disk."""
        raw = name if isinstance(name, bytes) else name.encode()
        return self.text(TOP.encode() + b"/" + raw)


# ---- Judging ----

def sound(host, image, when, replay=False):
    """e2fsck has nothing to say of an image. replay: first it may do what a
    mount after a crash does: replay the log, work off the orphans.
    @return: the Image after that"""
    path = host.path("judged.img", bytes(image.data))
    if replay:
        host.run("e2fsck", "-p", path)
    status, said = host.run("e2fsck", "-fn", path)
    if status:
        lines = [line for line in said.splitlines()
                 if line and not line.startswith(("e2fsck ", "Pass "))]
        raise Lost(f"e2fsck -fn {when}", "no complaint",
                   "\n".join(lines[:6]) or f"status {status}",
                   "each line is something that the disk contradicts itself "
                   "in")
    return Image(path.read_bytes())


def counts_agree(image, when):
    """EXT6: the counts are what the bitmaps say."""
    for g in range(image.ngroups):
        desc = image.desc(g)
        expect(f"free blocks that group {g}'s descriptor says {when}",
               desc[3], len(image.free_blocks(g)),
               "as many as its bitmap has zeros")
        expect(f"free inodes that group {g}'s descriptor says {when}",
               desc[4], len(image.free_inodes(g)),
               "as many as its bitmap has zeros")
    for what, said, free in zip(("blocks", "inodes"), image.free_counts,
                                (image.free_blocks(), image.free_inodes())):
        expect(f"free {what} that the superblock says {when}", said,
               len(free), "the groups' sum")
