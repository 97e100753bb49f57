"""A person at a terminal: the same typing at Linux and at Hardtack.

Each session is played to busybox's sh on a pseudo-terminal of this machine
and to the shell on Hardtack's serial console (`make qemu`). What the screen
shows after each line must be equal. The echo of a line is left out: how the
shell's line editor redraws it is not the kernel's affair.

Nothing is typed before its reader is there: a command that is to be
interrupted says "ready" first (written rea''dy, so that its echo does not).
"""

import difflib
import os
import re
import shlex
import subprocess

import pexpect
import pytest
from conftest import ROOT, needs_user_space

LIMIT = 60              # seconds for any answer; most come at once
# The line editor redraws the prompt as one types: only one that begins a line
# says that the command is over. ANYWHERE is for output that ends within a line.
PROMPT = "@@ "
NEXT, ANYWHERE = "\n" + PROMPT, PROMPT
ESCAPE = re.compile(r"\x1b(\[[0-9;?]*[A-Za-z]|[()][0-9A-Za-z]|[=>])")
FULL_SCREEN = "\x1b[?1049h"
READY = "ready\r*\n"      # QEMU's own terminal adds a second return

INTR, EOF, QUIT, STOP = "\x03", "\x04", "\x1c", "\x1a"
ERASE, KILL, WORD = "\x7f", "\x15", "\x17"
UP, LEFT, HOME = "\x1b[A", "\x1b[D", "\x1b[H"


def loud(command):
    """A command that says ready just before it runs, as one process."""
    inner = f"echo rea''dy >&2; exec {command}"
    return f"sh -c {shlex.quote(inner)}"


def background(command):
    """A job in the background that has begun: until its process has run, it
    ignores the SIGTERM that the shell ignores."""
    return f"sh -c '>up; exec {command}' & until [ -e up ]; do :; done; rm up"


def when_shell_sleeps(command):
    """A command that says ready when the shell that began it sleeps."""
    inner = ("until grep -q State:.S /proc/$PPID/status; do :; done; "
             f"echo rea''dy >&2; exec {command}")
    return f"sh -c {shlex.quote(inner)}"


