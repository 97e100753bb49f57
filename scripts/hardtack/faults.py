"""Disks that fail: QEMU's blkdebug fails the n-th read, write or flush under a
small workload in the guest (user/tests/faults.c), and the host judges what the
calls answered, what the kernel said, and what is on the disk then.

Many disks are in one machine, each with a fault of its own, one after another.
"""

import os
import re
import shutil
import subprocess
from collections import namedtuple
from pathlib import Path

from . import tree
from .tree import ROOT, UserError

EVENTS = {"read": "read_aio", "write": "write_aio", "flush": "flush_to_disk"}
# The n-th fails, and is good when repeated; it fails twice; all fail from it on.
MODES = ("once", "twice", "on")
WORKLOADS = ("files", "folders", "renames", "appends", "unlinks", "big",
             "truncates", "reads", "links", "round_the_log")
MACHINES = {"q35": 17, "pc": 2}     # disks besides the root's and WARM_UP's
PORTS = 6
MIB = 8
LEAK_HEAP = 64 << 10    # bytes, and KiB of pages, that caches may take
LEAK_KIB = 512
EIO, EROFS = 5, 30
PROGRAM = "/usr/lib/hardtack/tests/faults"

Fault = namedtuple("Fault", "workload kind number mode")
NONE = Fault(0, "read", 0, "once")      # no fault at all
# First in each machine: after it, memory is used as much as it will be.
WARM_UP = NONE._replace(workload=WORKLOADS.index("round_the_log"))


def name(fault):
    """As the command line has it: files:write:3:once."""
    return (f"{WORKLOADS[fault.workload]}:{fault.kind}:{fault.number}:"
            f"{fault.mode}")


def parse(text):
    """The fault of a name."""
    try:
        workload, kind, number, mode = text.split(":")
        fault = Fault(WORKLOADS.index(workload), kind, int(number), mode)
    except ValueError:
        raise UserError(f"not WORKLOAD:KIND:N:MODE: {text}") from None
    if kind not in EVENTS or mode not in MODES:
        raise UserError(f"no such fault: {text}")
    return fault


def rules(fault):
    """blkdebug's configuration: a state counts the events."""
    text = ""
    if fault.number == 0:
        return text
    event = EVENTS[fault.kind]
    last = fault.number + (fault.mode == "twice")
    for state in range(1, last + 1):
        text += (f'[set-state]\nstate = "{state}"\nevent = "{event}"\n'
                 f'new_state = "{state + 1}"\n')
    for state in range(fault.number, last + 1):
        text += (f'[inject-error]\nevent = "{event}"\nstate = "{state}"\n'
                 f'iotype = "{fault.kind}"\nerrno = "{EIO}"\n'
                 f'once = "{"off" if fault.mode == "on" else "on"}"\n')
    return text


def disk_name(index):
    """The kernel's name of disk number index."""
    return "sd" + chr(ord("a") + index)


