"""Files in and out of an ext2 image, by debugfs: no mount, no privilege."""

import os
import shutil
import stat
import subprocess
from pathlib import Path, PurePosixPath

from .tree import UserError

# Files put into an image get one fixed time, so that runs repeat.
FAKE_TIME = "1704067200"
TYPES = {"regular": stat.S_IFREG, "directory": stat.S_IFDIR,
         "symlink": stat.S_IFLNK}


def copy_sparse(source, dest):
    """Copy an image; what is zero takes no room."""
    subprocess.run(["cp", "--sparse=always", "--reflink=auto", "--",
                    str(source), str(dest)], check=True)


def _quote(path):
    """A name as debugfs reads it."""
    text = str(path)
    if '"' in text or "\n" in text:
        raise UserError(f"a file name with a quote or newline: {text!r}")
    return f'"{text}"'


class Image:
    """An ext2 file system in a file. Commands are batched: see commit()."""

    def __init__(self, path, scratch):
        """path: the image; scratch: a folder for temporary files."""
        self.path = Path(path)
        self.scratch = Path(scratch)
        self._puts = []         # (guest path, kind, content)
        self._serial = 0

    # --- looking --------------------------------------------------------

    def types(self, paths):
        """A dict: which of the paths exist, and as what (stat.S_IF...)."""
        paths = list(dict.fromkeys(str(p) for p in paths))
        out = self._debugfs([f"stat {_quote(p)}" for p in paths], write=False)
        found = {}
        # debugfs echoes each command before its output; nothing: not there.
        sections = out.split("debugfs: stat ")[1:]
        for path, section in zip(paths, sections):
            words = section.split()
            if "Type:" in words:
                kind = words[words.index("Type:") + 1]
                found[path] = TYPES.get(kind, 0)
        return found

    # --- putting --------------------------------------------------------

    def put(self, host, guest):
        """Plan to copy a host file, or a folder with all in it, to guest."""
        host = Path(host)
        guest = self._absolute(guest)
        if host.is_symlink() or not host.is_dir():
            if not host.exists():
                raise UserError(f"no such file: {host}")
            self._puts.append((guest, "file", host.resolve()))
            return
        self._puts.append((guest, "dir", None))
        for entry in sorted(host.iterdir()):
            if entry.is_symlink():
                self._puts.append((guest / entry.name, "link",
                                   os.readlink(entry)))
            else:
                self.put(entry, guest / entry.name)

    def put_bytes(self, data, guest, mode=0o644):
        """Plan to write a file of the given content."""
        self._serial += 1
        host = self.scratch / f"put-{self._serial}"
        host.write_bytes(data)
        host.chmod(mode)
        self._puts.append((self._absolute(guest), "file", host))

    def commit(self):
        """Do all that was planned, in one or two runs of debugfs."""
        if not self._puts:
            return
        wanted = {}
        puts, self._puts = self._puts, []
        for guest, kind, content in puts:
            for parent in reversed(guest.parents[:-1]):
                wanted.setdefault(parent, ("dir", None))
            wanted[guest] = (kind, content)
        there = self.types(wanted)
        commands = []
        for guest, (kind, content) in wanted.items():
            commands += self._commands(guest, kind, content,
                                       there.get(str(guest)))
        self._debugfs(commands)

    def _commands(self, guest, kind, content, existing):
        """debugfs commands that make one file, folder or link."""
        name = _quote(guest)
        if existing == stat.S_IFDIR and kind != "dir":
            raise UserError(f"{guest} is a folder in the image")
        # mkdir, write and symlink want a bare name in the current folder.
        commands = [f"cd {_quote(guest.parent)}"]
        if kind == "dir":
            return [] if existing else commands + [
                f"mkdir {_quote(guest.name)}"]
        commands += [f"rm {name}"] if existing else []
        if kind == "link":
            return commands + [
                f"symlink {_quote(guest.name)} {_quote(content)}"]
        self._serial += 1
        alias = self.scratch / f"alias-{self._serial}"
        alias.symlink_to(content)
        mode = stat.S_IFREG | stat.S_IMODE(content.stat().st_mode)
        return commands + [f"write {_quote(alias)} {_quote(guest.name)}"] + [
            f"set_inode_field {name} {field} {value}"
            for field, value in (("mode", f"0{mode:o}"), ("uid", 0),
                                 ("gid", 0), ("atime", "@" + FAKE_TIME),
                                 ("ctime", "@" + FAKE_TIME),
                                 ("mtime", "@" + FAKE_TIME))]

    # --- getting --------------------------------------------------------

    def get(self, guest, host):
        """Copy a file, or a folder, out of the image."""
        guest = self._absolute(guest)
        kind = self.types([guest]).get(str(guest))
        if kind is None:
            raise UserError(f"there is no {guest} in the guest")
        if kind == stat.S_IFDIR:
            os.makedirs(host, exist_ok=True)
            out = self.scratch / "rdump"
            out.mkdir()
            self._debugfs([f"rdump {_quote(guest)} {_quote(out)}"], write=False)
            shutil.copytree(out / guest.name, host, symlinks=True,
                            dirs_exist_ok=True)
            shutil.rmtree(out)
            return
        out = self.scratch / "dump"
        self._debugfs([f"dump {_quote(guest)} {_quote(out)}"], write=False)
        if not out.exists():
            raise UserError(f"could not read {guest} from {self.path}")
        try:
            shutil.copyfile(out, host)
        except OSError as error:
            raise UserError(f"cannot write {host}: {error.strerror}") from error
        out.unlink()

    # --- inside ---------------------------------------------------------

    @staticmethod
    def _absolute(guest):
        path = PurePosixPath(guest)
        if not path.is_absolute():
            raise UserError(f"a guest's file name must start with /: {guest}")
        return path

    def _debugfs(self, commands, write=True):
        """Run debugfs commands; its standard output."""
        script = self.scratch / "debugfs-script"
        script.write_text("\n".join(commands) + "\n")
        argv = ["debugfs"] + ["-w"] * write + ["-f", str(script),
                                               str(self.path)]
        env = dict(os.environ, E2FSPROGS_FAKE_TIME=FAKE_TIME,
                   DEBUGFS_PAGER="cat")
        try:
            done = subprocess.run(argv, env=env, capture_output=True,
                                  check=False)
        except FileNotFoundError as error:
            raise UserError("no debugfs here: install the package e2fsprogs"
                            ) from error
        errors = done.stderr.decode(errors="replace")
        if "while trying to open" in errors or "Bad magic" in errors:
            raise UserError(f"{self.path} is not an ext2 image: "
                            f"{errors.strip().splitlines()[-1]}")
        # The first line is debugfs's version. A look-up that finds nothing
        # complains there too; a write that works is silent.
        complaints = errors.strip().splitlines()[1:]
        if write and complaints:
            raise UserError(f"could not write into {self.path} (is it full?): "
                            f"{complaints[0]}")
        return done.stdout.decode(errors="replace")
