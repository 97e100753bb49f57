"""The mutants of the labs: wrong solutions, each made for a test that fails it.

    mutants.py LAB FOLDER [PART PARTS]   grade them; FOLDER/NAME.json each

All are graded in one process, on a tree that was built with the kernel's own
files: of a mutant the file that is wrong is compiled, and no other.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.dont_write_bytecode = True
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

from grading import lab as labs  # noqa: E402
from grading import results, runner, sandbox, submission  # noqa: E402


class Mutant:
    """A wrong solution: mutants/NAME.patch, which says above the patch what
    is wrong and what it must lead to."""

    def __init__(self, lab, path):
        self.lab, self.path, self.name = lab, path, path.stem
        text = path.read_text()
        found = re.search(r"^(Fails|Ends): *(.*)$", text, re.M)
        assert found, f"{path.name} says neither Fails: nor Ends:"
        self.fails = found[2] if found[1] == "Fails" else None
        self.ends = found[2] if found[1] == "Ends" else None

    @property
    def is_row(self):
        """Whether this is one of the fixed rows, which score 0."""
        return self.ends is not None

    def write(self, folder):
        """Make the submission."""
        folder.mkdir(parents=True)
        for path in self.lab.paths:
            shutil.copy(ROOT / path, folder)
        subprocess.run(["patch", "-s", "-p1", "-d", str(folder), "-i",
                        str(self.path)], check=True)


def mutants(lab):
    """All mutants of a lab."""
    return [Mutant(lab, p) for p in
            sorted((lab.folder("labs") / "mutants").glob("*.patch"))]


def main(name, folder, part=0, parts=1):
    """Grade each mutant on the test that it is made for; a row on all."""
    lab, folder = labs.load(name), Path(folder)
    base = submission.Base(lab, folder / "cache", sandbox.Sandbox(True),
                           like=ROOT)
    for mutant in mutants(lab)[int(part)::int(parts)]:
        mutant.write(folder / mutant.name)
        result = runner.grade(lab, folder / mutant.name, base,
                              only=mutant.fails or "")
        results.write(folder / f"{mutant.name}.json", results.to_json(result))


if __name__ == "__main__":
    main(*sys.argv[1:])