# A step is a line to type, or a list of (keys, pattern to wait for) of which
# the last waits for the prompt.
SESSIONS = {
    "commands": [
        "echo $((6 * 7))",
        "echo one > f; cat f",
        "for i in 1 2; do echo $i; done",
        [("for i in a b\n", "> "), ("do echo $i\n", "> "), ("done\n", NEXT)],
        [("cat <<X\n", "> "), ("here\n", "> "), ("X\n", NEXT)],
        "nosuch 2>&1 | sed 's/.*: n/n/'",
        "seq 1 200",
    ],
    "editing of the shell's line": [
        f"echo abX{ERASE}c",
        f"rubbish{KILL}echo clean",
        f"echo one two{WORD}three",
        f"echo ac{LEFT}b",
        f"cho front{HOME}e",
        [(UP + "\n", NEXT)],
        [(UP + UP + "\n", NEXT)],
        [(f"echo never{INTR}", NEXT)],
        "echo after",
        "echo long" + " word" * 30,
    ],
    "completion of names": [
        "touch a-long-name; mkdir a-folder",
        [("echo a-l\t\n", NEXT)],
        [("ls -d a-f\t\n", NEXT)],
    ],
    "editing of a line that cat reads": [
        [(loud("cat") + "\n", READY), (f"abX{ERASE}c\n", "\nabc"), (EOF, NEXT)],
        [(loud("cat") + " >f\n", READY), (f"rubbish{KILL}kept\n", "kept"),
         (f"one two{WORD}three\n", "three"), (f"\x16{INTR}\n", "\n"),
         (EOF, NEXT)],
        "od -c f",
    ],
    "end of file": [
        [(loud("cat") + " >f\n", READY), ("a line\n", "a line\r*\n"), (EOF, ANYWHERE)],
        "cat f",
        [(loud("cat") + " >f\n", READY), ("no newline" + EOF, "newline"),
         (EOF, ANYWHERE)],
        "od -c f",
        [(loud("wc") + "\n", READY), (EOF, NEXT)],
        [("sh\n", NEXT), ("echo inner\n", NEXT), (EOF, NEXT)],
        "echo outer",
    ],
    "interrupt": [
        [(loud("sleep 1000") + "\n", READY), (INTR, NEXT)],
        "echo status $?",
        [(loud("cat") + "\n", READY), (INTR, NEXT)],
        "echo status $?",
        [("cat | cat | " + loud("cat") + "\n", READY), (INTR, NEXT)],
        "echo status $?",
        [("sh -c 'trap \"echo caught; exit 3\" INT; echo rea''dy; "
          "while :; do sleep 1; done'\n", READY), (INTR, NEXT)],
        "echo status $?",
        # The shell itself, as it sleeps: while it writes or allocates, this key
        # has it jump out of the C library's locks, and wait for them for ever.
        [(f"{when_shell_sleeps('sleep 1000')} & wait\n", READY), (INTR, NEXT)],
        "echo status $?",
        "kill %1; wait %1 2>/dev/null; echo status $?",
        [(loud("cat") + "\n", READY), ("half a line", "half a line"),
         (INTR, NEXT)],
        "echo after",
    ],
    "quit": [
        # Not the shell: that ignores this key, and sh -c still is one.
        [("awk 'BEGIN { print \"rea\" \"dy\"; fflush(); while (1); }'\n",
          READY), (QUIT, NEXT)],
        "echo status $?",
    ],
    # The shell loses its prompt when SIGCHLD, "continued", comes while it writes
    # it: before the prompt the job must have done something.
    "stop, background, foreground": [
        [("sh -c 'echo rea''dy; until [ -e go ]; do :; done; >went; "
          "exec sleep 1000'\n", READY), (STOP, NEXT)],
        "echo status $?",
        "jobs | sed 's/sh -c.*//'",
        "bg >/dev/null; >go; until [ -e went ]; do :; done",
        "jobs | sed 's/sh -c.*//'",
        "kill %1; wait %1 2>/dev/null; echo status $?",
        background("sleep 1001"),
        "jobs | sed 's/sh -c.*//'",
        "kill %1; wait %1 2>/dev/null; echo status $?",
    ],
    "interrupt is for the foreground": [
        background("sleep 1002"),
        [(loud("sleep 1003") + "\n", READY), (INTR, NEXT)],
        "jobs | sed 's/sh -c.*//'",
        "kill %1; wait %1 2>/dev/null; echo $?",
    ],
    "a background reader is stopped": [
        "cat & until jobs | grep -q Stopped; do :; done; echo stopped",
        "kill -KILL %1; while jobs | grep -q Stopped; do :; done; echo gone",
    ],
    "terminal settings": [
        "stty -a | tr ' ;' '\\n\\n' | grep -x 'isig\\|icanon\\|echo\\|echoe\\|"
        "echok\\|icrnl\\|opost\\|onlcr\\|iexten\\|cs8\\|cread' | sort",
        "stty -a | tr ';' '\\n' | grep -o '\\(intr\\|quit\\|erase\\|kill\\|"
        "eof\\|susp\\|werase\\|lnext\\) = .*' | sort",
        "stty -echo; stty -a | grep -o -- '-echo '; stty echo",
        [("stty -icanon min 3 time 0; echo rea''dy; "
          "dd bs=10 count=1 2>/dev/null | od -c; stty icanon\n", READY),
         ("xyz", NEXT)],
        "stty sane; stty -a | tr ' ' '\\n' | grep -x 'icanon\\|echo' | sort",
        "[ -t 0 ] && [ -t 1 ] && [ -t 2 ] && echo terminal",
        "echo x | cat >/dev/tty",
        "ps -o pid,tty | awk -v p=$$ '$1 == p && $2 != \"?\" "
        "{ print \"has one\" }'",
        "stty size",
    ],
    # What is waited for is not in the line that is typed: until that is run, the
    # terminal is the shell's, and echoes nothing.
    "the shell's read": [
        [("echo rea''dy; read -r x; echo got $x\n", READY), ("typed\n", NEXT)],
        [("read -p 'na''me? ' x; echo got $x\n", "name\\? $"),
         ("me\n", NEXT)],
        [("stty -echo; echo rea''dy; read -r x; echo got $x; stty echo\n",
          READY), ("secret\n", NEXT)],
        [("read -n 1 -p 'ke''y? ' x; echo; echo got $x\n", "key\\? $"),
         ("k", NEXT)],
        "read -t 1 x; echo status $?",
    ],
    # After an escape nothing may follow until the screen says that insert mode
    # is over ("- f"): vi would take both for a function key.
    "vi": [
        [("vi f\n", "- f "), ("ihello world\x1b", "- f "),
         (":wq\n", ANYWHERE)],
        "cat f",
        [("vi f\n", "- f "), ("o", "I f "),
         (f"second linX{ERASE}e\nthird\x1b", "- f "),
         ("1Gcw", "I f "), ("HELLO\x1b", "- f "),
         ("/third\n", "- f "), ("dd", "Delete"), ("u", "Undo"),
         (":s/third/3/\n", "- f "), ("ZZ", ANYWHERE)],
        "cat f",
        [("vi f\n", "- f "), ("iunwanted\x1b", "- f "),
         (":q!\n", ANYWHERE)],
        "cat f",
    ],
    "more and less": [
        "seq 1 60 > n",
        [("more n\n", "--More--"), (" ", "--More--|@@ "), ("q", ANYWHERE)],
        [("less n\n", r"\x1b\[7mn"), (" ", r"46\r*\n.*:"), ("q", ANYWHERE)],
    ],
}


