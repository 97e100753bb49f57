"""Disks as QEMU shows them: queued commands, errors, partition tables."""

import json
import random
import re
import subprocess
import tempfile
from pathlib import Path

import pytest
from conftest import needs_user_space, run_tool

from hardtack import image, tree

SECTOR = 512
FAULTY = 1003
MACHINES = {"q35": "ahci", "pc": "ide"}


def drive(path, fault=None, slow=False):
    """QEMU's arguments for a disk; with a sector that cannot be written, or
    with so few transfers a second that they pile up."""
    argv = f"-blockdev driver=file,filename={path},node-name=file"
    node = "file"
    if fault:
        node = "debug"
        argv += (" -blockdev driver=blkdebug,image=file,node-name=debug,"
                 "inject-error.0.event=none,inject-error.0.iotype=write,"
                 f"inject-error.0.sector={fault},inject-error.0.errno=5")
    if slow:
        node = "slow"
        argv += (" -object throttle-group,id=limits,x-iops-total=100"
                 " -blockdev driver=throttle,throttle-group=limits,file=file,"
                 "node-name=slow")
    return argv + f" -device ide-hd,drive={node},bus=ide.0"


def sparse(path, size):
    with open(path, "wb") as file:
        file.truncate(size)
    return path


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("fault", [None, FAULTY])
def test_selftests_on_a_disk(tmp_path, machine, fault):
    """The drivers' own tests, on a good disk and on one with a bad sector."""
    disk = sparse(tmp_path / "disk", 8 << 20)
    words = "scratchdisk=sda" + (f" faultysector={fault}" if fault else "")
    done = run_tool("--chapter", "disk", "--no-disk", "--machine", machine,
                    "--append", words, "--qemu=" + drive(disk, fault),
                    "--selftest")
    assert done.returncode == 0, done.stderr
    assert f"{MACHINES[machine]}: sda " in done.stderr
    assert ("failed: " in done.stderr or "at 1000 failed" in done.stderr) == \
        bool(fault)


@needs_user_space
def test_mapping_outlives_the_file(tmp_path):
    """What is written through it when the disk is closed is on the disk."""
    disk = sparse(tmp_path / "disk", 1 << 20)
    done = run_tool("--qemu=-drive",
                    f"--qemu=file={disk},if=none,id=second,format=raw",
                    "--qemu=-device",
                    "--qemu=ide-hd,drive=second,bus=ide.2", "--timeout", 30,
                    "--", "/usr/lib/hardtack/tests/diskfile", "/dev/sdb")
    assert done.returncode == 0, done.stdout
    content = disk.read_bytes()
    assert (content[0:1], content[4096:4097]) == (b"d", b"c")


def outstanding(trace):
    """The most queued commands at once, by QEMU's own account."""
    most = 0
    running = set()
    for line in trace.splitlines():
        if found := re.match(r"(process_ncq_command|ncq_finish) .*\[tag:(\d+)",
                             line):
            if found[1] == "ncq_finish":
                running.discard(found[2])
            else:
                assert found[2] not in running
                running.add(found[2])
            most = max(most, len(running))
    return most


def test_commands_are_queued(tmp_path):
    """QEMU sees as many queued commands at once as there are tags."""
    disk = sparse(tmp_path / "disk", 8 << 20)
    trace = tmp_path / "trace"
    done = run_tool(
        "--chapter", "disk", "--no-disk", "--append", "scratchdisk=sda",
        "--qemu=" + drive(disk, slow=True), "--qemu=-trace process_ncq_command",
        f"--qemu=-trace ncq_finish,file={trace}", "--selftest")
    assert done.returncode == 0, done.stderr
    assert outstanding(trace.read_text()) == 32


# --- Partition tables --------------------------------------------------------

# What sfdisk is told: four partitions, the second for the root.
LAYOUTS = {
    "dos": "start=2048,size=8192,type=83\nstart=10240,size={root},type=83\n"
           "size=20480,type=5\nsize=2048,type=83\nsize=4096,type=83\n",
    "gpt": "start=2048,size=8192\nstart=10240,size={root}\nsize=2048\n"
           "size=4096\n",
}


