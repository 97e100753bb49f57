/*
 * Reading and writing through the page cache. Reads take no lock; who writes
 * has excluded other writers. No lock of the cache is held while bytes move to
 * or from user memory: that may fault, and the fault may need the very page.
 *
 * Entry points: cached_read, cached_write.
 */
#include "cache_internal.h"
#include "string.h"

/* A write allocates its blocks in windows, so that a disk that fills up is
 * found after what fits is written: of a write for which there is no room, as
 * many bytes are written as there is room for (POSIX.1-2017, write). Bytes,
 * aligned in the file. */
#define WRITE_WINDOW 65536ul

/* ---- Reading ---- */

/* Move @p n bytes at @p at, within one page; fewer where the file ends before.
 * That is asked when the page is there: it may have been waited for. @return
 * bytes moved; fewer than @p n at the end, where *error is 0, or after an error
 */
static inline size_t
read_piece(struct page_cache *c, struct uio *u, uint64_t at, size_t n,
	   int *error)
{
	struct page *page;
	uint64_t size;
	size_t done;

	/* What a file in memory has no page for is zero, and stays so. */
	page = c->quota ? page_cache_peek(c, at / PAGE_SIZE)
			: page_cache_get(c, at / PAGE_SIZE, error);
	if (!page && !c->quota)
		return 0;
	size = *c->size;
	n = at < size ? MIN(n, size - at) : 0;
	*error = n ? -EFAULT : 0; /* if less than n is moved */
	if (!page)
		return uio_zero(u, n);
	done = uio_copy_to(u, (char *)page_address(page) + at % PAGE_SIZE, n);
	page_unref(page);
	return done;
}

/* POSIX.1-2017 (2.9.7) has reads and writes of a file atomic to each other. As
 * on most of Linux's file systems they are not: that would be a lock over the
 * copy. A page's bytes, and the size, are as they are when it is their turn:
 * what a truncation cuts off meanwhile is not read, and what is added is not,
 * either. What was moved before an error is the result, and the next call finds
 * the error again. */
int64_t
cached_read(struct page_cache *c, struct uio *u, uint64_t *pos)
{
	uint64_t at = *pos, size = *c->size;
	size_t left, n, done;
	int error = -EFAULT;

	if (at >= size)
		return 0;
	for (left = MIN(u->left, size - at); left > 0; left -= done) {
		n = MIN(left, PAGE_SIZE - at % PAGE_SIZE);
		done = read_piece(c, u, at, n, &error);
		at += done;
		if (done < n)
			break;
	}
	if (at == *pos && left > 0)
		return error;
	n = at - *pos;
	*pos = at;
	return n;
}

/* ---- Writing ---- */

/* What a new page got belongs into one that came into being meanwhile, or only
 * a part of it was copied and the rest is the file's. */
static int
merge(struct page_cache *c, uint64_t index, const char *data, size_t offset,
      size_t len)
{
	struct page *page;
	int error = 0;

	page = page_cache_get(c, index, &error);
	if (!page)
		return error;
	memcpy((char *)page_address(page) + offset, data + offset, len);
	page_cache_dirty(c, page);
	page_unref(page);
	return 0;
}

/* Write to a page that is not cached and whose present contents do not matter:
 * fill it before others can see it. */
static size_t
write_new(struct page_cache *c, struct uio *u, uint64_t at, size_t n,
	  int *error)
{
	struct page *page = page_alloc(0, PAGE_CACHE, 0);
	uint64_t index = at / PAGE_SIZE;
	size_t offset = at % PAGE_SIZE, done;
	char *data;

	*error = -ENOMEM;
	if (!page)
		return 0;
	data = page_address(page);
	memset(data, 0, offset);
	done = uio_copy_from(u, data + offset, n);
	memset(data + offset + done, 0, PAGE_SIZE - offset - done);
	*error = -EFAULT;
	/* After a copy that ended early the rest is zeros, and right only if
	 * all of the page is past the end; else it is the file's. */
	if (done == n || index * PAGE_SIZE >= *c->size)
		*error = done ? page_cache_add(c, page, index, true) : -EFAULT;
	else if (done > 0)
		*error = -EEXIST;
	if (*error == -EEXIST)
		*error = merge(c, index, data, offset, done);
	page_unref(page);
	if (*error)
		return 0;
	*error = -EFAULT; /* if less than n is done */
	return done;
}

