"""The routines shared by kernel and library, and the ABI headers, judged by
the host: its libc, its headers, AddressSanitizer and UBSan."""

import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
LIB = ROOT / "lib"
STRICT = ["-std=gnu11", "-Wall", "-Wextra", "-Werror"]


def run(*command, **options):
    """Runs a command that must succeed; its standard output."""
    done = subprocess.run([str(word) for word in command], text=True,
                          capture_output=True, timeout=300, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("cc", ["gcc", "clang"])
def test_freestanding(cc, tmp_path):
    flags = STRICT + ["-g", "-O1", "-fsanitize=address,undefined",
                      "-fno-sanitize-recover=all", "-iquote", LIB / "include"]
    objects = []
    for source in sorted((LIB / "freestanding").glob("*.c")):
        objects.append(tmp_path / (source.stem + ".o"))
        run(cc, *flags, "-fno-builtin", "-include", LIB / "tests/rename.h",
            "-c", source, "-o", objects[-1])
    program = tmp_path / "test"
    run(cc, *flags, LIB / "tests/test_freestanding.c", *objects, "-o", program)
    for seed in 1, 2, 3:
        assert "\n0 failures\n" in run(program, seed)


def test_struct_layouts(tmp_path):
    ours, host = tmp_path / "ours", tmp_path / "host"
    source = LIB / "tests/layout.c"
    run("gcc", "-fno-builtin", "-iquote", LIB / "include", source, "-o", ours)
    run("gcc", "-DHOST", source, "-o", host)
    assert run(ours).splitlines() == run(host).splitlines()


HOST_HEADERS = {
    "errno.h": "errno.h",
    "syscall.h": "asm/unistd.h",
    "fcntl.h": "linux/fs.h linux/fcntl.h",
    "stat.h": "sys/stat.h",
    "mman.h": "sys/mman.h",
    "signal.h": "signal.h",
    "time.h": "time.h sys/time.h",
    "poll.h": "poll.h sys/epoll.h sys/select.h",
    "termios.h": "asm/termbits.h asm/ioctls.h linux/termios.h",
    "ioctl.h": "stddef.h linux/fs.h",
    "resource.h": "sys/resource.h",
    "wait.h": "sys/wait.h linux/wait.h",
    "dirent.h": "dirent.h",
    "uio.h": "limits.h linux/uio.h",
    "socket.h": "sys/ioctl.h linux/sockios.h sys/socket.h sys/un.h",
    "shm.h": "sys/ipc.h sys/shm.h",
    "splice.h": "fcntl.h",
    "statfs.h": "linux/magic.h sys/statvfs.h",
    "sched.h": "linux/sched.h asm/prctl.h linux/prctl.h",
    "futex.h": "linux/futex.h",
    "elf.h": "elf.h linux/auxvec.h",
    "reboot.h": "linux/reboot.h",
    "limits.h": "linux/limits.h",
    "mount.h": "sys/mount.h",
    "unistd.h": "unistd.h sys/random.h",
}


def macros(includes, *flags):
    """The object-like macros that a text's #include lines define."""
    text = run("gcc", "-D_GNU_SOURCE", *flags, "-E", "-dM", "-x", "c", "-",
               input="".join(f"#include <{name}>\n" for name in includes))
    return dict(re.findall(r"^#define (\w+) (.+)$", text, re.M))


# Not numbers, or (the stack sizes) made longer by the host's C library.
NOT_COMPARED = re.compile(r"si_\w+|st_\w+|SIG_\w+|MAP_FAILED|ELFMAG|\w*SIGSTKSZ")


def common(header):
    """(our name, the host's name) of each constant that both define."""
    builtin = run("gcc", "-print-file-name=include").strip()
    ours = macros([f"abi/{header}"], "-ffreestanding", "-nostdinc",
                  "-I", LIB / "include", "-isystem", builtin)
    host = macros(HOST_HEADERS[header].split())
    pairs = [(name, re.sub("^NR_", "__NR_", name)) for name in ours]
    return [(a, b) for a, b in pairs
            if b in host and not a.startswith("_")
            and not NOT_COMPARED.fullmatch(a)]


def values(where, includes, names, *flags):
    """The values of integer constants, as a compiled program prints them."""
    prints = "".join(f'printf("%d\\n", (int)({name}));\n' for name in names)
    where.with_suffix(".c").write_text(
        f"#define _GNU_SOURCE\n{includes}\nint printf(const char *, ...);\n"
        f"int main(void) {{\n{prints}}}\n")
    run("gcc", "-fno-builtin", *flags, where.with_suffix(".c"), "-o", where)
    return run(where).split()


@pytest.mark.parametrize("header", sorted(HOST_HEADERS))
def test_constants(header, tmp_path):
    """Every constant of ours that the host names too has the host's value."""
    pairs = common(header)
    assert len(pairs) >= 2
    ours = values(tmp_path / "ours", f'#include "abi/{header}"',
                  [a for a, _ in pairs], "-iquote", LIB / "include")
    includes = "".join(f"#include <{name}>\n"
                       for name in HOST_HEADERS[header].split())
    host = values(tmp_path / "host", includes, [b for _, b in pairs])
    wrong = [(a, x, y) for (a, _), x, y in zip(pairs, ours, host) if x != y]
    assert not wrong, "(name, ours, the host's)"


@pytest.mark.parametrize("cc", ["gcc", "clang"])
def test_headers_stand_alone(cc, tmp_path):
    """Each header compiles by itself, as kernel code, without a host header."""
    builtin = run(cc, "-print-file-name=include").strip()
    for header in sorted((LIB / "include").rglob("*.h")):
        name = header.relative_to(LIB / "include")
        source = tmp_path / "one.c"
        source.write_text(f'#include "{name}"\n#include "{name}"\n')
        run(cc, *STRICT, "-ffreestanding", "-mgeneral-regs-only", "-nostdinc",
            "-isystem", builtin, "-I", LIB / "include", "-fsyntax-only", source)
