"""Good citizens beside hogs: running user/heap, reading its report, and the
bars that a kernel which reserves its heap has to keep."""

import re
import statistics
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from . import linux
from .tree import BUILD, ROOT, UserError

PROGRAM = "/usr/lib/hardtack/tests/heap"
RECOVERY_MS = 10        # from the first call that waits to the last: the median
KERNELS = {             # kernel: words for its command line
    "gate": "", "off": "heapgate=off", "fail": "heapgate=fail", "linux": None}


@dataclass
class Run:
    """What one kind of hog, with one seed, did to the citizens."""

    kernel: str
    kind: str
    seed: int
    ended: bool = False         # the report is whole
    crash: str = ""             # why there is no more of it
    length_ms: int = 0
    hog_from_ms: int = 0
    hog_gone_ms: int = 0        # all of its family; 0: by the judge alone
    hog_signal: int = 0
    hogs_left: int = 0
    taken: int = 0
    refused: int = 0
    stuck: int = 0              # citizens that a call never came back to
    pids: list = field(default_factory=list)
    lost: int = 0               # citizens that were ended
    failures: int = 0
    failed: list = field(default_factory=list)      # some of them: texts
    before: dict = field(default_factory=dict)      # calls, p50, p99, max (ns)
    during: dict = field(default_factory=dict)
    slowest: str = ""
    rounds: list = field(default_factory=list)      # in each 10 ms
    heap_before: dict = field(default_factory=dict)
    heap_after: dict = field(default_factory=dict)
    victims: list = field(default_factory=list)     # [name, pid], in order

    def count(self, what):
        """How much a counter of /proc/heap has gone up."""
        return self.heap_after.get(what, 0) - self.heap_before.get(what, 0)

    def recovery_ms(self):
        """The longest time that calls waited; None if none did, or the kernel
        does not say. (Of the whole boot, which is one run's.)"""
        if not self.count("shortages"):
            return None
        return self.heap_after["longest"] / 1e6

    def complaints(self):
        """What a kernel with the gate must not let happen."""
        if not self.ended:
            yield f"no report: {self.crash}"
            return
        if self.lost:
            yield f"{self.lost} citizens were ended"
        if bad := [v for v in self.victims if v[0] != "hog"]:
            yield f"the kernel ended {bad}"
        if self.failures:
            yield f"{self.failures} calls failed: {self.failed[:3]}"
        if self.stuck:
            yield f"{self.stuck} citizens never came back from a call"
        if self.hogs_left:
            yield "the hog could not be ended"
        if self.heap_after.get("waiting"):
            yield f"{self.heap_after['waiting']} calls still wait"


def kinds():
    """The kinds of hog that there are."""
    source = (ROOT / "user/heap/hogs.c").read_text()
    table = source.partition("struct hog hogs[]")[2]
    return re.findall(r'^\t\{ "(\w+)",', table, re.M)


def _numbers(line):
    """"a 1 b 2" as {a: 1, b: 2}."""
    return {name: int(number) for name, number in
            re.findall(r"([a-z]\w*) (-?\d+)", line)}


def parse(kernel, text, log):
    """The runs of a report."""
    runs = []
    for line in text.replace("\r", "").splitlines():
        word, _, rest = line.partition(" ")
        if word == "run":
            kind, _, seed = rest.split()
            runs.append(Run(kernel, kind, int(seed)))
        elif runs:
            _note(runs[-1], word, rest)
    _share_victims(runs, log)
    return runs


def _note(run, word, rest):
    n = _numbers(rest)
    if word == "hog":
        run.hog_from_ms, run.hog_gone_ms = n["from"], n["gone"]
        run.taken, run.refused = n["taken"], n["refused"]
        run.hog_signal = n["signal"]
    elif word == "citizen":
        run.pids.append(n["pid"])
        run.lost += n["signal"] != 0
        run.failures += n["failures"]
    elif word == "failure":
        run.failed.append(rest)
    elif word in ("before", "during"):
        setattr(run, word, n)
    elif word == "slowest":
        run.slowest = rest
    elif word == "rounds":
        run.rounds = [int(number) for number in rest.split()]
    elif word == "heap-before":
        run.heap_before.update(n)
    elif word == "heap-after":
        run.heap_after.update(n)
    elif word == "end":
        run.length_ms = int(rest.split()[0])
        run.stuck, run.hogs_left = n["stuck"], n["hogs"]
        run.ended = True


