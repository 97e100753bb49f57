"""The kernel's ext2, compiled for the host: against a model, against e2fsck and
debugfs, and on damaged disks. See ext2_host/."""

import errno
import random
import re
import subprocess
import zlib

import pytest
from conftest import ROOT, run_tool
from ext2_model import Both, Host, fsck, pattern

RDONLY = 1
KINDS = {
    "1k": "-t ext2 -b 1024 -I 128 -g 1024 -N 512",
    "2k": "-t ext2 -b 2048 -I 256 -N 300",
    "4k": "-t ext2 -b 4096 -I 256 -N 300",
    "journal": "-t ext2 -j -J size=1 -b 1024 -N 300",
    "data": "-t ext2 -j -J size=1 -b 1024 -N 300",
    "data4k": "-t ext2 -j -J size=4 -b 4096 -N 300",
    "rev0": "-r 0 -b 1024 -O none -N 300",
    "plain": "-t ext2 -b 1024 -I 128 -O ^filetype,^sparse_super,^resize_inode "
             "-g 2048 -N 300",
}


def build(out):
    """Compile ext2 for the host, into a folder. The program's path."""
    done = subprocess.run([ROOT / "scripts/tests/ext2_host/build", out],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return f"{out}/ext2_host"


def mke2fs(options, size, path):
    """Make a disk of so many KiB."""
    with open(path, "wb") as f:
        f.truncate(size << 10)
    done = subprocess.run(["mke2fs", "-q", "-F", *options.split(), path],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="session")
def program(tmp_path_factory):
    return build(tmp_path_factory.mktemp("ext2_host"))


@pytest.fixture
def make(tmp_path):
    """make(options, KiB): a new image's path."""
    def new(options, size):
        path = str(tmp_path / "fs.img")
        mke2fs(options, size, path)
        return path
    return new


def debugfs(image, *commands, write=False):
    return subprocess.run(["debugfs", *["-w"] * write, "-f", "/dev/stdin",
                           image], input=("\n".join(commands) + "\n").encode(),
                          capture_output=True, check=True).stdout


@pytest.mark.parametrize("kind", KINDS)
def test_random_operations(program, make, tmp_path, kind):
    image = make(KINDS[kind], 12000 if kind == "data4k" else 6000)
    saved = str(tmp_path / "saved.img")
    rng = random.Random(kind)
    host = Host(program, image)
    if kind.startswith("data"):
        host("options", "data=journal")
    assert host("mount", 0) == ["0"]
    both = Both(host, rng)
    wide = kind not in ("1k", "rev0", "plain")
    for _ in range(3):
        for _ in range(150):
            both.step()
        both.check(wide)
        host("sync")
        host("save", saved)
        assert fsck(saved) is None
        host("unmount")
        host("save", saved)
        assert fsck(saved) is None
        assert b"clean" in subprocess.run(["e2fsck", "-n", saved],
                                          capture_output=True).stdout
        assert host("mount", 0) != -1
        both.check(wide)
    assert both.full < both.done / 2
    dump_and_compare(saved, both, tmp_path)
    while both.some(lambda n: True):
        both.remove()
    host("unmount")
    host("save", saved)
    assert fsck(saved) is None
    log = host.close()
    assert "damaged" not in log


def dump_and_compare(image, both, tmp_path):
    """debugfs reads the same files."""
    for i, (path, _, _, node) in enumerate(both.paths()):
        if node.is_file and node.content.size < 1 << 20 and len(path) < 500:
            out = tmp_path / f"dump{i}"
            debugfs(image, f'dump "{path}" {out}')
            assert out.read_bytes() == node.content.read(0, 1 << 20), path
            if i > 25:
                break


def test_counts_return(program, make, tmp_path):
    """What is made and removed leaves the counts as they were."""
    image = make("-t ext2 -b 1024", 8000)
    host = Host(program, image)
    host("mount", 0)
    before = host("statfs")
    host("mkdir", "/d", 0o755)
    for i in range(300):
        host("create", f"/d/file{i}", 0o100644, 0)
    host("write", "/d/file7", 0, 900000, 1, 900000)
    host("write", "/d/file8", 70 << 20, 10, 1, 10)
    host("symlink", "x" * 200, "/d/link")
    assert int(host("stat", "/d/file8")[5]) == 8
    assert host("statfs") != before
    for i in range(300):
        host("unlink", f"/d/file{i}")
    host("unlink", "/d/link")
    assert host("rmdir", "/d") == ["0"]
    assert host("statfs") == before
    host("unmount")
    host.close()


def test_an_open_file_outlives_its_name(program, make, tmp_path):
    image = make("-t ext2 -b 1024", 4000)
    host = Host(program, image)
    host("mount", 0)
    before = host("statfs")
    host("create", "/a", 0o100644, 0)
    host("write", "/a", 0, 100000, 1, 100000)
    host("hold", 0, "/a")
    host("unlink", "/a")
    assert host("read", "/a", 0, 1) == -errno.ENOENT
    assert host("statfs") != before
    host("drop", 0)
    assert host("statfs") == before
    host("unmount")
    host.close()


def test_orphans_of_a_mount_to_read(program, make, tmp_path):
    """After a crash, a mount to read replays the log and leaves the orphans;
    when it is to write, they are freed or cut: also one that is known by now."""
    image, saved = make(KINDS["journal"], 6000), str(tmp_path / "saved.img")
    host = Host(program, image)
    host("mount", 0)
    host("create", "/a", 0o100644, 0)
    assert host("tmpfile", 0, "/", 0o600) == ["0"]
    host("write", "@0", 0, 50000, 1, 50000)
    assert host("write", "/a", 0, 20000, 2, 9000) == ["9000"]
    host("sync")
    host("save", saved)
    host("drop", 0)
    host("unmount")
    host.close()
    host = Host(program, saved)
    assert host("mount", RDONLY) == ["0"]
    assert host("stat", "/a")
    assert host("remount", 0) == ["0"]
    assert host("unlink", "/a") == ["0"]
    host("unmount")
    host("save", saved)
    assert "2 orphans freed or cut" in host.close()
    assert "clean" in debugfs(saved, "stats").decode()
    assert fsck(saved) is None


def test_open_orphans_are_kept_when_remounted(program, make, tmp_path):
    """But once one is given up while the mount is to read, the others, which
    are before or behind it in the disk's list, have to go before it is freed."""
    saved = str(tmp_path / "saved.img")
    host = Host(program, make(KINDS["journal"], 6000))
    host("mount", 0)
    before = host("statfs")
    for slot in range(3):
        host("tmpfile", slot, "/", 0o600)
        host("write", f"@{slot}", 0, 50000, slot, 50000)
    content = host("read", "@1", 0, 50000)
    assert host("remount", RDONLY) == ["0"] == host("remount", 0)
    host("drop", 0)
    assert host("remount", RDONLY) == ["0"]
    host("drop", 2)
    assert host("remount", 0) == -errno.EBUSY
    assert host("read", "@1", 0, 50000) == content
    host("drop", 1)
    assert host("remount", 0) == ["0"]
    assert host("statfs") == before
    host("unmount")
    host("save", saved)
    assert fsck(saved) is None
    host.close()


def test_a_full_disk(program, make, tmp_path):
    image = make("-t ext2 -b 1024 -m 10", 2000)
    saved = str(tmp_path / "saved.img")
    host = Host(program, image)
    host("mount", 0)
    host("user", 1000)
    host("create", "/a", 0o100644, 0)
    total = 0
    while True:
        answer = host("write", "/a", total, 100000, total, 100000)
        if not isinstance(answer, list):
            break
        total += int(answer[0])
    assert answer == -errno.ENOSPC and total > 1 << 20
    blocks, free, available = map(int, host("statfs")[:3])
    assert available == 0 and free > 100, "the superuser's part is kept"
    assert host("mkdir", "/d", 0o755) == -errno.ENOSPC
    host("user", 0)
    assert host("mkdir", "/d", 0o755) == ["0"]
    while isinstance(host("write", "/a", total, 900, 1, 900), list):
        total += 900
    assert int(host("statfs")[1]) <= 1
    host("sync")
    host("save", saved)
    assert fsck(saved) is None
    host("truncate", "/a", 10)
    assert host("write", "/a", 0, 50000, 5, 50000) == ["50000"]
    host("unmount")
    host("save", saved)
    assert fsck(saved) is None
    host.close()


def test_no_inodes_left(program, make, tmp_path):
    image = make("-t ext2 -b 1024 -N 32", 2000)
    saved = str(tmp_path / "saved.img")
    host = Host(program, image)
    host("mount", 0)
    n = 0
    while host("create", f"/f{n}", 0o100644, 0) == ["0"]:
        n += 1
    assert n > 10 and host("statfs")[4] == "0"
    assert host("mkdir", "/d", 0o755) == -errno.ENOSPC
    host("unmount")
    host("save", saved)
    assert fsck(saved) is None
    host.close()


def test_link_limit(program, make):
    image = make("-t ext2 -b 1024 -N 64", 2000)
    debugfs(image, "mkdir d", "write /dev/null f", "sif f links_count 31999",
            "sif d links_count 31999", write=True)
    host = Host(program, image)
    host("mount", 0)
    assert host("link", "/f", "/g") == ["0"]
    assert host("link", "/f", "/h") == -errno.EMLINK
    assert host("mkdir", "/d/e", 0o755) == ["0"]
    assert host("mkdir", "/d/f", 0o755) == -errno.EMLINK
    assert host("mkdir", "/e", 0o755) == ["0"]
    assert host("rename", "/e", "/d/e2") == -errno.EMLINK
    assert host("rename", "/e", "/d/e") == ["0"], "it takes the other's place"
    assert host("stat", "/d")[1] == "32000"
    host("unmount")
    host.close()


def test_freed_blocks_are_not_shown(program, make, tmp_path):
    """Holes and unwritten parts read as zeros on a disk full of old data."""
    path = tmp_path / "fs.img"
    path.write_bytes(b"\xdb" * (4 << 20))
    subprocess.run(["mke2fs", "-q", "-F", "-t", "ext2", "-b", "1024", path],
                   check=True)
    host = Host(program, str(path))
    host("mount", 0)
    zeros = f"{zlib.adler32(bytes(3000))}"
    for name, steps in {
            "gap": [("write", 9000, 10, 1, 10)],
            "short": [("write", 0, 20000, 1, 100)],
            "grown": [("write", 0, 3000, 1, 3000), ("truncate", 100),
                      ("truncate", 20000)],
            "mapped": [("truncate", 100), ("mapwrite", 50, 7),
                       ("mapwrite", 200, 7), ("truncate", 20000)],
    }.items():
        host("create", f"/{name}", 0o100644, 0)
        for op, *words in steps:
            host(op, f"/{name}", *words)
            host("sync")
            host("evict")
        assert host("read", f"/{name}", 4500, 3000)[1:] in ([zeros], ["1"])
        host("truncate", f"/{name}", 10000)
        assert host("read", f"/{name}", 4500, 3000) == ["3000", zeros]
    assert host("read", "/mapped", 200, 1)[1] == f"{zlib.adler32(bytes(1))}"
    host("unmount")
    host.close()


def test_an_indexed_directory(program, make, tmp_path):
    """One that Linux gave a hash tree: read, changed, and still sound."""
    image = make("-t ext2 -b 1024 -N 2000 -O dir_index", 8000)
    saved = str(tmp_path / "saved.img")
    names = [f"a-rather-long-name-{i}" for i in range(400)]
    empty = tmp_path / "empty"
    empty.write_bytes(b"")
    debugfs(image, "mkdir d", "cd d", *[f"write {empty} {n}" for n in names],
            write=True)
    subprocess.run(["e2fsck", "-fyD", image], capture_output=True)
    assert b"0x1000" in debugfs(image, "stat d") or (
        b"htree" in debugfs(image, "htree_dump d").lower())
    host = Host(program, image)
    host("mount", 0)
    listed = [w.rpartition(":")[0] for w in host("list", "/d")]
    assert sorted(listed) == sorted(names + [".", ".."])
    for i in range(0, 400, 3):
        assert host("unlink", f"/d/{names[i]}") == ["0"]
    for i in range(200):
        assert host("create", f"/d/new{i}", 0o100644, 0) == ["0"]
    host("unmount")
    host("save", saved)
    assert fsck(saved) is None
    assert len(debugfs(saved, "ls -p d").split(b"\n")) > 400
    host.close()


def test_a_shared_attribute_block(program, make, tmp_path):
    image = make("-t ext2 -b 1024 -I 128", 2000)
    saved = str(tmp_path / "saved.img")
    debugfs(image, "write /etc/hostname a", "write /etc/hostname b",
            "ea_set a user.x " + "v" * 200, "ea_set b user.x w", write=True)
    block = re.search(rb"File ACL: (\d+)", debugfs(image, "stat a")).group(1)
    own = re.search(rb"File ACL: (\d+)", debugfs(image, "stat b")).group(1)
    # b shares a's block; its own is freed.
    debugfs(image, f"sif b file_acl {block.decode()}",
            f"freeb {own.decode()}", write=True)
    subprocess.run(["e2fsck", "-fy", image], capture_output=True)
    host = Host(program, image)
    host("mount", 0)
    for name in "/a", "/b":
        assert host("unlink", name) == ["0"]
        host("sync")
        host("save", saved)
        assert fsck(saved) is None
    host("unmount")
    assert "damaged" not in host.close()


def test_what_is_refused(program, make, tmp_path):
    """Disks that must not be mounted, or not for writing."""
    for options, message in {
            "-t ext4": "incompat 0x2c0",
            "-t ext2 -O extents": "incompat 0x40",
            "-t ext2 -O 64bit,extents": "incompat 0xc0",
    }.items():
        host = Host(program, make(options, 4000))
        assert host("mount", 0) == -errno.EINVAL
        assert message in host.close()
    image = make("-t ext2", 4000)
    for options, message in {"data=journal": "there is no journal",
                             "noload": "unknown option noload"}.items():
        host = Host(program, image)
        host("options", options)
        assert host("mount", 0) == -errno.EINVAL
        assert message in host.close()
    host = Host(program, image)
    host("options", "data=journal")
    assert host("mount", RDONLY) == ["0"]
    assert host("remount", 0) == -errno.EINVAL
    assert host("mkdir", "/d", 0o755) == -errno.EROFS
    host("unmount")
    assert "there is no journal" in host.close()
    debugfs(image, "feature needs_recovery", write=True)
    host = Host(program, image)
    assert host("mount", 0) == -errno.EINVAL
    assert "a journal to be replayed, but none" in host.close()
    image = make("-t ext2 -O huge_file", 4000)
    host = Host(program, image)
    assert host("mount", 0) != -errno.EINVAL
    assert host("mkdir", "/d", 0o755) == -errno.EROFS
    host("unmount")
    assert "ro_compat 0x8" in host.close()
    empty = tmp_path / "zeros"
    empty.write_bytes(bytes(1 << 20))
    host = Host(program, str(empty))
    assert host("mount", 0) == -errno.EINVAL
    assert "no ext2 file system" in host.close()
    image = make("-t ext2", 4000)
    with open(image, "r+b") as f:
        f.truncate(2 << 20)
    host = Host(program, image)
    assert host("mount", 0) == -errno.EUCLEAN
    assert "do not fit" in host.close()


def test_an_append_only_file(program, make, tmp_path):
    """What is refused leaves the file as it was."""
    image = make("-t ext2", 4000)
    old = tmp_path / "old"
    old.write_bytes(b"x" * 6000)
    debugfs(image, f"write {old} f", "sif f flags 0x20", write=True)
    host = Host(program, image)
    assert host("mount", 0) == ["0"]
    whole = host("read", "/f", 0, 6000)
    assert host("truncate", "/f", 5000) == -errno.EPERM
    assert host("read", "/f", 0, 6000) == whole
    host("unmount")
    host.close()


def test_directory_loops_are_refused(program, make, tmp_path):
    image = make("-t ext2 -b 1024", 2000)
    debugfs(image, "mkdir a", "mkdir a/b", "link a a/b/c", "link . a/self",
            write=True)
    host = Host(program, image)
    host("mount", 0)
    assert host("stat", "/a/b") != -errno.EUCLEAN
    assert host("stat", "/a/b/c") == -errno.EUCLEAN
    assert host("stat", "/a/self") == -errno.EUCLEAN
    host("unmount")
    assert "damaged" in host.close()


@pytest.mark.parametrize("kind", ["1k", "2k", "4k"])
def test_self_tests_on_a_disk(make, kind):
    """The kernel's self-tests on a disk; the last one ends without unmounting,
    after a sync."""
    image = make(KINDS[kind], 12000)
    done = run_tool("--chapter", "ext2", "--debug", "--disk", image,
                    "--append", "selftest=ext2 ext2disk=sda")
    assert done.returncode == 0, done.stderr[-3000:]
    assert "ext2_synced_is_sound" in done.stderr
    assert fsck(image) is None
    assert b"d19" in debugfs(image, "ls t3")


@pytest.mark.parametrize("kind", ["1k", "4k"])
def test_disk_errors(program, make, kind):
    """A block that cannot be read fails a call, or makes the file system
    read-only; nothing worse."""
    image = make(KINDS[kind], 4000)
    read_only = 0
    for seed in range(40):
        host = Host(program, image)
        host("mount", 0)
        both = Both(host, random.Random(seed))
        try:
            for _ in range(60):
                host("fail", both.rng.randrange(1, 60), errno.EIO)
                both.step()
        except AssertionError:
            assert host.process.poll() is None, host.process.stderr.read()
        host("fail", 0, 0)
        made = host("create", "/another", 0o100644, 0)
        assert made in (["0"], -errno.EROFS, -errno.EEXIST)
        host("unmount")
        said = "read-only from now on" in host.close()
        assert said == (made == -errno.EROFS)
        read_only += said
    assert 0 < read_only < 40


@pytest.mark.parametrize("kind", ["1k", "4k"])
def test_no_memory(program, make, tmp_path, kind):
    """A block that cannot be had undoes the operation, and only that."""
    image = make(KINDS[kind], 4000)
    saved = str(tmp_path / "saved.img")
    host = Host(program, image)
    host("mount", 0)
    rng = random.Random(kind)
    both = Both(host, rng)
    for _ in range(300):
        host("fail", rng.randrange(1, 25), errno.ENOMEM)
        both.step()
        host("fail", 0, 0)
    host("sync")
    host("save", saved)
    assert fsck(saved) is None
    assert both.full > 20
    host("unmount")
    assert "damaged" not in host.close()


def fill(program, image):
    """Files of all types, trees of all depths, a directory of many blocks."""
    debugfs(image, "mkdir d", "mkdir d/e", "mkdir d/e/f",
            "symlink long " + "x" * 200, f"write {ROOT}/LICENSE l", "cd d",
            "symlink short y", f"write {ROOT}/Makefile file", "cd e",
            f"write {ROOT}/kern/01-boot/log.c log", "mknod dev c 1 3",
            write=True)
    fill_sparse(program, image)
    assert fsck(image) is None


def fill_sparse(program, image):
    """A file with trees of all depths, and a directory of several blocks."""
    host = Host(program, image)
    host("mount", 0)
    host("create", "/d/sparse", 0o100644, 0)
    for offset in (0, 20000, 400000, 80 << 20):
        host("write", "/d/sparse", offset, 3000, 1, 3000)
    for i in range(60):
        host("create", f"/d/e/a-long-name-that-fills-the-block-{i}",
             0o100644, 0)
    host("unmount")
    host("save", image)
    host.close()
