/*
 * The chapter's start: what a process's life means to its timers. They are not
 * inherited; those of timer_create end with the program.
 */
#include "timer.h"

/* signal_ops.begin. A child begins with all timers off (POSIX.1-2017, fork()).
 */
static void
begin(struct proc_signals *s)
{
	s->timers = knew(struct process_timers);
	itimers_init(s);
}

/* signal_ops.end, maybe more than once: what is off stays off, and the tree is
 * empty then. The memory goes with @s, of which a thread may have a reference
 * still. */
static void
end(struct proc_signals *s)
{
	itimers_stop(s);
	posix_timers_end(s);
}

/* At exec only timers of timer_create go; those of setitimer go on, and so does
 * an alarm that is set for what is executed next (POSIX.1-2017, exec). */
static void
timer_chapter_init(void)
{
	signal_ops = (struct signal_ops){ .begin = begin,
					  .exec = posix_timers_end,
					  .end = end };
}
CHAPTER_INIT(timer_chapter_init);
