/*
 * Stubs of lab sched for thread.c: scripts/lab puts their bodies in place of
 * the chapter's. Never compiled from here.
 */

void
thread_begin(void)
{
	/*
	 * Exercise 1. Finish the switch that has led here, have interrupts and
	 * preemption on, run the thread's function, and end the thread when it
	 * returns.
	 */
	panic("exercise 1: thread_begin(), thread %s, is yours to write",
	      current()->name);
}

static uint64_t
first_stack(struct thread *t)
{
	/*
	 * Exercise 1. Make the new thread's stack look as if it had called
	 * switch_stacks, which is about to return to thread_first. Leave room
	 * for a user trap frame at the top (trap_user_frame), and below it a
	 * null return address, where a backtrace ends.
	 * @return what saved_rsp is to be
	 */
	(void)thread_first;
	panic("exercise 1: first_stack(%s) is yours to write", t->name);
}
