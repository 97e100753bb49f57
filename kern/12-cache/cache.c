/*
 * The chapter's start: the caches, reclaim, the flush thread.
 */
#include "cache_internal.h"

struct cache_ops cache_ops;

/* From lru_init on reclaim may come: it finds the buffers' lists, which are
 * there before buf_init, empty. The thread comes last. */
static void
cache_init(void)
{
	page_cache_init();
	lru_init();
	buf_init();
	writeback_init();
}
CHAPTER_INIT(cache_init);
