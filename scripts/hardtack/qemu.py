"""The home machine: QEMU by TCG, with AHCI disk and two serial ports."""

import contextlib
import json
import os
import re
import socket
import threading
from pathlib import Path

from . import iso, machine, symbols
from .tree import UserError

QEMU = "qemu-system-x86_64"
EXIT_OFF = 33           # isa-debug-exit with 0x10: an orderly power-off
EXIT_FAIL = 255         # ... with 0x7f: panic, or failed self-tests
ANSWER_TIME = 0.5       # seconds for a kernel that hangs to say where it is
LISTENING = b"tty: "    # begins the log's line when the serial ports are read


def base_argv(s, scratch):
    """QEMU's arguments for a machine, less its serial ports."""
    accel = "tcg,thread=single" if s.icount else "tcg"
    argv = [QEMU, "-machine", s.machine, "-accel", accel, "-cpu", s.cpu,
            "-m", str(s.mem), "-smp", str(s.smp), "-display", "none",
            "-no-user-config", "-nodefaults", "-no-reboot",
            "-device", "isa-debug-exit,iobase=0xf4,iosize=4"]
    if s.icount:
        argv += ["-icount", "shift=0,align=off,sleep=off", "-seed", "1",
                 "-rtc", "base=2024-01-01T00:00:00,clock=vm"]
    if s.iso:
        image = iso.make(s.kernel, s.append, scratch)
        argv += ["-drive", f"if=none,id=cd,media=cdrom,format=raw,"
                 f"readonly=on,file={comma(image)}",
                 "-device", "ide-cd,drive=cd,bus=ide.1", "-boot", "d"]
    else:
        argv += ["-kernel", str(s.kernel), "-append", s.append]
    return argv + disk_argv(s) + s.extra


def disk_argv(s):
    """A disk behind the board's controller; or, where the clock counts
    instructions, one that is memory: a controller's answers come when the host
    gets around to them, after more or fewer instructions each time."""
    if not s.disk:
        return []
    if s.icount:
        size = Path(s.disk).stat().st_size
        return ["-object", "memory-backend-file,id=disk,share=on,"
                f"mem-path={comma(s.disk)},size={size}",
                "-device", "ivshmem-plain,memdev=disk"]
    # A flush need not wait for the host's own disk: what was written is the
    # host kernel's by then, however the emulator ends.
    return ["-drive", "if=none,id=disk,format=raw,cache=unsafe,"
            f"file={comma(s.disk)}",
            "-device", "ide-hd,drive=disk,bus=ide.0"]


@contextlib.contextmanager
def fit_disk(s):
    """While the machine runs, a disk that is memory has a power of two as its
    size, as PCI wants; what is added is a hole in the file."""
    if not (s.disk and s.icount):
        yield
        return
    size = Path(s.disk).stat().st_size
    os.truncate(s.disk, 1 << (size - 1).bit_length())
    try:
        yield
    finally:
        os.truncate(s.disk, size)


def comma(path):
    """A file name inside a comma-separated argument."""
    return str(path).replace(",", ",,")


class Monitor(threading.Thread):
    """QEMU's monitor over an inherited socket.

    The guest is held at its end (for whatever reason, other than through the
    exit device), so that its registers can be read; then QEMU is told to quit.
    """

    def __init__(self):
        super().__init__(daemon=True)
        self.ours, self.theirs = socket.socketpair()
        self.argv = ["-chardev", f"socket,id=qmp,fd={self.theirs.fileno()}",
                     "-mon", "chardev=qmp,mode=control", "-S",
                     "-action", "shutdown=pause"]
        self.reset = False      # the guest asked for one, or crashed
        self.registers = ""     # of all CPUs then

    def go(self):
        """Agree on the protocol, then let the stopped guest run."""
        self.theirs.close()
        self._lines = self.ours.makefile("rw")
        self._send("qmp_capabilities")
        self._send("cont")
        self.start()

    def run(self):
        try:
            for line in self._lines:
                self._hear(json.loads(line))
        except (OSError, ValueError):
            pass        # QEMU is gone
        self.ours.close()

    def ask_where(self):
        """A kernel that does not end says where its CPUs are, if it can."""
        self._send("inject-nmi")

    def _hear(self, message):
        if message.get("event") == "SHUTDOWN":
            # Our own quit makes a second such event.
            if message["data"].get("reason") == "guest-reset":
                self.reset = True
                self._send("human-monitor-command",
                           {"command-line": "info registers -a"})
            self._send("quit")
        elif isinstance(message.get("return"), str):
            self.registers = message["return"]

    def _send(self, command, arguments=None):
        message = {"execute": command, "arguments": arguments or {}}
        try:
            self._lines.write(json.dumps(message) + "\n")
            self._lines.flush()
        except OSError:
            pass        # QEMU ended, or refused its arguments and said so


