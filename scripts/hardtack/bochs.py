"""The second machine: Bochs, headless, booted by GRUB from an ISO."""

import bisect
import os
import re
import signal
import subprocess

from . import iso, machine
from .tree import UserError

CONFIG = """\
display_library: rfb, options="timeout=0"
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/vgabios/vgabios.bin
cpu: model=corei7_skylake_x, count={smp}, quantum=32, ips=100000000, \
reset_on_triple_fault=0
clock: sync=none, time0=1704067200
megs: {mem}
ata0-master: {disk}
ata1: enabled=1, ioaddr1=0x170, ioaddr2=0x370, irq=15
ata1-master: type=cdrom, path="{iso}", status=inserted
boot: cdrom
com1: enabled=1, mode=file, dev={com1}
com2: enabled=1, mode=file, dev={com2}
log: {log}
panic: action=fatal
error: action=report
info: action=report
debug: action=ignore
sound: driver=dummy, waveoutdrv=dummy
speaker: enabled=0
"""

ANSWER_TIME = 20  # seconds that the debugger has at a time-out


def run(s, scratch, output, log, timeout, flood):
    """Boot a machine and wait for its end; arguments as in qemu.run."""
    log_read, log_write = machine.pipe()
    out_read, out_write = machine.pipe()
    disk = "type=none"
    if s.disk:
        disk = f'type=disk, mode=flat, path="{s.disk}", cylinders=0'
    config = scratch / "bochsrc"
    config.write_text(CONFIG.format(
        smp=s.smp, mem=s.mem, disk=disk,
        iso=iso.make(s.kernel, s.append, scratch), log=scratch / "bochs.log",
        com1=f"/dev/fd/{log_write}", com2=f"/dev/fd/{out_write}"))
    script = scratch / "bochs-commands"
    script.write_text("c\n")        # Debian's Bochs is its debugger
    argv = ["bochs", "-q", "-f", str(config), "-rc", str(script)]
    try:
        with open(scratch / "bochs-output", "wb") as said:
            process = machine.start(
                argv, stdin=subprocess.PIPE, stdout=said, stderr=said,
                cwd=scratch, pass_fds=[log_write, out_write])
    except FileNotFoundError as error:
        raise UserError("no bochs here: type scripts/install-deps check"
                        ) from error
    pumps = [machine.Pump(log_read, log, flood),
             machine.Pump(out_read, output, flood)]
    os.close(log_write)
    os.close(out_write)
    try:
        how = machine.wait(process, pumps, timeout, flood)
        if how == "timeout":
            _ask_where(process, s.smp)
    finally:
        machine.stop(process)
    for pump in pumps:
        pump.join()
    said = (scratch / "bochs-output").read_text(errors="replace")
    where = _where(said, s.kernel) if how == "timeout" else ""
    log.write(where.encode())
    log.flush()
    return _ending(how, pumps[0].text() + where, scratch)


def _ask_where(process, cpus):
    """Have the debugger say where each CPU is."""
    commands = [f"set $cpu={cpu}\nbt 20\n" for cpu in range(cpus)]
    process.send_signal(signal.SIGINT)
    try:
        process.communicate(("".join(commands) + "q\n").encode(), ANSWER_TIME)
    except subprocess.TimeoutExpired:
        pass


def _where(said, kernel):
    """The debugger's answers, in the form of the kernel's own backtraces."""
    names = sorted(
        (int(a, 16), name) for a, kind, name in
        (line.split() for line in subprocess.run(
            ["nm", kernel], capture_output=True, text=True).stdout.splitlines())
        if kind in "tT")
    lines = []
    for line in said.splitlines():
        if m := re.search(r"set \$cpu=(\d+)", line):
            lines.append(f"cpu {m[1]} at")
        if m := re.search(r"-> (ffffffff[0-9a-f]{8}) ", line):
            at = int(m[1], 16)
            n = bisect.bisect(names, (at - 1, "~")) - 1  # of the call
            place = f" {names[n][1]}+{at - names[n][0]:#x}" if n >= 0 else ""
            lines.append(f"  {m[1]}{place}")
    return "".join(line + "\n" for line in lines)


def _ending(how, text, scratch):
    """Bochs's own status says nothing: judge by its log and the kernel's."""
    path = scratch / "bochs.log"
    said = path.read_text(errors="replace") if path.exists() else ""
    if how:
        return machine.Ending(text, how)
    if text.rstrip().endswith("power off"):
        return machine.Ending(text, "off")
    if "hutdown port" in said:
        return machine.Ending(text, "fail")
    if "exception with no resolution" in said:
        lines = [line for line in said.splitlines() if "rip" in line.lower()]
        return machine.Ending(text, "triple", lines[0] if lines else "")
    if not text:
        said += (scratch / "bochs-output").read_text(errors="replace")
        raise UserError("Bochs failed: " + said[-800:])
    return machine.Ending(text, "reset")
