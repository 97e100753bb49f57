"""From how a machine ended and what its kernel said: the exit status."""

import re

TIMEOUT = 124
CRASH = 125

STATUS = re.compile(r"^init: command exited with status (\d+)$", re.M)
SELFTEST = re.compile(r"^selftest: (\d+) passed, (\d+) failed$", re.M)
PANIC = re.compile(r"^panic: .*?(?:^panic: end$|\Z)", re.M | re.S)


def panic_text(log):
    """The kernel's panic report from its log, or None."""
    found = PANIC.search(log)
    return found[0].rstrip() if found else None


def judge(ending, selftest, timeout):
    """The exit status of scripts/run, and what to say about it on stderr.

    selftest: whether the verdict is the self-tests' or a command's.
    """
    result = (SELFTEST if selftest else STATUS).findall(ending.log)
    if not (ending.how == "off" and result):
        if text := panic_text(ending.log):
            return CRASH, f"kernel panic:\n{text}"
    if ending.how == "triple":
        return CRASH, f"triple fault: {ending.detail}"
    if ending.how == "flood":
        return TIMEOUT, "stopped: too much output"
    if ending.how == "timeout":
        return TIMEOUT, f"timed out after {timeout:g} seconds"
    if ending.how == "reset":
        return CRASH, "the machine was reset"
    if not result:
        what = "a self-test's result" if selftest else "the command had ended"
        return CRASH, f"the machine was switched off before {what}"
    if not selftest:
        return int(result[-1]), None
    passed, failed = map(int, result[-1])
    good = ending.how == "off" and failed == 0 and passed > 0
    return (0 if good else 1), None
