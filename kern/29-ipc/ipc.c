/*
 * The chapter's start.
 */
#include "ipc_internal.h"

static void
ipc_init(void)
{
	fifo_init();
	futex_init();
	shm_init();
	vfs_ops.fcntl = pipe_fcntl;
}
CHAPTER_INIT(ipc_init);
