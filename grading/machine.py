"""A kernel under test in QEMU: its memory, its stops, its end.

The guest's clock counts instructions (-icount) and its RAM is a file that is
mapped here. The agent in the kernel (grading/agent) pauses the machine through
the pvpanic device; while it is paused its memory is read and written at will,
and time stands. The time is read from outside, from the ACPI timer's port by
QEMU's monitor, so that the guest's own idea of it does not matter.
"""

import json
import mmap
import os
import re
import select
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from hardtack import machine as emulator
from hardtack import qemu, symbols, verdict
from hardtack.machine import Settings

from . import sandbox as confine

PM_TIMER_PORT = 0x608
PM_TIMER_HZ = 3579545
PM_TIMER_MASK = 0xffffff
FLOOD = 1 << 20         # bytes of console; more is an endless print
POLL_S = 0.1            # how often guest time is looked at
BACKSTOP_S = 240        # wall: the host is hopeless
# A firmware that does nothing but start the kernel, where QEMU has it: it takes
# a tenth of the time that the usual one does.
FIRMWARE = Path("/usr/share/qemu/qboot.rom")
DIRECT_MAP = 0xffff800000000000
KERNBASE = 0xffffffff80000000

EXPLAIN = {
    "panic": "the kernel panicked",
    "triple": "the machine reset by a triple fault (an exception that could "
              "not be delivered: often a lost stack or page table)",
    "reset": "the kernel reset the machine",
    "hang": "the kernel did not come back: endless loop or deadlock",
    "flood": "the kernel prints without end",
    "off": "the kernel switched the machine off by itself",
    "backstop": "the host is too slow to judge this",
}


class Ended(Exception):
    """The machine ended, or had to be, before the test was through."""

    def __init__(self, kind, detail="", console="", hint=""):
        super().__init__(detail or EXPLAIN[kind])
        self.kind, self.detail, self.console = kind, detail, console
        self.hint = hint

    def again(self):
        """The same for a further test, which need not repeat the console."""
        return Ended(self.kind, self.detail, hint="the kernel ends before "
                     "the test begins, as in the first one")


class BadAddress(Exception):
    """The kernel gave an address that is none: no RAM lies there."""


@dataclass
class Boot:
    """What to boot."""

    kernel: object              # Path of the image
    append: str
    smp: int = 1
    mem: int = 64               # MiB


