"""A lab as its lab.toml describes it, and where its parts lie in a tree."""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
STARTER = ".lab"        # folder of a starter tree: what made it, its originals


class UserError(Exception):
    """Something the user can put right; the text says what and how."""


@dataclass(frozen=True)
class Exercise:
    """One exercise: what is cut out for it and what it is worth."""

    number: int
    title: str
    points: int
    reached: int        # score when it and all before it are done
    hours: float
    difficulty: str
    holes: dict         # file, as in Lab.files -> [function]


@dataclass(frozen=True)
class Lab:
    """One lab. Paths are inside `root`."""

    root: Path
    name: str           # the chapter's name
    title: str
    files: tuple        # the submission: "map.c" in the chapter's folder,
                        # "journal/recover.c" in that of another
    kernel: str         # the last chapter that the graders' kernels hold
    exercises: tuple

    def folder(self, top):
        """The lab's folder under labs, grading or kern."""
        return numbered(self.root, top, self.name)

    @property
    def chapter(self):
        """The chapter's folder, relative to the tree: kern/NN-name."""
        return self.folder("kern").relative_to(self.root)

    def path(self, file):
        """One of `files`, relative to a tree."""
        chapter, _, name = file.rpartition("/")
        folder = numbered(self.root, "kern", chapter or self.name)
        return folder.relative_to(self.root) / name

    @property
    def paths(self):
        """The submission's files, relative to a tree."""
        return [self.path(f) for f in self.files]

    @property
    def points(self):
        """The most that a submission can get."""
        return sum(e.points for e in self.exercises)

    def holes(self):
        """[(relative path, function, exercise)] in the exercises' order."""
        return [(self.path(file), function, e) for e in self.exercises
                for file, functions in e.holes.items()
                for function in functions]


def numbered(root, top, name):
    """root/top/NN-name, whatever its number."""
    found = [p for p in (root / top).glob(f"[0-9][0-9]-{name}") if p.is_dir()]
    if len(found) != 1:
        raise UserError(f"there is no {top}/NN-{name} in {root}")
    return found[0]


def names(root=ROOT):
    """Names of all labs of a tree, in book order."""
    return [p.parent.name[3:] for p in sorted((root / "labs").glob(
        "[0-9][0-9]-*/lab.toml"))]


def load(name, root=ROOT):
    """The lab of a chapter; UserError where there is none or it is wrong."""
    if name not in names(root):
        raise UserError(f"there is no lab '{name}'; there are: "
                        f"{' '.join(names(root)) or 'none'}")
    path = numbered(root, "labs", name) / "lab.toml"
    try:
        data = tomllib.loads(path.read_text())
        exercises = tuple(
            Exercise(number, e["title"], e["points"], e["reached"], e["hours"],
                     e["difficulty"], e["holes"])
            for number, e in enumerate(data["exercise"], 1))
        lab = Lab(root, name, data["title"], tuple(data["files"]),
                  data["kernel"], exercises)
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{path}: {error}") from error
    except KeyError as error:
        raise UserError(f"{path}: {error} is missing") from error
    _check(lab, path)
    return lab


def _check(lab, path):
    """Refuse a lab.toml that contradicts itself."""
    for file in lab.files:
        if not re.fullmatch(r"(\w+/)?[\w.]+", file):
            raise UserError(f"{path}: bad file name {file!r}")
    if len({p.name for p in lab.paths}) < len(lab.files):
        raise UserError(f"{path}: two files have one name: they could not be "
                        "handed in in one folder")
    for file, function, _ in lab.holes():
        if file not in lab.paths:
            raise UserError(f"{path}: the hole {function} is in {file}, which "
                            "students may not change")
