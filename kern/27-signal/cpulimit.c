/*
 * RLIMIT_CPU: SIGXCPU each second past the soft limit, SIGKILL past the hard
 * one. The tick that strikes a thread of a limited process only leaves a note;
 * the sum over the process's threads, which takes locks, is made on the way
 * back to user mode.
 */
#include "sigstate.h"

/* sched_ops.tick: in interrupt context. */
static void
note_tick(struct thread *t)
{
	if (t->proc && t->proc->limits[RLIMIT_CPU].rlim_cur != RLIM_INFINITY)
		atomic_fetch_or(&t->md.work, WORK_NOTIFY);
}

/* Once a second past the soft limit, which moves on with each warning, as on
 * Linux; a handler may so save its work. The hard limit does not ask. */
void
cpu_limit_check(void)
{
	struct proc *p = current_proc();
	uint64_t seconds = proc_usage(p).cpu_ns / NS_PER_SEC, soft, hard;
	bool warn;

	spin_lock(&p->lock);
	soft = p->limits[RLIMIT_CPU].rlim_cur;
	hard = p->limits[RLIMIT_CPU].rlim_max;
	warn = seconds >= soft;
	if (warn)
		p->limits[RLIMIT_CPU].rlim_cur = soft + 1;
	spin_unlock(&p->lock);
	if (seconds >= hard)
		signal_proc(p, SIGKILL, NULL);
	else if (warn)
		signal_proc(p, SIGXCPU, NULL);
}

void
cpu_limit_init(void)
{
	sched_ops.tick = note_tick;
}
