/*
 * Priorities at the disks: ioprio_set and ioprio_get. They are kept, inherited
 * and told; the queues of the disks do not look at them.
 *
 * Source of the interface: ioprio_set(2).
 */
#include "abi/resource.h"
#include "abi/syscall.h"
#include "priority_internal.h"

/* A priority is a class in bits 13 to 15 and a level in bits 0 to 2, of which 0
 * comes first (ioprio_set(2)). Bits between are hints to a disk, and are kept
 * unread. */
#define CLASS(value) ((unsigned)(value) >> 13 & 7)
#define LEVEL(value) ((unsigned)(value)&7)

/* What a thread has for which none was set follows from how it is scheduled:
 * the class from the policy, the level from nice, 0 to 7 (ioprio_set(2)). */
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

/* For one thread: what was set, so NONE says that nothing was. For several the
 * best has to be found, and those with NONE count as what they follow from. The
 * class is in the upper bits, and a better class has a smaller number: the
 * least value is the best. */
static void
get_io(struct prio *q, struct thread *t)
{
	q->best = q->which == PRIO_PROCESS ? t->io_prio
					   : MIN(q->best, value_of(t));
}

/* Not may_schedule: here the caller's real user, too, is as good as the
 * effective one, but of the target's only the real one counts. After a refusal
 * the rest is left as it is. */
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

/* RT lets its threads go before all others, so it is for root. NONE takes back
 * what was set, and has no levels. */
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

/* Whom it is about is numbered as for getpriority, but from 1 on; a number that
 * is none of the three wraps or lies above, and is -EINVAL by prio_apply. The
 * answer is never negative: 0 is NONE at level 0. */
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

/* The value is judged before the target is looked for: a bad one is -EINVAL,
 * and RT from who is not root -EPERM, even if there is nobody. */
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
