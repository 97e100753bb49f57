/*
 * The agent's loop and its own functions that programs may call. Linked right
 * after the chapter under test (see grading/submission.py): with "agent=early"
 * on the command line the boot ends here, before any later chapter starts.
 *
 * QEMU's instruction clock leaps to the next event of a virtual device when the
 * machine goes on after a pause. The PIT, ticking fast and masked, keeps that
 * leap short.
 */
#include "agent.h"
#include "string.h"
#include "x86.h"

#define STOP_PORT    0x505 /* QEMU's pvpanic device: pauses the machine */
#define PIT_DATA     0x40
#define PIT_COMMAND  0x43
#define PIT_PERIODIC 0x34 /* channel 0, both bytes, mode 2 */
#define PIT_TICK_NS  838
#define PIT_COUNT    40 /* a CPU that waits for another wastes no more */
#define PIT_LEAST    5

struct agent_box agent_box;
struct agent_op agent_ops[AGENT_OPS];
uint64_t agent_slots[AGENT_SLOTS];
uint8_t agent_spins; /* of all CPUs: see grading/submission.py */
void (*agent_run_cpus)(void);

typedef uint64_t (*agent_fn)(uint64_t, uint64_t, uint64_t, uint64_t);

static uint64_t
argument(const struct agent_op *op, unsigned i, uint32_t repetition)
{
	if (!(op->ref & 1u << i))
		return op->arg[i];
	return agent_slots[op->arg[i] + (op->step & 1u << i ? repetition : 0)];
}

static void
make_calls(struct agent_op *op)
{
	agent_fn fn = (agent_fn)op->fn;
	uint32_t i;

	for (i = 0; i < op->count; i++) {
		uint64_t first = argument(op, 0, i), result = 0;

		if (first || !(op->flags & OP_UNLESS_ZERO))
			result = fn(first, argument(op, 1, i),
				    argument(op, 2, i), argument(op, 3, i));
		agent_slots[op->out + i] = result;
		op->done = i + 1;
		if (!result && (op->flags & OP_UNTIL_ZERO))
			break;
	}
	while (++i < op->count)
		agent_slots[op->out + i] = 0;
}

void
agent_step(unsigned i)
{
	struct agent_program *p = &agent_box.program[i];

	if (p->done < p->n)
		make_calls(&agent_ops[p->first + p->done++]);
}

void
agent_run(unsigned i)
{
	struct agent_program *p = &agent_box.program[i];

	while (p->done < p->n)
		agent_step(i);
}

static void
pit_start(uint16_t count)
{
	outb(PIT_COMMAND, PIT_PERIODIC);
	outb(PIT_DATA, count & 0xff);
	outb(PIT_DATA, count >> 8);
}

void
agent_serve(void)
{
	for (;;) {
		agent_box.stops++;
		outb(STOP_PORT, 1);
		if (agent_box.slice)
			pit_start(MAX(agent_box.slice / PIT_TICK_NS,
				      (uint64_t)PIT_LEAST));
		if (agent_box.cpus && agent_run_cpus)
			agent_run_cpus();
		else
			agent_run(0);
	}
}

/* ---- For programs to call ---- */

/** Do nothing, but not return 0: what a call costs without its function. */
uint64_t
agent_something(void)
{
	return 1;
}

/** Let time pass. */
uint64_t
agent_delay(uint64_t rounds)
{
	while (rounds--)
		asm volatile("" : : : "memory");
	return 0;
}

/** Write @p byte to each of @p len bytes. */
uint64_t
agent_fill(void *p, uint64_t len, uint64_t byte)
{
	memset(p, byte, len);
	return 0;
}

/** How many of @p len bytes are not @p byte. */
uint64_t
agent_differ(const uint8_t *p, uint64_t len, uint64_t byte)
{
	uint64_t n = 0;

	while (len--)
		n += *p++ != (uint8_t)byte;
	return n;
}

/** The byte offset @p by after pointer @p p. */
uint64_t
agent_add(uint64_t p, uint64_t by)
{
	return p + by;
}

static void
agent_init(void)
{
	char when[8];

	pit_start(PIT_COUNT);
	if (command_line_get("agent", when, sizeof(when)) &&
	    strcmp(when, "early") == 0)
		agent_serve();
}

CHAPTER_INIT(agent_init);
