/*
 * Pids: the numbers of processes and threads, from one space. A table finds
 * who has a number, without a lock for thread_find; a bitmap finds a free one.
 */
#include "proc_internal.h"

#define WORD_BITS 64
#define CHUNKS	  (PID_MAX / WORD_BITS)
#define PID_AGAIN 300 /* after a turn: the first ones are the system's */

struct slot {
	struct proc *proc;
	struct thread *thread; /* read in RCU sections */
};

/* The slots of one word of the bitmap: there while a bit of it is set. */
struct chunk {
	struct slot slots[WORD_BITS];
	struct rcu_head rcu;
};
static struct chunk *chunks[CHUNKS];
static uint64_t taken[PID_MAX / WORD_BITS] = { 1 }; /* there is no pid 0 */
static int last;
static bool turned; /* numbers may be in use as those of groups */

/* The slot of any number, or NULL. */
static struct slot *
slot_of(int pid)
{
	struct chunk *chunk;

	if (pid <= 0 || pid >= PID_MAX)
		return NULL;
	chunk = rcu_deref(chunks[pid / WORD_BITS]);
	return chunk ? &chunk->slots[pid % WORD_BITS] : NULL;
}

/* The slot of a number that is taken. */
static struct slot *
taken_slot(int pid)
{
	INVARIANT(PROC2, taken[pid / WORD_BITS] >> pid % WORD_BITS & 1);
	return &chunks[pid / WORD_BITS]->slots[pid % WORD_BITS];
}

/* The first free number from @from on, or 0. */
static int
next_free(int from)
{
	unsigned word = from / WORD_BITS;
	uint64_t avail;

	if (from >= PID_MAX)
		return 0;
	avail = ~taken[word] & ~0UL << from % WORD_BITS;
	while (!avail) {
		if (++word == ARRAY_SIZE(taken))
			return 0;
		avail = ~taken[word];
	}
	return word * WORD_BITS + ctz64(avail);
}

/* Whether a group or session has the number (PROC2). */
static bool
names_group(int pid)
{
	struct proc *p;

	for (p = proc_next(1); p; p = proc_next(p->pid + 1))
		if (p->pgid == pid || p->sid == pid)
			return true;
	return false;
}

/* From the last one given out upwards, and over again: a number is used again
 * as late as can be. In the first turn no group can have a number that is free
 * as a pid (PROC2). */
int
pid_alloc(void)
{
	int pid = next_free(last + 1);
	bool again = false;

	while (!pid || (turned && names_group(pid))) {
		if (!pid && again)
			return -EAGAIN;
		again |= !pid;
		turned |= !pid;
		pid = next_free(pid ? pid + 1 : PID_AGAIN);
	}
	taken[pid / WORD_BITS] |= BIT(pid % WORD_BITS);
	if (!chunks[pid / WORD_BITS])
		rcu_assign(chunks[pid / WORD_BITS], knew_shared(struct chunk));
	last = pid;
	return pid;
}

static void
free_chunk(struct rcu_head *head)
{
	kfree(container_of(head, struct chunk, rcu));
}

static void
release_if_unused(int pid)
{
	const struct slot *s = taken_slot(pid);
	unsigned word = pid / WORD_BITS;
	struct chunk *chunk = chunks[word];

	if (s->proc || s->thread)
		return;
	taken[word] &= ~BIT(pid % WORD_BITS);
	if (taken[word] == 0) {
		rcu_assign(chunks[word], NULL);
		rcu_defer(&chunk->rcu, free_chunk);
	}
}

void
pid_set(int pid, struct proc *p, struct thread *t)
{
	struct slot *s = taken_slot(pid);

	if (p)
		s->proc = p;
	if (t)
		rcu_assign(s->thread, t);
}

void
pid_clear_thread(int pid)
{
	rcu_assign(taken_slot(pid)->thread, NULL);
	release_if_unused(pid);
}

void
pid_clear_proc(int pid)
{
	taken_slot(pid)->proc = NULL;
	release_if_unused(pid);
}

struct proc *
pid_proc(int pid)
{
	struct slot *s = slot_of(pid);

	return s ? s->proc : NULL;
}

/* By the bitmap, 64 numbers at a time: walks over all processes cost what there
 * are, and not PID_MAX. */
struct proc *
proc_next(int pid)
{
	unsigned word = pid / WORD_BITS;
	uint64_t used;

	while ((unsigned)pid < PID_MAX) {
		used = taken[word] & ~0UL << pid % WORD_BITS;
		for (; used; used &= used - 1) {
			struct proc *p =
				pid_proc(word * WORD_BITS + ctz64(used));

			if (p)
				return p;
		}
		pid = ++word * WORD_BITS;
	}
	return NULL;
}

int
pid_last(void)
{
	return last;
}

struct thread *
thread_find(int tid)
{
	struct slot *s = slot_of(tid);

	return s ? rcu_deref(s->thread) : NULL;
}
