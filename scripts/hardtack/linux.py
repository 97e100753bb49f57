"""The same program on Linux, in the same machine: Debian's kernel package, and
an initramfs that holds nothing but the program, which is process 1."""

import gzip
import os
import subprocess
import tempfile
from pathlib import Path

from . import machine, qemu
from .tree import UserError

# The guest's clock counts instructions; so Linux is told how fast it is, and
# spared what it would do against attacks that this experiment is not about.
WORDS = ("console=ttyS0 loglevel=6 tsc=reliable clocksource=tsc "
         "tsc_early_khz=1000000 lpj=4000000 no_timer_check mitigations=off "
         "nokaslr norandmaps audit=0 transparent_hugepage=never "
         "cgroup_disable=memory panic=-1 rdinit=/heap --")


def kernel_of(package, scratch):
    """The kernel image out of a .deb, or the file itself."""
    if package is None:
        raise UserError("Linux's kernel is to be named: --linux FILE, of "
                        "`apt-get download linux-image-...-amd64`")
    if package.suffix != ".deb":
        return package
    subprocess.run(["dpkg-deb", "-x", package, scratch / "deb"], check=True)
    image, = (scratch / "deb/boot").glob("vmlinuz-*")
    return image


def _entry(name, mode, data=b"", device=(0, 0)):
    """One file of a cpio archive ("newc")."""
    fields = [0, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(name) + 1, 0]
    head = b"070701" + b"".join(b"%08X" % f for f in fields)
    head += name.encode() + b"\0"
    return head + b"\0" * (-len(head) % 4) + data + b"\0" * (-len(data) % 4)


def initramfs(program):
    """An archive of the program and the console that it begins with."""
    return gzip.compress(
        _entry("dev", 0o040755) +
        _entry("dev/console", 0o020600, device=(5, 1)) +
        _entry("heap", 0o100755, Path(program).read_bytes()) +
        _entry("TRAILER!!!", 0))


def run(package, program, words, mem, smp, timeout):
    """Boot it with the program's words; its report, the log, 0 or 124."""
    with tempfile.TemporaryDirectory(prefix="hardtack-") as name:
        scratch = Path(name)
        (scratch / "initramfs").write_bytes(initramfs(program))
        s = machine.Settings(
            kernel=kernel_of(package, scratch), smp=smp, mem=mem, icount=True,
            append=f"{WORDS} {' '.join(words)}", cpu="qemu64,+rdrand",
            extra=["-initrd", str(scratch / "initramfs")])
        log, out = scratch / "log", scratch / "out"
        with open(log, "wb") as log_file, open(out, "wb") as out_file:
            argv = qemu.base_argv(s, scratch) + [
                "-chardev", f"file,id=com1,path={log}",
                "-chardev", f"file,id=com2,path={out}",
                "-serial", "chardev:com1", "-serial", "chardev:com2"]
            process = machine.start(argv, stdin=subprocess.DEVNULL,
                                    stdout=log_file, stderr=log_file)
            try:
                how = machine.wait(process, [], timeout, 1 << 30)
            finally:
                machine.stop(process)
        return (out.read_text(errors="replace"),
                log.read_text(errors="replace"), 124 if how else 0)
