/*
 * The grader's agent: a small interpreter linked into the kernel under test.
 * The host writes a list of function calls into guest memory, the agent makes
 * them and stores what they return, and stops the machine; the host, which
 * has the guest's memory in front of it, judges the results. The agent prints
 * nothing and compares nothing: no verdict is made inside the guest.
 *
 * See grading/README.md for the whole, grading/agent.py for the host's side.
 */
#ifndef AGENT_H
#define AGENT_H

#include "boot.h"

#define AGENT_CPUS     8
#define AGENT_PROGRAMS (AGENT_CPUS + 1) /* one a CPU, one for the timer */
#define AGENT_TIMER    AGENT_CPUS
#define AGENT_ARGS     4
#define AGENT_OPS      8192
#define AGENT_SLOTS    65536

/** Call @p fn with four arguments, @p count times. */
struct agent_op {
	uint64_t fn;
	uint64_t arg[AGENT_ARGS];
	uint8_t ref;	/**< bit i: arg[i] is a slot; its value is meant */
	uint8_t step;	/**< bit i: arg[i]'s slot moves up with each call */
	uint16_t flags; /**< OP_* */
	uint32_t count;
	uint32_t out;  /**< slot of the first result; the next ones follow */
	uint32_t done; /**< calls made, written by the agent */
};

#define OP_UNTIL_ZERO  0x1 /**< stop at a call that returns 0 */
#define OP_UNLESS_ZERO 0x2 /**< skip the call where its first argument is 0 */

struct agent_program {
	uint32_t first, n; /**< in agent_ops */
	uint64_t done;	   /**< how many of them have begun */
};

/** What host and agent say to each other. */
struct agent_box {
	uint64_t stops; /**< how often the agent has stopped */
	uint64_t cpus;	/**< CPUs that run a program; 0: only the first */
	uint64_t
		tick_ns; /**< a step of the timer's program so often; 0: none */
	uint64_t slice;	 /**< ns a CPU runs before others do; 0: any */
	struct agent_program program[AGENT_PROGRAMS];
};

extern struct agent_box agent_box;

/** Serve the host for ever. Called where the grader wants the boot to end. */
void agent_serve(void) __attribute__((noreturn));

/** Do the next operation of program @p i, if one is left. */
void agent_step(unsigned i);

/** Do all operations of program @p i. */
void agent_run(unsigned i);

/** Run the programs of all CPUs in agent_box.cpus: a lab fills it, or else
 * agent_cpus.c. */
extern void (*agent_run_cpus)(void);

/**
 * Give the host a number under a name: a field's offset, a constant. It
 * becomes an absolute symbol of the image, which the host reads from the ELF
 * file. Used inside a function.
 */
#define AGENT_CONSTANT(name, value)                                            \
	asm volatile(".globl agent_const_" #name "\n"                          \
		     ".set agent_const_" #name ", %c0"                         \
		     :                                                         \
		     : "i"((uint64_t)(value)))

#endif
