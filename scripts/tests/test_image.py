"""Files into and out of an ext2 image."""

import os
import subprocess

import pytest
from hardtack.image import Image, copy_sparse
from hardtack.tree import UserError


@pytest.fixture
def fs(tmp_path):
    """A small file system of its own."""
    path = tmp_path / "fs.img"
    with open(path, "wb") as f:
        f.truncate(4 << 20)
    subprocess.run(["mke2fs", "-q", "-F", "-t", "ext2", path], check=True)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    return Image(path, scratch)


def clean(fs):
    return subprocess.run(["e2fsck", "-fn", fs.path], capture_output=True,
                          check=False).returncode == 0


def test_what_is_put_can_be_got(fs, tmp_path):
    data = os.urandom(100_000)
    host = tmp_path / "a file with spaces"
    host.write_bytes(data)
    host.chmod(0o750)
    fs.put(host, "/deep/er/than before/x")
    fs.put_bytes(b"a\0b", "/run")
    fs.commit()
    fs.get("/deep/er/than before/x", tmp_path / "back")
    fs.get("/run", tmp_path / "run")
    assert (tmp_path / "back").read_bytes() == data
    assert (tmp_path / "run").read_bytes() == b"a\0b"
    out = subprocess.run(
        ["debugfs", "-R", 'stat "/deep/er/than before/x"', fs.path],
        capture_output=True, text=True, check=True).stdout
    assert "Mode:  0750" in out and "User:     0" in out
    assert clean(fs)


def test_a_file_is_replaced(fs, tmp_path):
    for text in (b"first and longer", b"second"):
        fs.put_bytes(text, "/f")
        fs.commit()
    fs.get("/f", tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == b"second"
    assert clean(fs)


def test_a_folder_goes_in_and_out_whole(fs, tmp_path):
    tree = tmp_path / "tree"
    (tree / "sub").mkdir(parents=True)
    (tree / "sub" / "f").write_text("f")
    (tree / "link").symlink_to("sub/f")
    fs.put(tree, "/tree")
    fs.commit()
    fs.get("/tree", tmp_path / "back")
    assert (tmp_path / "back/sub/f").read_text() == "f"
    assert os.readlink(tmp_path / "back/link") == "sub/f"
    assert clean(fs)


def test_errors_say_what_is_wrong(fs, tmp_path):
    with pytest.raises(UserError, match="there is no /x in the guest"):
        fs.get("/x", tmp_path / "x")
    with pytest.raises(UserError, match="must start with /"):
        fs.put_bytes(b"", "x")
    with pytest.raises(UserError, match="no such file"):
        fs.put(tmp_path / "nowhere", "/x")
    fs.put_bytes(b"", "/lost+found")
    with pytest.raises(UserError, match="is a folder"):
        fs.commit()
    fs.put_bytes(os.urandom(8 << 20), "/big")
    with pytest.raises(UserError, match="full"):
        fs.commit()


def test_an_image_that_is_none(tmp_path):
    bad = tmp_path / "bad.img"
    bad.write_bytes(bytes(65536))
    with pytest.raises(UserError, match="not an ext2 image"):
        Image(bad, tmp_path).types(["/"])


def test_a_copy_is_sparse(tmp_path):
    with open(tmp_path / "a", "wb") as f:
        f.truncate(64 << 20)
    copy_sparse(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "b").stat().st_blocks < 100