class Shell:
    """A shell at the other end of a terminal."""

    FIRST = []      # lines typed before all others

    def __init__(self, argv, **options):
        # A background job of a shell without job control ignores SIGINT, and
        # so would all that it starts.
        self.child = pexpect.spawn(
            "/usr/bin/env", ["--default-signal=INT,QUIT", *map(str, argv)], timeout=LIMIT,
            encoding="utf-8", codec_errors="replace", **options)
        self.child.delaybeforesend = None
        self.child.expect(r"[#$] (\x1b\[6n)?$")
        for line in self.FIRST:
            self.child.sendline(line)
            self.child.expect(r"[#$] $")
        self.type("export PS1='@@ ' PS2='> '")
        # Wide enough that the line editor never wraps what is typed here.
        self.type("stty rows 24 cols 300")

    def type(self, line):
        """Type a line and wait for the prompt; what came between."""
        return self.play([(line + "\n", NEXT)])

    def play(self, keys):
        """Type keys as they are waited for; what the screen showed."""
        text = ""
        for typed, pattern in keys:
            self.child.send(typed)
            self.child.expect(pattern)
            text += self.child.before + self.child.after
        return text

    def session(self, steps):
        """Play steps in a new folder; for each, the lines after its echo."""
        self.type("rm -rf /tmp/console-$$; mkdir /tmp/console-$$; "
                  "cd /tmp/console-$$")
        shown = []
        for step in steps:
            keys = [(step + "\n", NEXT)] if isinstance(step, str) else step
            shown.append((keys[0][0].strip(), clean(self.play(keys))))
        self.type("cd /; rm -rf /tmp/console-$$")
        return shown

    def close(self):
        self.child.close(force=True)


def clean(text):
    """Screen text without escapes, carriage returns, prompts and echo."""
    if FULL_SCREEN in text:
        # In which steps a full screen is redrawn depends on how fast keys
        # come; what the editor wrote is looked at by the next line.
        return "(a full screen)"
    text = ESCAPE.sub("", text).replace("\r", "").replace("\a", "")
    return text.partition("\n")[2].replace(PROMPT, "").rstrip("\n")


def local_shell(folder):
    """busybox's sh on this machine, with nothing but its applets."""
    busybox = ROOT / "build/busybox"
    apps = folder / "apps"
    if not apps.exists():
        apps.mkdir()
        subprocess.run([busybox, "--install", "-s", apps], check=True)
    env = {"PATH": str(apps), "HOME": "/", "TZ": "UTC0", "TERM": "linux",
           "PS1": "$ "}
    return Shell([str(apps / "sh")], env=env, cwd=str(folder))


