"""Programs of the host (mke2fs, e2fsck, ...) that deal with what a submission
has made: a disk image is not to be trusted more than the kernel that wrote it,
so they are confined as it is."""

import subprocess

from . import sandbox as confine
from .lab import UserError

CPU_S = 20
WALL_S = 120
MEMORY_MIB = 2048
FILE_MIB = 256


class Host:
    """Runs programs that see one folder and nothing else of ours."""

    def __init__(self, sandbox, folder):
        self.sandbox, self.folder = sandbox, folder
        folder.mkdir(exist_ok=True)

    def path(self, name, data=None):
        """A file of the folder; with data, it is written."""
        path = self.folder / name
        if data is not None:
            path.write_bytes(data)
        return path

    def run(self, *command, input=b""):
        """Run a program; (exit status, its output, errors among it).

        The status is negative if it had to be ended."""
        words = [str(w) for w in command]
        try:
            done = subprocess.run(
                self.sandbox.argv(words, write=[self.folder]), input=input,
                preexec_fn=confine.limits(CPU_S, MEMORY_MIB, FILE_MIB),
                env=confine.ENVIRONMENT, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, timeout=WALL_S, check=False)
        except FileNotFoundError as error:
            raise UserError(f"grading needs {words[0]}") from error
        return done.returncode, done.stdout.decode(errors="replace")
