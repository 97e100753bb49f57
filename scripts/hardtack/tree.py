"""Where things are in the source tree, and errors meant for the user."""

import os
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
ROOT_IMAGE = BUILD / "root.img"

# mke2fs and debugfs live where an ordinary user's PATH does not look.
os.environ["PATH"] = os.environ.get("PATH", "/bin") + ":/usr/sbin:/sbin"


class UserError(Exception):
    """Something the user can put right; the text says what and how."""


def chapters():
    """Names of the chapters in book order, from the folders of kern/."""
    folders = sorted(p.name for p in (ROOT / "kern").iterdir() if p.is_dir())
    return [f[3:] for f in folders if re.fullmatch(r"\d\d-.+", f)]


def kernel_image(chapter=None, debug=False):
    """Path of a built kernel image: up to chapter, or the whole kernel."""
    names = chapters()
    if chapter is not None and chapter not in names:
        raise UserError(
            f"there is no chapter {chapter!r}; there are: {' '.join(names)}")
    if not names:
        raise UserError("kern/ holds no chapter")
    mode = "debug" if debug else "release"
    path = BUILD / mode / f"hardtack-{chapter or names[-1]}.elf"
    if not path.exists():
        words = ["make"] + ["DEBUG=1"] * debug
        words += [f"CHAPTER={chapter}"] if chapter else []
        raise UserError(
            f"no kernel {path.relative_to(ROOT)}: type `{' '.join(words)}` first")
    return path
