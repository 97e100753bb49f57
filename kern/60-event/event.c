/*
 * The chapter's start, and what its files share.
 */
#include "epoll.h"

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
}
CHAPTER_INIT(event_init);
