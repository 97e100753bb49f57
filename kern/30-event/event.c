/*
 * The chapter's start, and what its files share.
 */
#include "epoll.h"
#include "inqueue.h"

int
event_install(struct file *f, int flags)
{
	int fd = fd_install(f, 0, flags & O_CLOEXEC);

	if (fd < 0)
		file_put(f);
	return fd;
}

static void
event_init(void)
{
	epoll_init();
	inqueue_init();
	inotify_init();
}
CHAPTER_INIT(event_init);