class Machine:
    """One boot with up to MACHINES[board] faults."""

    def __init__(self, folder, faults, board="q35", debug=True):
        self.folder, self.board = Path(folder), board
        self.faults = [WARM_UP, *faults]
        self.debug = debug

    def image(self, index):
        return self.folder / f"disk{index}"

    def _argv(self):
        """QEMU's disks, and the kernel's name of the root."""
        argv = []
        if self.board == "q35":
            for bus in range(-(-len(self.faults) // PORTS)):
                argv += ["-device", f"ich9-ahci,id=more{bus}"]
        for i, fault in enumerate(self.faults):
            config = self.folder / f"rules{i}"
            config.write_text(rules(fault))
            argv += ["-blockdev", f"driver=file,filename={self.image(i)},"
                     f"node-name=file{i}", "-blockdev",
                     f"driver=blkdebug,image=file{i},node-name=debug{i},"
                     f"config={config}", "-blockdev",
                     f"driver=raw,file=debug{i},node-name=raw{i}"]
            if self.board == "q35":
                where = f"more{i // PORTS}.{i % PORTS}"
            else:   # the root is the first channel's first
                where = f"ide.{(i + 1) // 2},unit={(i + 1) % 2}"
            argv += ["-device", f"ide-hd,drive=raw{i},bus={where}"]
        return [f"--qemu={a}" for a in argv]

    def run(self, base):
        """base: the file system to begin with. The results: [Result]."""
        first = 0 if self.board == "q35" else 1
        root = disk_name(len(self.faults) if self.board == "q35" else 0)
        names = [disk_name(first + i) for i in range(len(self.faults))]
        script = "mkdir -p /tmp/f\n"
        for i, fault in enumerate(self.faults):
            shutil.copyfile(base, self.image(i))
            script += f"{PROGRAM} /dev/{names[i]} /tmp/f {fault.workload}\n"
            if i == 0:
                script += f"{PROGRAM} memory\n"
        script += f"{PROGRAM} memory\ncat /proc/disks"
        done = subprocess.run(
            [ROOT / "scripts/run", *(["--debug"] if self.debug else []),
             "--machine", self.board, "--append", f"root={root}",
             "--timeout", "300", *self._argv(), "--", "/bin/sh", "-c", script],
            capture_output=True, text=True, errors="replace", check=False)
        results = [Result(fault, names[i], self.image(i), done)
                   for i, fault in enumerate(self.faults)]
        results[-1].leak = leak(done.stdout)
        return results[1:]


def leak(output):
    """What is wrong if all runs together have lost memory; else None."""
    told = re.findall(r"^memory (\d+) (\d+)$", output, re.M)
    if len(told) != 2:
        return "the kernel did not tell of its memory twice"
    (heap, free), (heap_then, free_then) = [map(int, t) for t in told]
    if heap_then - heap <= LEAK_HEAP and free - free_then <= LEAK_KIB:
        return None
    return (f"memory: heap {heap}, then {heap_then} bytes; "
            f"free {free}, then {free_then} KiB")


class Result:
    """What came of one fault."""

    def __init__(self, fault, disk, image, done):
        self.fault, self.disk, self.image = fault, disk, image
        self.status = done.returncode
        prefix = f"/dev/{disk} "
        self.lines = [line.removeprefix(prefix).split()
                      for line in done.stdout.splitlines()
                      if line.startswith(prefix)]
        self.log = [line for line in done.stderr.splitlines()
                    if re.search(rf"\b{disk}\b", line)]
        self.end = done.stderr[-600:]
        self.leak = None
        self.commands = self._commands(done.stdout)

    def _commands(self, text):
        """{kind: commands that the disk was given}."""
        found = re.search(rf"^{self.disk} +(.*)", text, re.M)
        if not found:
            return {}
        n = [int(word) for word in found[1].split()]
        return {"read": n[0] - n[1], "write": n[3] - n[4], "flush": n[6]}

    def hit(self):
        """Whether the kernel met a fault (of IDE, it tells of the lasting
        ones alone)."""
        return any(re.search(r": error |failed", line) for line in self.log)

    def calls(self):
        """The errors of calls, in order."""
        return [int(words[2]) for words in self.lines if words[0] == "call"]

    def failures(self):
        """Requests that the kernel gave up, by what went on: {phase: n}."""
        phase, count = "boot", {"boot": 0, "begin": 0, "umount": 0, "end": 0}
        for line in self.log:
            if found := re.search(rf"faults: /dev/{self.disk} (\w+)", line):
                phase = found[1]
            elif re.search(r": (read|write|flush) of .* failed", line):
                count[phase] += 1
        return count

    def files(self):
        """What the disk must show: {name: (size, seed), or None: nothing}."""
        files = {}
        for words in self.lines:
            if words[0] == "have":
                files[words[1]] = (int(words[2]), int(words[3]))
            elif words[0] == "gone":
                files[words[1]] = None
            elif words[0] == "maybe":
                files.pop(words[1], None)
        return files

    def complaints(self):
        """All that is wrong, as text."""
        if ["end"] not in self.lines:
            return [f"the workload did not end (status {self.status}): "
                    f"{self.end}"]
        leak = [self.leak] if self.leak else []
        return list(self._of_calls()) + list(self._of_disk()) + leak

    def _of_calls(self):
        errors = [e for e in self.calls() if e]
        failures = self.failures()
        if any(words[0] == "wrong" for words in self.lines):
            yield "a read gave wrong bytes"
        # What comes after the first may follow from it.
        if errors and errors[0] not in (EIO, EROFS):
            yield f"calls failed with {errors}"
        if sum(failures.values()) == 0 and errors:
            yield "calls failed, and no request did"
        if self.fault.mode == "once" and sum(failures.values()):
            yield "a command that fails once was not repeated"
        if failures["begin"] and not errors:
            yield "a request failed, and no call did"
        if errors.count(EIO) > sum(failures.values()):
            yield "an error was told more than once"
        for words in self.lines:
            if words[0] == "again" and int(words[1]) not in (0, EROFS):
                yield f"fsync again: {words[1]}"

    def _of_disk(self):
        """The log is replayed first, as the next mount would."""
        replay = fsck("-E", "journal_only", "-p", self.image)
        check = fsck("-fn", self.image)
        if check.returncode:
            yield (f"e2fsck: {replay.stdout[-300:]} {check.stdout[-700:]}")
        for file, what in self.files().items():
            data = content(self.image, file)
            if what is None and data is not None:
                yield f"{file} is there again"
            elif what and data != pattern(*what):
                length = "nothing" if data is None else f"{len(data)} bytes"
                yield f"{file} is not what was synced ({length})"


def fsck(*argv):
    return subprocess.run(["e2fsck", *argv], capture_output=True, text=True,
                          errors="replace", check=False)


def content(image, file):
    """A file's bytes by debugfs; None: it is not there."""
    done = subprocess.run(["debugfs", "-R", f"cat /{file}", image],
                          capture_output=True, check=False)
    return None if b"File not found" in done.stderr else done.stdout


def pattern(size, seed):
    """As user/tests/faults.c fills."""
    return bytes((i * 7 + (i >> 8) + seed * 31) & 0xff for i in range(size))


def make_base(path):
    """A journaled file system to begin with."""
    with open(path, "wb") as file:
        file.truncate(MIB << 20)
    subprocess.run(["mke2fs", "-q", "-t", "ext2", "-j", "-J", "size=1",
                    "-b", "1024", "-N", "2048", path], check=True)
    return path


def all_faults(folder, board="q35"):
    """Every fault there is: first a run without one tells how many commands
    each workload has."""
    folder = Path(folder)
    base = make_base(folder / "base")
    found = []
    numbers = range(len(WORKLOADS))
    for part in chunks(list(numbers), MACHINES[board]):
        faults = [NONE._replace(workload=w) for w in part]
        for result in Machine(folder, faults, board).run(base):
            if bad := result.complaints():
                raise UserError(f"without a fault: {bad}")
            found += [Fault(result.fault.workload, kind, n, mode)
                      for kind, most in result.commands.items()
                      for n in range(1, most + 1) for mode in MODES]
    return found


def chunks(items, size):
    return [items[i:i + size] for i in range(0, len(items), size)]


def environment():
    """e2fsck and its like need not be in PATH."""
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    if not tree.ROOT_IMAGE.exists():
        raise UserError("no build/root.img: type `make` first")
