"""The starter tree of a lab: the project with the lab's bodies cut out."""

import hashlib
import io
import json
import shutil
import subprocess
import tarfile
from pathlib import Path

from . import holes
from .lab import STARTER, UserError

# What a student gets of labs: only the own lab's text. Tests of the project
# itself stay behind, as do the solutions.
LEFT_OUT = {".git", ".ci", "build", "compile_commands.json", STARTER}
CACHES = {"__pycache__", ".pytest_cache"}       # wherever they are
LAB_FILES = ("handout.md", "lab.toml")
ORIGINALS = "originals.tar.gz"
ORIGINAL_PARTS = ("Makefile", "kern", "lib", "scripts")


def cut_files(lab):
    """{relative path: text} of the lab's files with the holes cut."""
    texts = {}
    for path in lab.paths:
        text = holes.source(lab.root / path)
        names = [f for p, f, _ in lab.holes() if p == path]
        stubs = lab.folder("labs") / "stubs" / path.name
        if names:
            text = holes.cut(text, holes.source(stubs), names)
        texts[path] = text
    return texts


def wanted(lab, path):
    """Whether a file of the project belongs into the starter tree."""
    parts = path.parts
    if parts[0] == "labs":
        if len(parts) == 2:
            return path.suffix == ".mk"
        return (parts[1] == lab.folder("labs").name
                and path.name in LAB_FILES)
    return parts[:2] != ("grading", "tests")


def project_files(root):
    """The project's own files: what git has, else all that is not built."""
    if (root / ".git").exists() and shutil.which("git"):
        out = subprocess.run(
            ["git", "-C", str(root), "ls-files", "-z", "--cached",
             "--others", "--exclude-standard"],
            check=True, capture_output=True, text=True).stdout
        paths = [Path(p) for p in out.split("\0") if p]
    else:
        paths = [p.relative_to(root) for p in root.rglob("*")]
    return sorted(p for p in set(paths) if p.parts[0] not in LEFT_OUT
                  and not CACHES & set(p.parts) and p.suffix != ".pyc" and (root / p).is_file())


def write_tree(lab, dest):
    """Copy the project to dest with the lab's holes cut."""
    texts = cut_files(lab)
    for path in project_files(lab.root):
        if not wanted(lab, path):
            continue
        target = dest / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(lab.root / path, target, follow_symlinks=False)
        if path in texts:
            target.write_text(texts[path])


def pack_originals(dest):
    """Keep the starter as it is handed out: grading builds on it."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as tar:
        for part in ORIGINAL_PARTS:
            tar.add(dest / part, part)
    return data.getvalue()


def make(lab, dest):
    """Make the starter tree of a lab in dest, a folder that is new or empty."""
    if (lab.root / STARTER).exists():
        raise UserError("this is a starter tree; make it from the project")
    dest = Path(dest).expanduser()
    if dest.exists() and (not dest.is_dir() or any(dest.iterdir())):
        raise UserError(f"{dest} is there already and not an empty folder")
    dest.mkdir(parents=True, exist_ok=True)
    write_tree(lab, dest)
    originals = pack_originals(dest)
    about = {"lab": lab.name, "files": [str(p) for p in lab.paths],
             "originals": hashlib.sha256(originals).hexdigest()}
    (dest / STARTER).mkdir()
    (dest / STARTER / ORIGINALS).write_bytes(originals)
    (dest / STARTER / "about.json").write_text(json.dumps(about, indent=1))
    init_git(dest, lab)


def init_git(dest, lab):
    """A first commit, so that `git diff` shows the student's own work."""
    if not shutil.which("git"):
        return

    def git(*words):
        subprocess.run(["git", "-C", str(dest), "-c", "user.name=Hardtack",
                        "-c", "user.email=labs@localhost", *words],
                       check=True, capture_output=True)
    git("init", "-q", "-b", "main")
    git("add", "-A")
    git("commit", "-q", "-m", f"Lab {lab.name}: the starter")
    git("tag", "starter")


def write_originals(lab, dest):
    """The pristine starter's parts that a kernel is built from."""
    packed = lab.root / STARTER / ORIGINALS
    if packed.exists():
        with tarfile.open(packed) as tar:
            tar.extractall(dest)
        return
    texts = cut_files(lab)
    for path in project_files(lab.root):
        if path.parts[0] not in ORIGINAL_PARTS:
            continue
        target = dest / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(lab.root / path, target)
        if path in texts:
            target.write_text(texts[path])


def inputs(lab):
    """Files of this tree that write_originals depends on."""
    packed = lab.root / STARTER / ORIGINALS
    if packed.exists():
        return [packed]
    stubs = lab.folder("labs") / "stubs"
    return [lab.folder("labs") / "lab.toml", *sorted(stubs.iterdir()),
            *(lab.root / p for p in project_files(lab.root)
              if p.parts[0] in ORIGINAL_PARTS)]


def changed(lab):
    """In a starter tree: files of the kernel that differ from the handed-out
    ones although a submission does not contain them."""
    packed = lab.root / STARTER / ORIGINALS
    if not packed.exists():
        return []
    different = []
    with tarfile.open(packed) as tar:
        for member in tar:
            path = Path(member.name)
            if not member.isfile() or path in lab.paths:
                continue
            mine = lab.root / path
            if (not mine.is_file() or
                    mine.read_bytes() != tar.extractfile(member).read()):
                different.append(path)
    return different


# ---- Proof that a cut is clean ----

def check(lab):
    """Raise UserError unless starter and bodies make up the reference, byte
    for byte, and no telling line of a body is left anywhere else."""
    texts = cut_files(lab)
    removed, kept = set(), set()
    for path, text in texts.items():
        reference = holes.source(lab.root / path)
        names = [f for p, f, _ in lab.holes() if p == path]
        if holes.fill(text, reference, names) != reference:
            raise UserError(f"{path}: starter and bodies do not make up the "
                            "reference")
        source = holes.Text(reference)
        for name in names:
            removed |= holes.telling_lines(source.body(name))
        # What the rest of the file, which stays, says anyway is no secret.
        kept |= holes.telling_lines(
            source.replaced({name: "{\n}" for name in names}))
    check_leaks(lab, texts, removed - kept)


def check_leaks(lab, texts, removed):
    """Look for removed lines in all that a starter tree holds."""
    for path in project_files(lab.root):
        if not wanted(lab, path) or path.parts[0] == "grading":
            continue
        try:
            text = texts.get(path) or (lab.root / path).read_text()
        except UnicodeDecodeError:
            continue
        mine = path in texts or path.parts[0] in ("labs", "book")
        left = holes.telling_lines(text) & removed if mine else set()
        if left:
            raise UserError(f"{path} gives away: {sorted(left)[0]}")
