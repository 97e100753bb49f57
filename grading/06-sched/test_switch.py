"""Exercise 1: switching stacks, by hand."""

import struct

from grading.points import expect, points, require

REGISTERS = ("rbx", "rbp", "r12", "r13", "r14", "r15")
ROUNDS = 64
FOUND = ("arg", "interrupts", "preempt_count", "lock_free", "on_cpu", "stack",
         "room", "current")
LIMIT_MS = 20


def switch(kernel, rounds, arg):
    """Switch to a partner and back; how often it has begun."""
    program = kernel.program()
    begun = program.call("agent_switch", rounds, arg)
    program.run(limit_ms=LIMIT_MS)
    return begun.value


@points(6, exercise=1, see="switch_stacks")
def test_registers_are_kept(boot, rng):
    """What a function must keep for its caller is kept over a switch."""
    kernel = boot()
    size = 2 * ROUNDS * len(REGISTERS)
    words = [rng.getrandbits(64) for _ in range(size)]
    kernel.write_symbol("agent_registers_in", struct.pack(f"<{size}Q", *words))
    rounds = rng.randrange(20, ROUNDS)
    switch(kernel, rounds, 0)
    out = struct.unpack(f"<{size}Q", kernel.machine.read(
        kernel.symbol("agent_registers_out"), 8 * size))
    for who, name in enumerate(("the thread that booted", "the other")):
        # The last switch of the other has not come back.
        for i in range(rounds - who):
            for r, register in enumerate(REGISTERS):
                at = (who * ROUNDS + i) * len(REGISTERS) + r
                expect(f"{register} of {name} after its switch number {i}",
                       f"{out[at]:#x}", f"{words[at]:#x}")


@points(5, exercise=1, rule="SCHED2", see="first_stack, thread_begin, "
        "finish_switch")
def test_a_new_thread_begins(boot, rng):
    """A new thread begins once, with its argument, interrupts on."""
    kernel = boot()
    arg = rng.getrandbits(64)
    expect("times that a new thread has begun after 20 switches to it",
           switch(kernel, 20, arg), 1)
    raw = kernel.machine.read(kernel.symbol("agent_found"), 8 * len(FOUND))
    found = dict(zip(FOUND, struct.unpack(f"<{len(FOUND)}Q", raw)))
    expect("the argument of a new thread", f"{found['arg']:#x}", f"{arg:#x}")
    for name, what, wanted in (
            ("interrupts", "whether interrupts are on in a new thread", 1),
            ("preempt_count", "preempt_count in a new thread", 0),
            ("lock_free", "whether the run queue's lock is free in it", 1),
            ("on_cpu", "on_cpu of the thread that was switched away from", 0),
            ("current", "whether current() is the new thread", 1)):
        expect(what, found[name], wanted)
    require(found["room"] - 2048 < found["stack"] < found["room"],
            "where a new thread's stack begins",
            f"right below trap_user_frame(), {found['room']:#x}",
            f"{found['stack']:#x}")


@points(4, exercise=1, rule="SCHED4", see="finish_switch")
def test_an_ended_thread_is_freed_later(boot, rng):
    """An ended thread's memory is freed after a grace period, not at once."""
    kernel = boot()
    switch(kernel, rng.randrange(1, 20), 0)
    program = kernel.program()
    at_once = program.call("agent_partner_ends")
    later = program.call("agent_wait_grace")
    program.run(limit_ms=LIMIT_MS)
    expect("threads freed by the switch away from one that has ended",
           at_once.value, 0, "others may still look at it (RCU1)")
    expect("threads freed when a grace period is over", later.value, 1)
