/*
 * Priorities at the disks: ioprio_set and ioprio_get. They are kept, inherited
 * and told; the queues of the disks do not look at them.
 *
 * Source of the interface: ioprio_set(2).
 */
#include "abi/resource.h"
#include "abi/syscall.h"
#include "priority_internal.h"

#define CLASS(value) ((unsigned)(value) >> 13 & 7)
#define LEVEL(value) ((unsigned)(value)&7)

/* What a thread has for which none was set follows from how it is scheduled. */
static int
value_of(const struct thread *t)
{
	unsigned class = IOPRIO_CLASS_BE;

	if (CLASS(t->io_prio) != IOPRIO_CLASS_NONE)
		return t->io_prio;
	if (t->policy == POLICY_IDLE)
		class = IOPRIO_CLASS_IDLE;
	else if (t->priority)
		class = IOPRIO_CLASS_RT;
	return (int)(class << 13) | (t->nice - NICE_MIN) / 5;
}

static void
get_io(struct prio *q, struct thread *t)
{
	q->best = q->which == PRIO_PROCESS ? t->io_prio
					   : MIN(q->best, value_of(t));
}

static void
set_io(struct prio *q, struct thread *t)
{
	const struct cred *mine = current_cred();
	uint32_t uid = t->fs->cred.uid;

	if (mine->euid && mine->euid != uid && mine->uid != uid)
		q->error = -EPERM;
	if (!q->error)
		t->io_prio = (uint16_t)q->value;
}

static int
check_value(int value)
{
	switch (CLASS(value)) {
	case IOPRIO_CLASS_RT:
		return current_cred()->euid ? -EPERM : 0;
	case IOPRIO_CLASS_BE:
	case IOPRIO_CLASS_IDLE:
		return 0;
	case IOPRIO_CLASS_NONE:
		return LEVEL(value) ? -EINVAL : 0;
	default:
		return -EINVAL;
	}
}

/* Whom it is about is numbered as for getpriority, but from 1 on. */
static int64_t
sys_ioprio_get(unsigned which, uint32_t who)
{
	struct prio q = { .which = (int)(which - IOPRIO_WHO_PROCESS),
			  .who = who,
			  .each = get_io,
			  .best = INT32_MAX };
	int error = prio_apply(&q);

	return error ? error : q.best;
}
SYSCALL(NR_ioprio_get, sys_ioprio_get);

static int64_t
sys_ioprio_set(unsigned which, uint32_t who, int value)
{
	struct prio q = { .which = (int)(which - IOPRIO_WHO_PROCESS),
			  .who = who,
			  .each = set_io,
			  .value = value };
	int error = check_value(value);

	return error ? error : prio_apply(&q);
}
SYSCALL(NR_ioprio_set, sys_ioprio_set);
