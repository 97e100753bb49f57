/*
 * Stubs of lab sched for mutex.c: scripts/lab puts their bodies in place of the
 * chapter's. Never compiled from here.
 */

static void
mutex_lock_slowly(struct mutex *m)
{
	/*
	 * Exercise 3. The mutex was not free. Under the lock of its waiters:
	 * take it if it is free now, keeping HAS_WAITERS set while others
	 * wait; else set HAS_WAITERS and sleep (wait_locked). The owner may
	 * unlock at any moment, without the lock as long as HAS_WAITERS is
	 * not set.
	 */
	panic("exercise 3: mutex_lock_slowly(%p) is yours to write", (void *)m);
}

void
mutex_unlock(struct mutex *m)
{
	/*
	 * Exercise 3. One atomic instruction where nobody waits; else free the
	 * mutex and wake one waiter, under the lock of the waiters. The
	 * checking build wants to hear of it first, by note_release, as in
	 * rwlock_read_unlock.
	 */
	(void)note_release;
	panic("exercise 3: mutex_unlock(%p) is yours to write", (void *)m);
}