/* Whether the page's bytes outside [at, at + n) are past the end of file: then
 * they are zeros, and the page need not be read to change the rest of it. */
static inline bool
is_whole(const struct page_cache *c, uint64_t at, size_t n)
{
	uint64_t start = ROUND_DOWN(at, PAGE_SIZE);

	return n == PAGE_SIZE || start >= *c->size ||
	       (at == start && at + n >= *c->size);
}

/* Dirty after the copy, and not before: write-back in between would take the
 * mark away and might miss the bytes (page_cache_dirty). Also after a copy that
 * ended early, of which a part is there. */
static size_t
write_piece(struct page_cache *c, struct uio *u, uint64_t at, size_t n,
	    int *error)
{
	struct page *page = page_cache_peek(c, at / PAGE_SIZE);
	size_t done;

	if (!page && is_whole(c, at, n))
		return write_new(c, u, at, n, error);
	if (!page)
		page = page_cache_get(c, at / PAGE_SIZE, error);
	if (!page)
		return 0;
	*error = -EFAULT; /* if less than n is done */
	done = uio_copy_from(u, (char *)page_address(page) + at % PAGE_SIZE, n);
	page_cache_dirty(c, page);
	page_unref(page);
	return done;
}

/* Have the file system allocate for *len bytes; on a full disk, for what is in
 * the first page, which may fit: so the last pages of a disk go one by one, and
 * only the first that does not fit ends the write. */
static int
prepare_some(struct page_cache *c, uint64_t at, size_t *len)
{
	size_t first = MIN(*len, PAGE_SIZE - at % PAGE_SIZE);
	int error;

	if (!c->ops->prepare_write)
		return 0;
	error = c->ops->prepare_write(c->owner, at, *len);
	if (error != -ENOSPC || first == *len)
		return error;
	*len = first;
	return c->ops->prepare_write(c->owner, at, first);
}

/* Write at most a window of *len bytes, whose blocks are allocated first; *len
 * becomes what was tried. */
static size_t
write_window(struct page_cache *c, struct uio *u, uint64_t at, size_t *len,
	     int *error)
{
	uint64_t begin = at, end;
	size_t n, done;

	*error = prepare_some(c, at, len);
	if (*error)
		return 0;
	end = at + *len;
	while (at < end) {
		n = MIN(end - at, PAGE_SIZE - at % PAGE_SIZE);
		done = write_piece(c, u, at, n, error);
		at += done;
		/* A reader sees no size whose bytes are not there yet. */
		if (done > 0 && at > *c->size)
			*c->size = at;
		if (done < n)
			break;
	}
	return at - begin;
}

/* An error after the first byte is not told: the result is how much was
 * written, and the next call meets the error again (POSIX.1-2017, write). */
int64_t
cached_write(struct page_cache *c, struct uio *u, uint64_t *pos, size_t len)
{
	uint64_t at = *pos, end = at + len;
	size_t n, done;
	int error = 0;

	/* The gap becomes part of the file, as zeros. */
	if (at > *c->size)
		page_cache_zero_tail(c, *c->size);
	while (at < end) {
		n = MIN(end - at, WRITE_WINDOW - at % WRITE_WINDOW);
		done = write_window(c, u, at, &n, &error);
		at += done;
		if (done < n)
			break;
	}
	if (at == *pos && len > 0)
		return error;
	if (c->ops->wrote)
		c->ops->wrote(c->owner);
	n = at - *pos;
	*pos = at;
	return n;
}