VICTIM = re.compile(r"ending (?P<name>\S+) \(pid (?P<pid>\d+)\)|"
                    r"Killed process (?P<pid_>\d+) \((?P<name_>\S+?)\)")


def _share_victims(runs, log):
    """Who the kernel has ended: a run's are younger than its citizens."""
    for found in VICTIM.finditer(log):
        name = found["name"] or found["name_"]
        pid = int(found["pid"] or found["pid_"])
        begun = [run for run in runs if run.pids and min(run.pids) <= pid]
        if runs:
            (begun or runs)[-1].victims.append([name, pid])


def boot(kernel, seed, which, mem, smp, options=(), icount=True, timeout=600,
         image=None):
    """Boot once; in it a hog of each kind named, one after another."""
    words = [*options, str(seed), *which]
    if kernel == "linux":
        text, log, status = linux.run(image, BUILD / "user/tests/heap", words,
                                      mem, smp, timeout)
    else:
        with tempfile.NamedTemporaryFile(prefix="hardtack-") as file:
            done = subprocess.run(
                [ROOT / "scripts/run", *["--icount"] * icount, "--smp",
                 str(smp), "--mem", str(mem), "--timeout", str(timeout),
                 "--append", KERNELS[kernel], "--log", file.name, "--",
                 PROGRAM, *words],
                capture_output=True, text=True, errors="replace", check=False)
            log = Path(file.name).read_text(errors="replace")
        text, status = done.stdout, done.returncode
        if status == 2 and not text:
            raise UserError(done.stderr.strip())
        log += done.stderr
    runs = parse(kernel, text, log)
    for kind in which[len(runs):]:
        runs.append(Run(kernel, kind, seed))
    for run in runs:
        if not run.ended:
            run.crash = f"status {status}: " + log.strip()[-300:]
    return runs


# ---- Many runs of one kind -------------------------------------------------

def _median(values):
    values = [v for v in values if v is not None]
    return statistics.median(values) if values else None


def summary(runs):
    """One line of figures for the runs of a kernel and a kind."""
    good = [run for run in runs if run.ended]
    recoveries = [run.recovery_ms() for run in good]
    known = [r for r in recoveries if r is not None]
    lived = [run.hog_gone_ms - run.hog_from_ms for run in good
             if run.hog_gone_ms]
    return {
        "kernel": runs[0].kernel, "kind": runs[0].kind, "runs": len(runs),
        "crashed": len(runs) - len(good),
        "citizens_ended": sum(run.lost for run in good),
        "victims_hogs": sum(v[0] == "hog" for r in good for v in r.victims),
        "victims_others": sum(v[0] != "hog" for r in good for v in r.victims),
        "calls_failed": sum(run.failures for run in good),
        "stuck": sum(run.stuck for run in good),
        "hogs_ended": len(lived), "hog_ms": _median(lived),
        "taken": _median([run.taken for run in good]),
        "waits": _median([run.count("waits") for run in good]),
        "recovery_ms": _round(_median(recoveries)),
        "recovery_max_ms": _round(max(known, default=None)),
        "p50_us": _us(_median([r.during.get("p50") for r in good])),
        "p99_us": _us(_median([r.during.get("p99") for r in good])),
        "max_us": _us(max((r.during.get("max", 0) for r in good),
                          default=None)),
        "p99_alone_us": _us(_median([r.before.get("p99") for r in good])),
        "max_alone_us": _us(max((r.before.get("max", 0) for r in good),
                                default=None)),
    }


def _us(ns):
    return None if ns is None else round(ns / 1000)


def _round(value):
    return None if value is None else round(value, 2)


def rounds_over_time(runs, slots):
    """Rounds in each 10 ms, the mean of the runs that lasted so long."""
    means = []
    for slot in range(slots):
        values = [run.rounds[slot] for run in runs if slot < len(run.rounds)]
        if len(values) * 2 <= len(runs):
            break
        means.append(round(statistics.mean(values), 1))
    return means


def bars(runs):
    """All that is wrong with runs of the kernel with its gate."""
    wrong = [f"{run.kind}, seed {run.seed}: {text}"
             for run in runs for text in run.complaints()]
    recovery = _median([run.recovery_ms() for run in runs])
    if recovery is not None and recovery > RECOVERY_MS:
        wrong.append(f"recovery: {recovery:.1f} ms in the median, more than "
                     f"{RECOVERY_MS}")
    return wrong
