"""The home machine: QEMU by TCG, with AHCI disk and two serial ports."""

import json
import os
import re
import socket

from . import iso, machine, symbols
from .tree import UserError

QEMU = "qemu-system-x86_64"
EXIT_OFF = 33           # isa-debug-exit with 0x10: an orderly power-off
EXIT_FAIL = 255         # ... with 0x7f: panic, or failed self-tests


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
    if s.disk:
        argv += ["-drive", "if=none,id=disk,format=raw,"
                 f"file={comma(s.disk)}",
                 "-device", "ide-hd,drive=disk,bus=ide.0"]
    return argv + s.extra


def comma(path):
    """A file name inside a comma-separated argument."""
    return str(path).replace(",", ",,")


class Monitor:
    """QEMU's monitor over an inherited socket; remembers why it ended."""

    def __init__(self):
        self.ours, self.theirs = socket.socketpair()
        self.argv = ["-chardev", f"socket,id=qmp,fd={self.theirs.fileno()}",
                     "-mon", "chardev=qmp,mode=control", "-S"]
        self.reset = False

    def go(self):
        """Agree on the protocol, then let the stopped guest run."""
        self.theirs.close()
        self._lines = self.ours.makefile("rw")
        for command in ("qmp_capabilities", "cont"):
            self._lines.write(json.dumps({"execute": command}) + "\n")
        try:
            self._lines.flush()
        except BrokenPipeError:
            pass        # QEMU refused its arguments; its stderr says why

    def drain(self):
        """After the end: read all events."""
        try:
            for line in self._lines:
                event = json.loads(line)
                if event.get("event") == "SHUTDOWN":
                    reason = event["data"].get("reason")
                    self.reset = reason == "guest-reset"
        except (OSError, ValueError):
            pass
        self.ours.close()


def run(s, scratch, output, log, timeout, flood):
    """Boot a machine and wait for its end.

    s: machine.Settings. scratch: a folder. output, log: binary files (or
    None) that receive the second and the first serial port's bytes while the
    machine runs. timeout: wall seconds. flood: bytes of both at most.
    Returns a machine.Ending.
    """
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
    try:
        with open(errors, "wb") as errors_file:
            process = machine.start(
                argv, stdin=s.stdin, stdout=out_write, stderr=errors_file,
                pass_fds=[log_write, monitor.theirs.fileno()])
    except FileNotFoundError as error:
        raise UserError(f"no {QEMU} here: type scripts/install-deps qemu"
                        ) from error
    with_log = machine.Pump(log_read, log, flood)
    with_out = machine.Pump(out_read, output, flood)
    os.close(log_write)
    os.close(out_write)
    try:
        monitor.go()
        how = machine.wait(process, [with_log, with_out], timeout, flood)
    finally:
        machine.stop(process)
    with_log.join()
    with_out.join()
    monitor.drain()
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
        return machine.Ending(log, "triple",
                              _triple(s, text.split("Triple fault", 1)[1]))
    return machine.Ending(log, "reset" if monitor.reset else "off")


def _triple(s, dump):
    """Where the CPU was at a triple fault, from QEMU's dump at the reset."""
    parts = []
    if cpu := re.search(r"CPU Reset \(CPU (\d+)\)", dump):
        parts.append(f"CPU {cpu[1]}")
    if rip := re.search(r"[RE]IP=([0-9a-f]+)", dump):
        parts.append("at " + symbols.name(s.kernel, int(rip[1], 16)))
    for register in ("RSP", "CR2", "CR3"):
        if value := re.search(rf"\b{register}=([0-9a-f]+)", dump):
            parts.append(f"{register.lower()} {value[1]}")
    return ", ".join(parts)


def interactive(s, scratch, gdb=None):
    """A machine whose first serial port is this terminal; QEMU's status.

    gdb: None, or a socket's path: wait there for a debugger before starting.
    """
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