@pytest.fixture(scope="module")
def linux(tmp_path_factory):
    """linux(name): a session on this machine, in a shell of its own."""
    if not (ROOT / "build/busybox").exists():
        (ROOT / "build").mkdir(exist_ok=True)
        subprocess.run([ROOT / "scripts/get-busybox", ROOT / "build/busybox"],
                       check=True)
        os.chmod(ROOT / "build/busybox", 0o755)
    folder = tmp_path_factory.mktemp("linux")

    def get(name):
        shell = local_shell(folder)
        try:
            return shell.session(SESSIONS[name])
        finally:
            shell.close()
    return get


@pytest.fixture(scope="module")
def console():
    """console(): the shell of one boot, or of a new one if that broke."""
    made = []

    def get(broken=False):
        if made and broken:
            made.pop().close()
        if not made:
            made.append(Shell(["make", "-s", "qemu"], cwd=str(ROOT)))
        return made[0]
    yield get
    if made:
        made[0].close()


def difference(expected, seen, names):
    """None, or a diff of two transcripts."""
    left, right = ([line for typed, shown in transcript
                    for line in [f"@@ {typed}", *shown.splitlines()]]
                   for transcript in (expected, seen))
    return "\n".join(difflib.unified_diff(left, right, *names, lineterm="",
                                          n=5)) or None


@pytest.mark.parametrize("name", SESSIONS)
def test_on_linux(linux, name):
    """Played twice here, a session shows the same: it can be compared."""
    problem = difference(linux(name), linux(name), ("first", "second"))
    assert not problem, problem


@needs_user_space
@pytest.mark.parametrize("name", SESSIONS)
def test_on_hardtack(linux, console, name):
    """The serial console shows what a terminal on Linux shows."""
    expected = linux(name)
    try:
        seen = console().session(SESSIONS[name])
    except pexpect.ExceptionPexpect as error:
        console(broken=True)
        raise AssertionError(f"no answer: {error}") from error
    problem = difference(expected, seen, ("Linux", "Hardtack"))
    assert not problem, problem


@needs_user_space
def test_login_and_su(console):
    """Debian's login and su look a password up, and become that user."""
    shell = console(broken=True)

    def identity():
        return clean(shell.type("echo $(id -un) $(id -u) $(id -ru) $(id -G)"))

    def become(command, password):
        """Type a command and its password; what the new prompt ends."""
        shell.child.sendline(command)
        shell.child.expect("[Pp]assword: $")
        shell.child.send(password + "\n")
        shell.child.expect(r"(@@ |[#$] )(\x1b\[6n)?$")
        return shell.child.before

    try:
        shell.child.sendline("login student")
        shell.child.expect("[Pp]assword: $")
        shell.child.send("wrong\n")
        shell.child.expect("Login incorrect")
        shell.child.expect("login: $")
        shell.child.send("student\n")
        shell.child.expect("[Pp]assword: $")
        shell.child.send("student\n")
        shell.child.expect(r"[#$] (\x1b\[6n)?$")
        shell.type("PS1='@@ '")
        assert identity() == "student 1000 1000 1000"
        assert clean(shell.type("pwd")) == "/home/student"
        assert "denied" in clean(shell.type("cat /etc/shadow"))
        assert "denied" in clean(shell.type("echo x >/etc/passwd"))

        assert "incorrect password" in become("su", "wrong")
        assert identity() == "student 1000 1000 1000"
        become("su", "root")
        shell.type("PS1='@@ '")
        assert identity() == "root 0 0 0"
        assert clean(shell.type("head -c 5 /etc/shadow; echo")) == "root:"
        assert clean(shell.type("su student -c 'id -u'")) == "1000"
        shell.type("exit")
        assert identity() == "student 1000 1000 1000"
        shell.type("exit")
        assert identity() == "root 0 0 0"
    except pexpect.ExceptionPexpect as error:
        raise AssertionError(f"no answer: {error}") from error
    finally:
        console(broken=True)


@needs_user_space
def test_power_off(console):
    """The shell can switch the machine off; `make qemu` ends well."""
    child = console(broken=True).child
    child.sendline("poweroff -f")
    child.expect(pexpect.EOF)
    child.wait()
    assert child.exitstatus == 0
    console(broken=True)