class Input(threading.Thread):
    """Passes a file on to the second serial port, once the kernel listens.

    Turning a UART's FIFO on forgets what it has received. The kernel takes it
    off the line meanwhile (loop-back mode), but QEMU's goes on receiving then,
    and the byte that came in that moment was lost.
    """

    def __init__(self, source, pipe, listening):
        """source, pipe: file descriptors; pipe is closed at source's end;
        listening: an event."""
        super().__init__(daemon=True)
        self._source, self._pipe, self._listening = source, pipe, listening
        self.start()

    def run(self):
        self._listening.wait()
        try:
            while data := os.read(self._source, 65536):
                while data:
                    data = data[os.write(self._pipe, data):]
        except OSError:
            pass        # QEMU is gone
        os.close(self._pipe)


def run(s, scratch, output, log, timeout, flood):
    """Boot a machine and wait for its end.

    s: machine.Settings. scratch: a folder. output, log: binary files (or
    None) that receive the second and the first serial port's bytes while the
    machine runs. timeout: wall seconds. flood: bytes of both at most.
    Returns a machine.Ending.
    """
    with fit_disk(s):
        return _run(s, scratch, output, log, timeout, flood)


def _run(s, scratch, output, log, timeout, flood):
    monitor = Monitor()
    log_read, log_write = machine.pipe()
    out_read, out_write = machine.pipe()
    resets = scratch / "resets"
    errors = scratch / "qemu-errors"
    argv = base_argv(s, scratch) + monitor.argv + [
        "-chardev", f"file,id=com1,path=/dev/fd/{log_write}",
        "-chardev", "stdio,id=com2,signal=off",
        "-serial", "chardev:com1", "-serial", "chardev:com2",
        "-d", "cpu_reset", "-D", str(resets)]
    in_read, in_write = os.pipe()
    try:
        with open(errors, "wb") as errors_file:
            process = machine.start(
                argv, stdin=in_read, stdout=out_write, stderr=errors_file,
                pass_fds=[log_write, monitor.theirs.fileno()])
    except FileNotFoundError as error:
        raise UserError(f"no {QEMU} here: type scripts/install-deps qemu"
                        ) from error
    with_log = machine.Pump(log_read, log, flood, LISTENING)
    with_out = machine.Pump(out_read, output, flood)
    if s.stdin is None:
        os.close(in_write)
    else:
        Input(s.stdin, in_write, with_log.marked)
    os.close(in_read)
    os.close(log_write)
    os.close(out_write)
    try:
        monitor.go()
        how = machine.wait(process, [with_log, with_out], timeout, flood)
        if how == "timeout":
            monitor.ask_where()
            machine.wait(process, [with_log, with_out], ANSWER_TIME, flood)
    finally:
        machine.stop(process)
    with_log.join()
    with_out.join()
    monitor.join()
    return _ending(s, process, monitor, how, with_log.text(), resets, errors)


def _ending(s, process, monitor, how, log, resets, errors):
    """Put together why the machine ended."""
    if how:
        return machine.Ending(log, how)
    said = errors.read_text(errors="replace").strip()
    if process.returncode in (EXIT_OFF, EXIT_FAIL):
        how = "off" if process.returncode == EXIT_OFF else "fail"
        return machine.Ending(log, how)
    if process.returncode != 0:
        raise UserError(f"QEMU failed (status {process.returncode}): {said}")
    text = resets.read_text(errors="replace") if resets.exists() else ""
    if "Triple fault" in text:
        return machine.Ending(log, "triple", _where(s, monitor.registers))
    return machine.Ending(log, "reset" if monitor.reset else "off")


def _where(s, registers):
    """Where the CPUs were, from the monitor's `info registers -a`."""
    places = []
    for part in registers.split("CPU#")[1:]:
        found = dict(re.findall(r"\b([RE]IP|CR2|[RE]SP) ?=([0-9a-f]+)", part))
        rip = found.get("RIP", found.get("EIP", "0"))
        places.append(f"CPU {part.split()[0]} at "
                      f"{symbols.name(s.kernel, int(rip, 16))}"
                      f" (sp {found.get('RSP', found.get('ESP'))},"
                      f" cr2 {found.get('CR2')})")
    return "; ".join(places)


def interactive(s, scratch, gdb=None):
    """A machine whose first serial port is this terminal; QEMU's status.

    gdb: None, or a socket's path: wait there for a debugger before starting.
    """
    with fit_disk(s):
        return _interactive(s, scratch, gdb)


def _interactive(s, scratch, gdb):
    argv = base_argv(s, scratch) + ["-serial", "mon:stdio"]
    if gdb:
        argv += ["-chardev", f"socket,id=gdb,path={comma(gdb)},server=on,"
                 "wait=off", "-gdb", "chardev:gdb", "-S"]
    process = machine.start(argv)
    try:
        status = process.wait()
    finally:
        machine.stop(process)
    return 0 if status == EXIT_OFF else status