class Machine:
    """One boot. Use as a context manager."""

    def __init__(self, boot, sandbox, scratch):
        self.boot, self.sandbox, self.scratch = boot, sandbox, scratch
        self._ns, self._ticks = 0, None
        self._memory = os.memfd_create("guest-ram")
        os.ftruncate(self._memory, boot.mem << 20)
        self.ram = mmap.mmap(self._memory, boot.mem << 20)

    def __enter__(self):
        self._start()
        return self

    def __exit__(self, *_):
        emulator.stop(self._process)
        self._pump.join()
        self._process.stderr.close()
        self._channel.close()
        self.ram.close()
        os.close(self._memory)

    # ---- Starting ----

    def _argv(self, channel):
        b = self.boot
        settings = Settings(
            kernel=b.kernel, append=b.append, smp=b.smp, mem=b.mem,
            icount=True, machine="q35,memory-backend=ram", extra=[
                "-object", f"memory-backend-file,id=ram,size={b.mem}M,"
                f"mem-path=/proc/self/fd/{self._memory},share=on",
                "-device", "pvpanic", "-S",
                "-action", "panic=pause,shutdown=pause",
                "-chardev", f"socket,id=qmp,fd={channel.fileno()}",
                "-mon", "chardev=qmp,mode=control",
                "-chardev", "stdio,id=com1,signal=off",
                "-serial", "chardev:com1",
                "-d", "cpu_reset", "-D", str(self._resets),
                *(["-bios", str(FIRMWARE)] if FIRMWARE.exists() else [])])
        return qemu.base_argv(settings, self.scratch)

    def _start(self):
        self._resets = self.scratch / "resets"
        self._resets.unlink(missing_ok=True)
        self._channel, theirs = socket.socketpair()
        read, write = emulator.pipe()
        argv = self.sandbox.argv(self._argv(theirs), write=[self.scratch],
                                 read=[self.boot.kernel])
        set_limits = confine.limits(cpu_s=600, memory_mib=8192, file_mib=256)

        def prepare():
            emulator.die_with_parent()
            set_limits()
        self._process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=write,
            stderr=subprocess.PIPE, preexec_fn=prepare,
            env=confine.ENVIRONMENT,
            pass_fds=[theirs.fileno(), self._memory])
        os.close(write)
        theirs.close()
        self._pump = emulator.Pump(read)
        self._buffer, self._monitor = b"", []
        self._send("qmp_capabilities")

    # ---- QEMU's monitor ----

    def _send(self, command, **arguments):
        message = {"execute": command, "arguments": arguments}
        try:
            self._channel.sendall(json.dumps(message).encode() + b"\n")
        except OSError:
            pass        # QEMU has ended: the next read says so

    def _ask(self, line):
        """Give the monitor a command; its answer comes among the events."""
        self._send("human-monitor-command", **{"command-line": line})

    def _receive(self, timeout):
        """The next message, None if there is none, EOFError at QEMU's end."""
        while b"\n" not in self._buffer:
            if not select.select([self._channel], [], [], timeout)[0]:
                return None
            try:
                data = self._channel.recv(65536)
            except ConnectionError:
                data = b""
            if not data:
                raise EOFError
            self._buffer += data
        line, self._buffer = self._buffer.split(b"\n", 1)
        return json.loads(line)

    # ---- Running and time ----

    @property
    def ns(self):
        """Guest time: nanoseconds, which are instructions, since power-on."""
        return self._ns

    def _heard_time(self, text):
        """Keep count of the ACPI timer, which wraps, from a port's value."""
        ticks = int(text.split("=")[1], 16) & PM_TIMER_MASK
        before = self._ticks if self._ticks is not None else ticks
        self._ns += ((ticks - before) & PM_TIMER_MASK) * 10**9 // PM_TIMER_HZ
        self._ticks = ticks

    def go(self, limit_ms):
        """Let the machine run until it pauses itself.

        Raises Ended if it ends, floods, or runs longer than limit_ms of its
        own time.
        """
        limit = self._ns + limit_ms * 10**6
        deadline = time.monotonic() + BACKSTOP_S
        paused = asked = False
        self._send("cont")
        while True:
            try:
                message = self._receive(POLL_S)
            except EOFError:
                self._died()
            if message is None:
                if not asked:
                    self._ask(f"i /w {PM_TIMER_PORT:#x}")
                    asked = True
            elif message.get("event") == "SHUTDOWN":
                self._shut_down(message["data"].get("reason"))
            elif message.get("event") == "STOP":
                paused = True
                self._ask(f"i /w {PM_TIMER_PORT:#x}")
            elif "port" in str(message.get("return")):
                asked = False
                self._heard_time(message["return"])
                if paused:
                    return
            self._check(limit, limit_ms, deadline)

    def _check(self, limit, limit_ms, deadline):
        """End a machine that has passed a limit."""
        if self._pump.count > FLOOD:
            raise self._ended("flood", f"more than {FLOOD >> 20} MiB")
        if self._ns > limit:
            raise self._ended("hang", f"no answer in {limit_ms} ms of guest "
                              f"time; {self._where()}")
        if time.monotonic() > deadline:
            raise self._ended("backstop", f"no answer in {BACKSTOP_S} s")

    def _died(self):
        """QEMU is gone: through the exit device, or in trouble."""
        status = self._process.wait()
        self._pump.join()
        if verdict.panic_text(self._pump.text()):
            raise self._ended("panic", status)
        if status in (qemu.EXIT_OFF, qemu.EXIT_FAIL):
            raise self._ended("off")
        said = self._process.stderr.read().decode(errors="replace").strip()
        raise RuntimeError(f"QEMU failed (status {status}): {said}")

    def _shut_down(self, reason):
        text = self._resets.read_text(errors="replace") \
            if self._resets.exists() else ""
        if reason == "guest-reset" and "Triple fault" in text:
            raise self._ended("triple", self._where())
        raise self._ended("reset" if reason == "guest-reset" else "off")

    def _where(self):
        """What each CPU was executing."""
        self._send("stop")
        self._ask("info registers -a")
        try:
            while (m := self._receive(5)) is not None:
                if "RIP" in str(m.get("return")):
                    return places(self.boot.kernel, m["return"])
        except EOFError:
            pass
        return ""

    def _ended(self, kind, detail=""):
        console = self.console()
        if kind == "panic":
            text = verdict.panic_text(console)
            detail = text.splitlines()[0].removeprefix("panic: ")
        return Ended(kind, detail, console)

    def console(self):
        """What the kernel has printed so far."""
        return self._pump.text()

    # ---- Memory ----

    def physical(self, address, length=1):
        """Physical address of one in the direct map or in the image."""
        base = KERNBASE if address >= KERNBASE else DIRECT_MAP
        offset = address - base
        if not 0 <= offset <= len(self.ram) - length:
            raise BadAddress(f"{address:#x}")
        return offset

    def read(self, address, length):
        """Bytes of guest memory."""
        at = self.physical(address, length)
        return self.ram[at:at + length]

    def write(self, address, data):
        """Put bytes into guest memory."""
        at = self.physical(address, len(data))
        self.ram[at:at + len(data)] = data


def places(kernel, registers):
    """Where the CPUs were, from the monitor's `info registers -a`."""
    found = []
    for part in registers.split("CPU#")[1:]:
        rip = re.search(r"\b[RE]IP=([0-9a-f]+)", part)
        if rip:
            where = symbols.name(kernel, int(rip[1], 16))
            found.append(f"CPU {part.split()[0]} in {where}")
    return "; ".join(found)
