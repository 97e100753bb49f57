"""The build: the prefix rule's check, the symbol table, the root image."""

import shutil
import subprocess

import pytest
from conftest import ROOT
from hardtack import tree


def tool(*argv, **options):
    return subprocess.run(list(map(str, argv)), cwd=options.pop("cwd", ROOT),
                          capture_output=True, text=True, check=False,
                          timeout=300, **options)


@pytest.fixture
def small_tree(tmp_path):
    """A source tree of three small chapters, with our Makefile."""
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts")
    shutil.copy(ROOT / "Makefile", tmp_path)
    shutil.copytree(ROOT / "lib", tmp_path / "lib")
    (tmp_path / "lib/lib.mk").unlink(missing_ok=True)
    for folder, header, source in (
            ("01-boot", "int low(void);\n",
             "#include \"boot.h\"\nint low(void) { return 1; }\n"),
            ("02-trap", "int mid(void);\n",
             "#include \"boot.h\"\n#include \"trap.h\"\n"
             "int mid(void) { return low(); }\n"),
            ("03-sync", "int high(void);\n",
             "#include \"trap.h\"\n#include \"sync.h\"\n"
             "int high(void) { return mid(); }\n")):
        path = tmp_path / "kern" / folder
        path.mkdir(parents=True)
        (path / f"{folder[3:]}.h").write_text(header)
        (path / "code.c").write_text(source)
    shutil.copy(next((ROOT / "kern").glob("01-*")) / "kernel.ld",
                tmp_path / "kern/01-boot")
    (tmp_path / "kern/01-boot/entry.S").write_text(
        "\t.text\n\t.globl _start\n_start:\tcall low\n"
        "\t.section .note.GNU-stack, \"\", @progbits\n")
    return tmp_path


def test_each_prefix_links(small_tree):
    done = tool("make", "kernels", cwd=small_tree)
    assert done.returncode == 0, done.stderr
    out = tool("nm", small_tree / "build/release/hardtack-trap.elf").stdout
    assert " mid\n" in out and " high\n" not in out
    assert tool("scripts/check-prefix", cwd=small_tree).returncode == 0


def test_a_header_of_a_later_chapter_is_not_found(small_tree):
    path = small_tree / "kern/01-boot/code.c"
    path.write_text('#include "sync.h"\n' + path.read_text())
    done = tool("make", "kernels", cwd=small_tree)
    assert done.returncode != 0
    assert "sync.h" in done.stderr
    done = tool("scripts/check-prefix", cwd=small_tree)
    assert done.returncode == 1
    assert "01-boot/code.c includes sync.h of 03-sync" in done.stdout


def test_a_weak_use_of_a_later_chapter_is_found(small_tree):
    """The linker lets it pass; the check does not."""
    (small_tree / "kern/01-boot/code.c").write_text(
        '#include "boot.h"\nint high(void) __attribute__((weak));\n'
        "int low(void) { return high ? high() : 1; }\n")
    assert tool("make", "kernels", cwd=small_tree).returncode == 0
    done = tool("scripts/check-prefix", cwd=small_tree)
    assert done.returncode == 1
    assert "01-boot/code.c uses high, which kern/03-sync" in done.stdout


def test_the_host_s_headers_are_out_of_reach(small_tree):
    path = small_tree / "kern/01-boot/code.c"
    path.write_text("#include <netdb.h>\n" + path.read_text())
    assert tool("make", "kernels", cwd=small_tree).returncode != 0


def test_an_unknown_chapter_is_named(small_tree):
    done = tool("make", "CHAPTER=nowhere", cwd=small_tree)
    assert done.returncode == 2
    assert "no chapter 'nowhere'; there are: boot trap sync" in done.stderr


def test_chapters_are_found_by_name_alone(small_tree):
    """A chapter put in between is a move of folders, no edit."""
    kern = small_tree / "kern"
    (kern / "03-sync").rename(kern / "04-sync")
    (kern / "03-extra").mkdir()
    (kern / "03-extra/extra.c").write_text(
        '#include "trap.h"\nint extra(void);\nint extra(void)\n'
        "{ return mid(); }\n")
    done = tool("make", "kernels", cwd=small_tree)
    assert done.returncode == 0, done.stderr
    assert (small_tree / "build/release/hardtack-extra.elf").exists()


def test_symbol_table_agrees_with_nm():
    """Read ksyms out of the image, and compare with what nm says."""
    image = tree.kernel_image()
    raw = image.with_suffix(".ksyms-test")
    subprocess.run(["objcopy", "-O", "binary", "-j", ".ksyms", image, raw],
                   check=True)
    data = raw.read_bytes()
    raw.unlink()
    rows = [line.split() for line in tool("nm", "-n", image).stdout.splitlines()]
    where = {name: int(address, 16) for address, _, name in rows}
    functions = [(int(address, 16), name) for address, kind, name in rows
                 if kind in "tTwW"]
    base = where["ksyms"]
    count = int.from_bytes(data[where["nksyms"] - base:][:4], "little")
    names = data[where["ksym_names"] - base:]
    table = []
    for i in range(count):
        entry = data[16 * i:16 * i + 16]
        offset = int.from_bytes(entry[8:12], "little")
        name = names[offset:names.index(b"\0", offset)].decode()
        table.append((int.from_bytes(entry[:8], "little"), name))
    assert table == functions


def test_nothing_is_writable_and_executable():
    out = tool("readelf", "-lW", tree.kernel_image()).stdout
    loads = [line for line in out.splitlines() if " LOAD " in line]
    assert loads
    assert not [line for line in loads if "RWE" in line]


def test_root_image_is_sound_and_reproducible(tmp_path):
    if not (ROOT / "build/user/bin/init").exists():
        pytest.skip("no user programs in this tree")
    images = [tmp_path / name for name in "ab"]
    for image in images:
        done = tool("scripts/mkroot", "-o", image)
        assert done.returncode == 0, done.stderr
    assert tool("e2fsck", "-fn", images[0]).returncode == 0
    assert images[0].read_bytes() == images[1].read_bytes()


def test_help_lists_every_target():
    done = tool("make", "help")
    for target in ("qemu", "qemu-gdb", "bochs", "iso", "check", "prefixes"):
        assert f"\n  {target} " in "\n" + done.stdout


def test_missing_tools_are_named(tmp_path):
    """Without apt-get and the tools, what to install is said."""
    for name in ("sh", "id", "cat"):
        (tmp_path / name).symlink_to(shutil.which(name))
    script = (ROOT / "scripts/install-deps").read_text()
    script = script.replace("PATH=$PATH:/usr/sbin:/sbin", "")
    (tmp_path / "install-deps").write_text(script)
    done = tool("/bin/sh", tmp_path / "install-deps", "qemu",
                env={"PATH": str(tmp_path)})
    assert done.returncode == 1
    assert "missing: gcc (package gcc): to compile the kernel" in done.stderr
    assert "qemu-system-x86 e2fsprogs" in done.stderr
