/*
 * Robust futexes: locks that are let go of when their owner ends without doing
 * so. A thread keeps the list of those it holds in its own memory and tells
 * where (set_robust_list); at its end the kernel walks that list, marks each
 * word that bears the thread's number, and wakes one who waits. The list is
 * user memory: any of it may be wrong, be a circle, or change meanwhile.
 *
 * Source of the interface: set_robust_list(2), futex(2).
 */
#include "abi/futex.h"
#include "ipc_internal.h"

#define ENTRIES_MAX 2048 /* of a list that may be a circle; as on Linux */
/* In a pointer to an entry: its lock inherits priority. */
#define PI_BIT 1ul

/* The word of one lock. @p pending: the thread was about to take or release
 * it. A word that bears another thread's number is left alone, however it came
 * on the list. One is woken, who finds FUTEX_OWNER_DIED, and FUTEX_WAITERS as
 * it was, for the others. A lock that inherits priority (@p pi) is marked, but
 * nobody is woken: who waits for such does not sleep as a waiter of this word.
 * @return false: what comes after it cannot be trusted */
static bool
mark_dead(vaddr_t word, bool pi, bool pending)
{
	uint32_t *address = (uint32_t *)word, tid = current()->tid, found, old;

	if (!IS_ALIGNED(word, sizeof(*address)) ||
	    copyin(&found, address, sizeof(found)))
		return false;
	/* Released already; the one to wake had not been told yet. */
	if (pending && !pi && !found)
		futex_wake_shared(address);
	/* A waiter may set its bit in the word at any time: until the word is
	 * exchanged as it was found. */
	do {
		if ((found & FUTEX_TID_MASK) != tid)
			return true;
		old = found;
		if (user_cmpxchg32(address, &found,
				   (old & FUTEX_WAITERS) | FUTEX_OWNER_DIED))
			return false;
	} while (found != old);
	if (!pi && (old & FUTEX_WAITERS))
		futex_wake_shared(address);
	return true;
}

/* From the head along the list, as long as it can be followed. What follows an
 * entry is read before the entry is marked. That which was under way is looked
 * at last, and once. */
void
robust_release(struct thread *t)
{
	const struct robust_list_head *user = t->robust_list;
	struct robust_list_head head;
	vaddr_t entry, next, pending;
	unsigned n;

	if (copyin(&head, user, sizeof(head)))
		return;
	pending = (vaddr_t)head.list_op_pending;
	next = (vaddr_t)head.list.next;
	for (n = 0; n < ENTRIES_MAX; n++) {
		entry = next;
		if ((entry & ~PI_BIT) == (vaddr_t)user_field(user, list))
			break;
		/* First the next one: who takes the lock over changes it. */
		if (copyin(&next, (void *)(entry & ~PI_BIT), sizeof(next)))
			next = 0;
		if (entry != pending &&
		    !mark_dead((entry & ~PI_BIT) + head.futex_offset,
			       entry & PI_BIT, false))
			return;
		if (!next)
			break;
	}
	if (pending)
		mark_dead((pending & ~PI_BIT) + head.futex_offset,
			  pending & PI_BIT, true);
}
