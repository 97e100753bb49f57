"""What QEMU and Bochs have in common: settings, log, ending, child process."""

import ctypes
import fcntl
import os
import signal
import subprocess
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

PR_SET_PDEATHSIG = 1
TAIL = 1 << 20          # bytes of log kept to be judged


@dataclass
class Settings:
    """The machine to run, and what to boot on it."""

    kernel: Path
    append: str = ""            # the kernel's command line
    smp: int = 4
    mem: int = 256              # MiB
    disk: Path = None           # raw image, written in place
    iso: bool = False           # boot by GRUB instead of directly
    icount: bool = False        # the guest's clocks count instructions
    cpu: str = "max"
    machine: str = "q35"
    extra: list = field(default_factory=list)   # more QEMU arguments
    stdin: int = None           # a file descriptor: what COM2 receives


@dataclass
class Ending:
    """How a machine ended; the log says what the kernel thought of it."""

    log: str            # kernel log, at most its last TAIL bytes
    how: str            # "off", "fail", "reset", "triple", "timeout", "flood"
    detail: str = ""    # one line for a person


class Pump(threading.Thread):
    """Copies a pipe to a sink, keeps the end of what came, and counts it."""

    def __init__(self, fd, sink=None, limit=None, mark=None):
        """sink: a binary file or None; limit: bytes passed on to it;
        mark: bytes that, when they have come, set the event `marked`."""
        super().__init__(daemon=True)
        self._mark, self.marked = mark, threading.Event()
        self._fd, self._sink, self._limit = fd, sink, limit
        self._tail = bytearray()
        self.count = 0
        self.start()

    def run(self):
        while data := os.read(self._fd, 65536):
            self.count += len(data)
            self._tail += data
            del self._tail[:-TAIL]
            if self._mark and self._mark in self._tail:
                self._mark = None
                self.marked.set()
            if self._sink and (not self._limit or self.count <= self._limit):
                try:
                    self._sink.write(data)
                    self._sink.flush()
                except (BrokenPipeError, ValueError):
                    self._sink = None
        os.close(self._fd)

    def text(self):
        """The end of what has come, as text. Call after join()."""
        return self._tail.decode(errors="replace").replace("\r", "")


def pipe():
    """A pipe big enough that its writer rarely waits: (read, write)."""
    ends = os.pipe()
    try:
        fcntl.fcntl(ends[1], fcntl.F_SETPIPE_SZ, 1 << 20)
    except (AttributeError, OSError):
        pass            # a small one will do
    return ends


def die_with_parent():
    """In a child, before exec: end when the script is killed outright."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def start(argv, **options):
    """Start an emulator; it does not outlive this process."""
    return subprocess.Popen(argv, preexec_fn=die_with_parent, **options)


def stop(process):
    """End a child, by its own id, whatever it is doing."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait(process, pumps, timeout, flood):
    """Wait for the end; None, or "timeout", or "flood" (too much output)."""
    deadline = time.monotonic() + timeout
    pause = 0.005
    while process.poll() is None:
        if time.monotonic() > deadline:
            return "timeout"
        if sum(p.count for p in pumps) > flood:
            return "flood"
        try:
            process.wait(pause)
        except subprocess.TimeoutExpired:
            pause = min(pause * 1.5, 0.2)
    return None
