/*
 * The chapter's start: what a process's life means to its timers. They are not
 * inherited; those of timer_create end with the program.
 */
#include "timer.h"

/* signal_ops.begin */
static void
begin(struct proc_signals *s)
{
	s->timers = knew(struct process_timers);
	itimers_init(s);
}

/* signal_ops.end */
static void
end(struct proc_signals *s)
{
	itimers_stop(s);
	posix_timers_end(s);
}

static void
timer_chapter_init(void)
{
	signal_ops = (struct signal_ops){ .begin = begin,
					  .exec = posix_timers_end,
					  .end = end };
}
CHAPTER_INIT(timer_chapter_init);
