"""From a student's files to a kernel: the pristine tree, overlaid and built.

Only the files that the lab names are taken from a submission. All else, the
Makefile and the agent included, is the grader's own, built once (the base)
and then copied for each submission.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import stat
import subprocess
from pathlib import Path

from . import lab as labs
from . import sandbox as confine
from . import starter
from .lab import UserError

FILE_MAX = 1 << 20              # bytes of one submitted file
LONG_AGO = 10 ** 9              # a time before all clocks': 2001
BUILD_CPU_S = 300
BUILD_WALL_S = 600
LAST = "99-agentcpus"           # the folder linked last
WITH_ALL = "agent_cpus.c"       # ... and what is in it
AGENT = Path(__file__).parent / "agent"
PAUSE = 'asm volatile("pause" : : : "memory");'
RARE_PAUSE = """extern uint8_t agent_spins; /* agent.c */

	asm volatile("incb %0; jnz 1f; pause; 1:"
		     : "+m"(agent_spins)
		     :
		     : "memory", "cc");"""


class BuildFailed(Exception):
    """The submission does not compile; the text is the compiler's."""


def read_file(folder, path):
    """A submitted file's bytes: an ordinary file of sensible size, not a link
    to somebody else's. None where there is none."""
    try:
        fd = os.open(folder / path, os.O_RDONLY | os.O_NOFOLLOW |
                     os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UserError(f"{path} is not an ordinary file") from error
    try:
        info = os.fstat(fd)
        if not stat.S_ISREG(info.st_mode):
            raise UserError(f"{path} is not an ordinary file")
        if info.st_size > FILE_MAX:
            raise UserError(f"{path} is larger than {FILE_MAX >> 20} MiB")
        with open(fd, "rb", closefd=False) as file:
            return file.read()
    finally:
        os.close(fd)


def collect(lab, folder):
    """{relative path: bytes}: what a submission consists of. Its files lie in
    the tree's folders or all in `folder` itself; a missing one is taken to be
    the starter's."""
    folder = Path(folder)
    if not folder.is_dir():
        raise UserError(f"no such folder: {folder}")
    found = {}
    for path in lab.paths:
        for place in (path, Path(path.name)):
            if (data := read_file(folder, place)) is not None:
                found[path] = data
                break
    if not found:
        raise UserError(f"{folder} holds none of the lab's files: "
                        f"{' '.join(map(str, lab.paths))}")
    return found


def seed_of(lab, files):
    """The seed of a submission: the same files get the same random input."""
    digest = hashlib.sha256(lab.name.encode())
    for path, data in sorted(files.items()):
        digest.update(b"%s %d\n" % (path.name.encode(), len(data)) + data)
    return int.from_bytes(digest.digest()[:6], "big")


def stamp_of(paths):
    """A text that changes with the contents of files."""
    digest = hashlib.sha256()
    for path in paths:
        data = path.read_bytes()
        digest.update(b"%s %d\n" % (str(path).encode(), len(data)) + data)
    return digest.hexdigest()


class Base:
    """The pristine tree with the agent in it, and all its objects."""

    def __init__(self, lab, cache, sandbox, compiler="gcc", like=None):
        """cache: a folder of the grader's own, kept as long as it likes. like:
        a submission to build the tree with; of others that differ little from
        it, what differs alone is compiled."""
        self.lab, self.sandbox, self.compiler = lab, sandbox, compiler
        self.like = collect(lab, like) if like else {}
        self.top = Path(cache).resolve() / f"{lab.name}-{compiler}"
        self.tree = self.top / "tree"
        self.top.mkdir(parents=True, exist_ok=True)
        with self._locked():
            self._prepare()

    @contextlib.contextmanager
    def _locked(self):
        """Other graders use the folder too, and may renew what is in it."""
        with open(self.top / "lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _prepare(self):
        """Make the tree and build it, unless that has been done."""
        stamp = self.top / "stamp"
        now = stamp_of(starter.inputs(self.lab) + self._own_files() +
                       [Path(__file__)]) + hex(seed_of(self.lab, self.like))
        if stamp.exists() and stamp.read_text() == now:
            return
        stamp.unlink(missing_ok=True)
        shutil.rmtree(self.tree, ignore_errors=True)
        self.tree.mkdir()
        self._write(self.tree)
        build(self, self.tree)
        stamp.write_text(now)

    def _own_files(self):
        """What is linked into the lab's kernels besides the kernel."""
        return sorted(AGENT.glob("*.[ch]")) + sorted(
            self.lab.folder("grading").glob("*.[ch]"))

    def _write(self, tree):
        starter.write_originals(self.lab, tree)
        for path, data in self.like.items():
            (tree / path).write_bytes(data)
        kern = tree / "kern"
        last = labs.numbered(tree, "kern", self.lab.kernel).name
        for folder in list(kern.glob("[0-9][0-9]-*")):
            if folder.name > last:
                shutil.rmtree(folder)
        for part in ("user", "labs", "book", "grading", "scripts/tests"):
            shutil.rmtree(tree / part, ignore_errors=True)
        spin_and_rarely_pause(tree)
        # It sorts, and so links, right behind the lab's chapter.
        here = kern / f"{self.lab.chapter.name[:2]}-zagent"
        here.mkdir()
        (kern / LAST).mkdir()
        for file in self._own_files():
            shutil.copy(file, kern / LAST if file.name == WITH_ALL else here)

    def kernel(self, files, folder):
        """Build a submission in folder (new); the image's path."""
        with self._locked():
            self._prepare()
            # Not shutil.copytree, which takes three times as long.
            subprocess.run(["cp", "-a", str(self.tree), str(folder)],
                           check=True)
        make_all_old(folder)
        for path, data in files.items():
            if (folder / path).read_bytes() != data:
                (folder / path).write_bytes(data)
        return build(self, folder)


def spin_and_rarely_pause(tree):
    """Have cpu_pause() execute PAUSE once in 256 times only. QEMU leaves its
    fast path there, which is a thousand times slower than any other
    instruction: a deadlock would take minutes of wall time until its guest
    time is over. But without any, a CPU that spins would run up to the next
    event of a device, and QEMU (7.2) gives the CPU behind it in the round what
    is left until then: nothing, round after round, so that a CPU waits for
    ever for another."""
    for path in (tree / "kern").rglob("x86.h"):
        text = path.read_text()
        if PAUSE not in text:
            raise UserError("x86.h has no cpu_pause to be replaced")
        path.write_text(text.replace(PAUSE, RARE_PAUSE))


def make_all_old(tree):
    """Before a submission is laid over the copied tree: whatever the host's
    clock did since that was built, its files are now newer than the objects,
    which make would else take for theirs, and the pristine kernel be graded.
    """
    for folder, _, files in os.walk(tree):
        for name in files:
            os.utime(os.path.join(folder, name), (LONG_AGO, LONG_AGO))


def build(base, tree):
    """Run make in the sandbox; the kernel image. Raises BuildFailed."""
    command = ["make", "-s", "-j2", "-C", str(tree), f"CC={base.compiler}",
               f"CHAPTER={LAST[3:]}", "kernel"]
    set_limits = confine.limits(BUILD_CPU_S, memory_mib=4096, file_mib=256)
    try:
        done = subprocess.run(
            base.sandbox.argv(command, write=[tree]), preexec_fn=set_limits,
            env=confine.ENVIRONMENT,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors="replace",
            timeout=BUILD_WALL_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise BuildFailed("compiling takes without end") from error
    text = done.stdout.replace(f"{tree}/", "")
    images = sorted(tree.glob(f"build/release*/hardtack-{LAST[3:]}.elf"))
    if done.returncode != 0 or not images:
        raise BuildFailed(text.strip()[-4000:])
    return images[0]