def partitioned(tmp_path, label, command):
    """A disk with a root that runs a command; and its partitions, by sfdisk:
    {name: (first sector, sectors)}."""
    root = tmp_path / "root"
    image.copy_sparse(tree.ROOT_IMAGE, root)
    with tempfile.TemporaryDirectory() as scratch:
        fs = image.Image(root, scratch)
        words = ["/bin/sh", "-c", command]
        fs.put_bytes(b"".join(w.encode() + b"\0" for w in words),
                     "/.hardtack/run")
        fs.put_bytes(b"", "/.hardtack/env")
        fs.put_bytes(b"", "/.hardtack/stdin")
        fs.commit()
    size = root.stat().st_size
    disk = sparse(tmp_path / "disk", size + (32 << 20))
    script = f"label: {label}\n" + LAYOUTS[label].format(root=size // SECTOR)
    subprocess.run([sfdisk(), "-q", disk], input=script.encode(), check=True)
    subprocess.run(["dd", f"if={root}", f"of={disk}", "bs=1M", "status=none",
                    f"seek={10240 * SECTOR >> 20}", "conv=notrunc,sparse"],
                   check=True)
    told = json.loads(subprocess.run([sfdisk(), "-J", disk], check=True,
                                     capture_output=True).stdout)
    parts = {p["node"].removeprefix(str(disk)): (p["start"], p["size"])
             for p in told["partitiontable"]["partitions"]
             if p["type"] != "5"}
    return disk, {f"sda{number}": where for number, where in parts.items()}


def sfdisk():
    """It is in /sbin, which need not be in PATH."""
    return next(f"{folder}/sfdisk" for folder in ("/usr/sbin", "/sbin")
                if Path(folder, "sfdisk").exists())


def boot(disk, *options):
    """Run the root's command from the second partition."""
    return run_tool("--no-disk", "--qemu=" + drive(disk), "--append",
                    "root=sda2", *options, "--", "in the image")


@needs_user_space
@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("label", LAYOUTS)
def test_partitions(tmp_path, label, machine):
    """The kernel finds what sfdisk made, runs from it, and keeps the sectors
    of one apart from those of the next."""
    command = ("cat /proc/partitions; grep ' / ' /proc/mounts; "
               "ls /dev/sda*; "
               "for p in /dev/sda[1-9]; do "
               "test $p = /dev/sda2 || echo $p | dd of=$p bs=512 "
               "conv=notrunc 2>/dev/null; done; "
               "n=$(($(grep sda1 /proc/partitions | tr -s ' ' | cut -d' ' "
               "-f4) * 2)); "
               "dd if=/dev/zero of=/dev/sda1 bs=512 seek=$n count=1 "
               "2>/dev/null && echo past the end; "
               "mount -t ext2 /dev/sda /mnt && echo twice; sync")
    disk, parts = partitioned(tmp_path, label, command)
    done = boot(disk, "--machine", machine)
    assert done.returncode == 0, done.stderr
    seen = {line.split()[3]: int(line.split()[2])
            for line in done.stdout.splitlines()
            if re.match(r" +8 +\d+ +\d+ sda", line)}
    assert seen.pop("sda") == disk.stat().st_size // 1024
    assert seen == {name: size // 2 for name, (_, size) in parts.items()}
    assert re.search(r"^\S*sda2 / ext2", done.stdout, re.M)
    assert "past the end" not in done.stdout
    assert "twice" not in done.stdout
    content = disk.read_bytes()
    for name, (start, _) in parts.items():
        assert f"/dev/{name}" in done.stdout
        if name != "sda2":
            begin = f"/dev/{name}\n".encode()
            assert content[start * SECTOR:][:len(begin)] == begin


@needs_user_space
def test_backup_table(tmp_path):
    """The GPT's second copy does when the first is damaged."""
    disk, parts = partitioned(tmp_path, "gpt", "cat /proc/partitions")
    with open(disk, "r+b") as file:
        file.seek(SECTOR + 40)
        file.write(b"\xff")
    done = boot(disk)
    assert "checksum: the backup is used" in done.stderr
    assert all(f" {name}\n" in done.stdout for name in parts)


@needs_user_space
def test_no_table_is_believed(tmp_path):
    """Tables of random bytes: the kernel boots, from its other disk."""
    rng = random.Random(8)
    argv = []
    for number in range(4):
        disk = sparse(tmp_path / f"disk{number}", 1 << 20)
        with open(disk, "r+b") as file:
            table = bytearray(rng.randbytes(SECTOR))
            for entry in range(4):
                table[446 + 16 * entry] = 0x80 * rng.randrange(2)
                table[450 + 16 * entry] = rng.choice([5, 0x83, 0x83])
            table[510:] = b"\x55\xaa"
            file.write(table)
            if number == 3:     # a chain through random places
                for at in range(1, 2048):
                    file.write(table)
        argv += [f"--qemu=-drive if=none,id=d{number},format=raw,file={disk}",
                 f"--qemu=-device ide-hd,drive=d{number},bus=ide.{number + 1}"]
    done = run_tool(*argv, "--", "cat", "/proc/partitions")
    assert done.returncode == 0, done.stderr
    for line in done.stdout.splitlines()[2:]:
        blocks, name = int(line.split()[2]), line.split()[3]
        assert name[:3] == "sda" or blocks <= 1024


# --- What a program is told that it has used ---------------------------------

def test_blocks_are_counted():
    """By getrusage, as `time -v` prints it: 400 KiB written are 800 blocks,
    and a program that nobody has run yet is read from the disk."""
    done = run_tool("--", "/bin/busybox", "time", "-v", "/bin/dd",
                    "if=/dev/zero", "of=/file", "bs=4096", "count=100")
    outputs = int(re.search(r"File system outputs: (\d+)", done.stdout)[1])
    assert 800 <= outputs < 1000, done.stdout
    done = run_tool("--", "/bin/busybox", "time", "-v",
                    "/usr/lib/hardtack/tests/usage", "faults_are_counted")
    inputs = int(re.search(r"File system inputs: (\d+)", done.stdout)[1])
    assert 0 < inputs < 2000, done.stdout
