"""Run a command that deals with untrusted code: no network, few files, limits.

bubblewrap gives the command namespaces of its own: it sees the system's
programs and libraries, read-only, and the folders that the caller names. It
does not see the grader, the reference solution, or anybody's home.
"""

import os
import resource
import shutil
import subprocess
from pathlib import Path

from .lab import UserError

MIB = 1 << 20
# All that a command sees of the environment, sandbox or not: a variable of a
# make around us must not reach the make within.
ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
               "LANG": "C.UTF-8", "HOME": "/tmp"}
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
CONFIGURATION = ("/etc/alternatives", "/etc/ld.so.cache", "/etc/ld.so.conf",
                 "/etc/ld.so.conf.d")


class Sandbox:
    """How commands are confined; enabled=False: they are not (own code)."""

    def __init__(self, enabled=True):
        self.enabled = enabled
        if enabled:
            self._try()

    def _try(self):
        """Find out now, not at the first test, whether it works here."""
        if not shutil.which("bwrap"):
            raise UserError("the sandbox needs bwrap: type "
                            "`apt-get install bubblewrap`")
        done = subprocess.run(self.argv(["true"]), capture_output=True,
                              text=True, check=False)
        if done.returncode != 0:
            raise UserError(
                "the sandbox does not work here: " + done.stderr.strip() +
                "\nTo grade code that you trust, your own for instance, "
                "without it: --no-sandbox (make grade SANDBOX=0)")

    def argv(self, command, write=(), read=()):
        """The command with its confinement; write, read: folders it sees."""
        if not self.enabled:
            return list(command)
        words = ["bwrap", "--unshare-all", "--die-with-parent",
                 "--new-session", "--clearenv",
                 "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"]
        for name, value in ENVIRONMENT.items():
            words += ["--setenv", name, value]
        for path in map(Path, SYSTEM):
            if path.is_symlink():
                words += ["--symlink", os.readlink(path), str(path)]
            elif path.exists():
                words += ["--ro-bind", str(path), str(path)]
        for path in CONFIGURATION:
            words += ["--ro-bind-try", path, path]
        for path in read:
            words += ["--ro-bind", str(path), str(path)]
        for path in write:
            words += ["--bind", str(path), str(path)]
        return words + ["--"] + list(command)


def limits(cpu_s, memory_mib, file_mib):
    """A function that sets a child's limits, to be called before its exec."""
    def set_limits():
        for what, value in ((resource.RLIMIT_CPU, cpu_s),
                            (resource.RLIMIT_AS, memory_mib * MIB),
                            (resource.RLIMIT_FSIZE, file_mib * MIB),
                            (resource.RLIMIT_CORE, 0)):
            _, hard = resource.getrlimit(what)
            if hard != resource.RLIM_INFINITY:
                value = min(value, hard)
            resource.setrlimit(what, (value, value))
    return set_limits
