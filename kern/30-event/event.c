/*
 * The chapter's start, and what its files share.
 */
#include "epoll.h"
#include "inqueue.h"

static void
event_init(void)
{
	epoll_init();
	inqueue_init();
	inotify_init();
}
CHAPTER_INIT(event_init);
