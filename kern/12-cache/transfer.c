/*
 * Pages to and from a disk: one request for many pages, and waiting for it.
 */
#include "cache.h"

/* Segments on the stack: the request has ended when block_run returns. */
int
block_transfer_pages(struct block_device *d, enum block_op op, uint64_t sector,
		     struct page **pages, unsigned n, uint64_t bytes)
{
	struct block_segment segments[BLOCK_REQUEST_PAGES_MAX];
	struct block_request r;
	unsigned i;

	ASSERT(n <= BLOCK_REQUEST_PAGES_MAX && bytes > (n - 1) * PAGE_SIZE);
	for (i = 0; i < n; i++, bytes -= MIN(bytes, PAGE_SIZE)) {
		segments[i].pa = page_to_phys(pages[i]);
		segments[i].len = MIN(bytes, PAGE_SIZE);
	}
	r.op = op;
	r.sector = sector;
	r.nsegments = n;
	r.segments = segments;
	return block_run(d, &r);
}
