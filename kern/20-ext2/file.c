/*
 * Contents of regular files: between the page cache and the disk. A page is
 * one to four blocks. Blocks are allocated before data is written into the
 * cache (prepare_write), so that writing pages back cannot find the disk full.
 * A page below the end of file that has new blocks is put into the cache
 * first, as the zeros that the file has there, and marked dirty: so what a
 * former owner left on the disk is never read (EXT5).
 */
#include "ext2.h"
#include "string.h"

/* ---- Transfers between pages and blocks ---- */

#define TRANSFER_RUNS 4

/** Consecutive pages of a file, and the requests that are being put together
 * for them: one for each run of blocks, started together. */
struct transfer {
	struct ext2_fs *fs;
	struct page **pages;
	enum block_op op;
	uint32_t end; /* the disk's block behind the last request */
	unsigned nruns, nsegments;
	struct block_batch batch;
	struct block_request runs[TRANSFER_RUNS];
	struct block_segment segments[BLOCK_REQUEST_PAGES_MAX];
};

static void
transfer_begin(struct transfer *t, struct ext2_fs *fs, struct page **pages,
	       enum block_op op)
{
	t->fs = fs;
	t->pages = pages;
	t->op = op;
	t->nruns = t->nsegments = 0;
	block_batch_begin(&t->batch, fs->device);
}

/** The last request is complete. */
static void
end_run(struct transfer *t)
{
	if (t->nruns > 0)
		block_batch_add(&t->batch, &t->runs[t->nruns - 1]);
}

/** Do what has been put together. */
static int
transfer_run(struct transfer *t)
{
	end_run(t);
	t->nruns = t->nsegments = 0;
	return block_batch_wait(&t->batch);
}

static void
begin_run(struct transfer *t, uint32_t block)
{
	struct block_request *r = &t->runs[t->nruns];

	end_run(t);
	r->op = t->op;
	r->sector = (uint64_t)block << (t->fs->block_shift - 9);
	r->nsegments = 0;
	r->segments = &t->segments[t->nsegments];
	t->nruns++;
}

/** How many blocks from block @p at of the pages on lie in the same page. */
static uint32_t
rest_of_page(const struct transfer *t, uint32_t at)
{
	uint32_t each = 1u << (PAGE_SHIFT - t->fs->block_shift);

	return each - (at & (each - 1));
}

/** The page with block @p at of the pages; *offset: in bytes, within it. */
static struct page *
page_of(const struct transfer *t, uint32_t at, uint32_t *offset)
{
	uint64_t bytes = (uint64_t)at << t->fs->block_shift;

	*offset = bytes % PAGE_SIZE;
	return t->pages[bytes / PAGE_SIZE];
}

/** Add @p n blocks of the pages, from block @p at of them on, which are on the
 * disk from @p block on. */
static int
transfer_add(struct transfer *t, uint32_t at, uint32_t n, uint32_t block)
{
	struct page *page;
	uint32_t offset, piece;
	int error = 0;

	for (; n > 0 && !error; at += piece, n -= piece, block += piece) {
		if (t->nsegments == BLOCK_REQUEST_PAGES_MAX ||
		    (t->nruns == TRANSFER_RUNS && block != t->end))
			error = transfer_run(t);
		if (t->nruns == 0 || block != t->end)
			begin_run(t, block);
		piece = MIN(n, rest_of_page(t, at));
		page = page_of(t, at, &offset);
		t->segments[t->nsegments++] =
			(struct block_segment){ page_to_phys(page) + offset,
						piece << t->fs->block_shift };
		t->runs[t->nruns - 1].nsegments++;
		t->end = block + piece;
	}
	return error;
}

/** The same with data=journal: what is not home yet comes from the log. */
static int
transfer_logged(struct transfer *t, uint32_t at, uint32_t n, uint32_t block)
{
	uint32_t offset;
	struct page *page;
	int error = 0;

	for (; n > 0 && !error; at++, n--, block++) {
		page = page_of(t, at, &offset);
		if (!ext2_data_find(t->fs, block,
				    (char *)page_address(page) + offset))
			error = transfer_add(t, at, 1, block);
	}
	return error;
}

/** Do the rest; also after @p error, since requests may be under way, which
 * the transfer's memory is part of. @return the first error */
static int
transfer_end(struct transfer *t, int error)
{
	int e = transfer_run(t);

	return error ? error : e;
}

/** Zero bytes [from, to) of the pages. */
static void
zero_bytes(struct page **pages, size_t from, size_t to)
{
	size_t n;

	for (; from < to; from += n) {
		n = MIN(to - from, PAGE_SIZE - from % PAGE_SIZE);
		memset((char *)page_address(pages[from / PAGE_SIZE]) +
			       from % PAGE_SIZE,
		       0, n);
	}
}

/** How many bytes of @p n pages are before @p end of the file. */
static size_t
bytes_before(const struct page *first, unsigned n, uint64_t end)
{
	uint64_t pos = first->index << PAGE_SHIFT;

	return first->index >= UINT64_MAX >> PAGE_SHIFT || pos >= end
		       ? 0
		       : MIN(end - pos, n * PAGE_SIZE);
}

/* ---- Reading ---- */

/** Read the first @p count blocks of the pages; holes are zeros. */
static int
blocks_read(struct vnode *v, struct transfer *t, uint32_t count)
{
	uint32_t first = ext2_block_at(t->fs, t->pages[0]->index << PAGE_SHIFT);
	unsigned shift = t->fs->block_shift;
	uint32_t at, block;
	int n, error = 0;

	for (at = 0; at < count && !error; at += (uint32_t)n) {
		n = ext2_map(v, first + at, count - at, &block);
		if (n < 0)
			error = n;
		else if (block && t->fs->data_journal)
			error = transfer_logged(t, at, (uint32_t)n, block);
		else if (block)
			error = transfer_add(t, at, (uint32_t)n, block);
		else
			zero_bytes(t->pages, (size_t)at << shift,
				   (size_t)(at + (uint32_t)n) << shift);
	}
	return transfer_end(t, error);
}

/* What lies behind the end of the file in its last block may be anything: a
 * mapping can have written there. */
static int
ext2_read_pages(void *owner, struct page **pages, unsigned n)
{
	struct vnode *v = owner;
	struct transfer t;
	size_t valid = bytes_before(pages[0], n, v->size);
	int error;

	transfer_begin(&t, ext2_fs(v), pages, BLOCK_READ);
	error = blocks_read(v, &t, ext2_blocks_for(t.fs, valid));
	if (!error)
		zero_bytes(pages, valid, n * PAGE_SIZE);
	return error;
}

static int
ext2_read_page(void *owner, struct page *page)
{
	return ext2_read_pages(owner, &page, 1);
}

/* ---- Allocating ---- */

/** Whether [logical, logical + count) has a hole: 1, 0, or an error. */
static int
has_hole(struct vnode *v, uint32_t logical, uint32_t count)
{
	uint32_t block;
	int n;

	while (count > 0) {
		n = ext2_map(v, logical, count, &block);
		if (n < 0)
			return n;
		if (block == 0)
			return 1;
		logical += (uint32_t)n;
		count -= (uint32_t)n;
	}
	return 0;
}

int
ext2_trim(struct vnode *v)
{
	struct ext2_inode *in = ext2_inode(v);

	spin_lock(&in->lock);
	in->prepared = 0;
	spin_unlock(&in->lock);
	return ext2_map_cut(v, ext2_blocks_for(ext2_fs(v), v->size));
}

/** Blocks up to @p end are the file's now, even if its size does not say so
 * yet. */
static void
prepared_to(struct vnode *v, uint64_t end)
{
	struct ext2_inode *in = ext2_inode(v);

	if (end > INT32_MAX)
		ext2_note_large_file(ext2_fs(v));
	spin_lock(&in->lock);
	in->prepared = MAX(in->prepared, end);
	spin_unlock(&in->lock);
}

/** Allocate blocks for bytes [offset, end) as far as one operation goes: then
 * -EAGAIN. The @p n pages of it that are below the end of file are dirty, and
 * the file is told of, before it ends: else a commit could find nothing to
 * write first (EXT8). What lies behind the end of file is, until the file has
 * grown, what the next mount is to cut off again. */
static int
allocate_some(struct vnode *v, uint64_t offset, uint64_t end,
	      struct page **pages, unsigned n, int (*begin)(struct ext2_fs *fs))
{
	struct ext2_fs *fs = ext2_fs(v);
	uint64_t had = MAX(v->size, ext2_inode(v)->prepared);
	uint32_t first = ext2_block_at(fs, offset);
	int error = begin(fs);

	if (error)
		return error;
	if (end > had)
		ext2_orphan_add(v);
	error = ext2_map_alloc(v, first, ext2_blocks_for(fs, end) - first);
	/* Also after an error: some may have got their blocks. */
	while (n-- > 0)
		page_cache_dirty(v->cache, pages[n]);
	ext2_ordered_add(v);
	if (end > had && error && error != -EAGAIN)
		ext2_map_cut(v, ext2_blocks_for(fs, had));
	else if (end > had)
		prepared_to(v, end);
	ext2_inode_store(v);
	return ext2_end(fs, error);
}

/** Allocate blocks for bytes [offset, end). */
static int
allocate(struct vnode *v, uint64_t offset, uint64_t end, struct page **pages,
	 unsigned n)
{
	unsigned tries = 1;
	int error;

	do
		error = allocate_some(v, offset, end, pages, n, ext2_begin);
	while (error == -EAGAIN ||
	       (tries++ < EXT2_TRIES && ext2_try_again(ext2_fs(v), error)));
	return error;
}

/* The new size, and the end of what was prepared for it, are one operation,
 * after the data. */
static void
ext2_wrote(void *owner)
{
	struct vnode *v = owner;
	struct ext2_inode *in = ext2_inode(v);
	struct ext2_fs *fs = ext2_fs(v);

	if (fs->data_journal)
		page_cache_settle(v->cache);
	if (!fs->journal || (!in->prepared && ext2_size_stored(v)) ||
	    ext2_begin(fs))
		return;
	if (in->prepared <= v->size) {
		spin_lock(&in->lock);
		in->prepared = 0;
		spin_unlock(&in->lock);
		if (v->nlink > 0)
			ext2_orphan_remove(v);
	}
	ext2_inode_store(v);
	ext2_end(fs, 0);
}

/** Allocate for bytes of at most PAGES_AT_ONCE pages. Those below the end of
 * file are taken into the cache first, those behind it are in no one's. */
static int
allocate_batch(struct vnode *v, uint64_t offset, uint64_t end)
{
	struct page *pages[PAGES_AT_ONCE];
	uint64_t index = offset >> PAGE_SHIFT;
	unsigned n = 0;
	int error = 0;

	for (; (index + n) << PAGE_SHIFT < MIN(end, v->size); n++) {
		pages[n] = page_cache_get(v->cache, index + n, &error);
		if (!pages[n])
			break;
	}
	if (!error)
		error = allocate(v, offset, end, pages, n);
	while (n-- > 0)
		page_unref(pages[n]);
	return error;
}

/** Allocate what is missing for bytes [offset, end). */
static int
allocate_range(struct vnode *v, uint64_t offset, uint64_t end)
{
	struct ext2_fs *fs = ext2_fs(v);
	uint32_t first;
	uint64_t stop;
	int hole;

	for (; offset < end; offset = stop) {
		stop = ROUND_DOWN(offset, PAGE_SIZE) +
		       PAGES_AT_ONCE * PAGE_SIZE;
		stop = MIN(stop, end);
		first = ext2_block_at(fs, offset);
		hole = has_hole(v, first, ext2_blocks_for(fs, stop) - first);
		if (hole > 0)
			hole = allocate_batch(v, offset, stop);
		if (hole < 0)
			return hole;
	}
	return 0;
}

/** Before the file grows past its last page: that page's rest becomes part of
 * the file, and must be zeros. */
static int
zero_tail(struct vnode *v)
{
	uint64_t size = v->size;
	struct page *page;
	uint32_t block;
	int n;

	if (size % PAGE_SIZE == 0)
		return 0;
	n = ext2_map(v, ext2_block_at(ext2_fs(v), size), 1, &block);
	if (n < 0)
		return n;
	page = page_cache_get(v->cache, size >> PAGE_SHIFT, &n);
	if (!page)
		return n;
	memset((char *)page_address(page) + size % PAGE_SIZE, 0,
	       PAGE_SIZE - size % PAGE_SIZE);
	if (block)
		page_cache_dirty(v->cache, page);
	page_unref(page);
	return 0;
}

/** Give back what an earlier write has prepared and not filled. Write-back of
 * the last page may be writing there: let it end first, and have who begins
 * meanwhile find a hole (EXT9). */
static int
trim_if_short(struct vnode *v)
{
	struct ext2_fs *fs = ext2_fs(v);
	int error;

	if (ext2_inode(v)->prepared <= v->size)
		return 0;
	ext2_map_hide(v, ext2_blocks_for(fs, v->size), UINT32_MAX);
	error = page_cache_sync(v->cache);
	if (!error && !(error = ext2_begin(fs))) {
		error = ext2_trim(v);
		ext2_inode_store(v);
		ext2_end(fs, error);
	}
	ext2_map_hide(v, 0, 0);
	return error;
}

static int
ext2_prepare_write(void *owner, uint64_t offset, uint64_t len)
{
	struct vnode *v = owner;
	struct ext2_fs *fs = ext2_fs(v);
	uint32_t flags = ext2_inode(v)->flags;
	int error = 0;

	if (fs->read_only)
		return -EROFS;
	if (flags & EXT2_IMMUTABLE_FL ||
	    (flags & EXT2_APPEND_FL && offset < v->size))
		return -EPERM;
	if (offset > fs->max_size || len > fs->max_size - offset)
		return -EFBIG;
	if (offset + len > v->size)
		error = trim_if_short(v);
	if (!error && offset > v->size)
		error = zero_tail(v);
	return error ? error : allocate_range(v, offset, offset + len);
}

/* ---- Writing back ---- */

/** Whether @p n blocks of one page, from block @p at of the pages on, are all
 * zeros. */
static bool
blocks_zero(const struct transfer *t, uint32_t at, uint32_t n)
{
	uint32_t offset;
	const char *data = page_address(page_of(t, at, &offset));

	data += offset;
	return data[0] == 0 &&
	       memcmp(data, data + 1, (n << t->fs->block_shift) - 1) == 0;
}

/* EXT10: the journal's thread may be waiting for these pages (write_data), or
 * be the one that writes them. @return -EBUSY: later */
static int
try_allocate(struct vnode *v, uint64_t offset, uint64_t end)
{
	struct ext2_fs *fs = ext2_fs(v);
	int error;

	if (fs->settler == current())
		return -EBUSY;
	do
		error = allocate_some(v, offset, end, NULL, 0, ext2_try_begin);
	while (error == -EAGAIN);
	/* A commit may free some. */
	return error == -ENOSPC && fs->journal && fs->pending ? -EBUSY : error;
}

/* page_cache_ops.make_room: whoever wants all on disk waits here for what
 * write-back must not wait for. */
static bool
ext2_make_room(void *owner)
{
	struct vnode *v = owner;
	struct ext2_fs *fs = ext2_fs(v);

	if (fs->settler == current() || ext2_begin(fs))
		return false;
	ext2_end(fs, 0);
	ext2_try_again(fs, -ENOSPC);
	return true;
}

/** A hole in what is written back: what a mapping has written into it gets
 * blocks; zeros need none. @return blocks to pass over, 0: look again, or an
 * error */
static int
write_hole(struct vnode *v, struct transfer *t, uint32_t at, uint32_t n)
{
	uint64_t pos = (t->pages[0]->index << PAGE_SHIFT) +
		       ((uint64_t)at << t->fs->block_shift);
	uint32_t offset;
	int error;

	n = MIN(n, rest_of_page(t, at));
	if (blocks_zero(t, at, n) ||
	    ext2_map_hidden(v, ext2_block_at(t->fs, pos)))
		return (int)n;
	error = try_allocate(v, pos, pos + ((uint64_t)n << t->fs->block_shift));
	if (error != -EBUSY)
		return error;
	page_cache_pass_over(v->cache, page_of(t, at, &offset));
	return (int)n;
}

/** Log up to @p n blocks of the pages in one operation.
 * @return how many, or an error */
static int
blocks_log(struct vnode *v, struct transfer *t, uint32_t at, uint32_t n,
	   uint32_t block)
{
	struct ext2_inode *in = ext2_inode(v);
	int error = ext2_begin(t->fs);
	uint32_t i, offset;
	struct page *page;

	if (error)
		return error;
	for (i = 0; i < n && !error && journal_room() > 1; i++) {
		page = page_of(t, at + i, &offset);
		error = ext2_data_log(t->fs, block + i,
				      (char *)page_address(page) + offset);
	}
	spin_lock(&in->lock);
	ext2_inode_logged(t->fs, in);
	spin_unlock(&in->lock);
	error = ext2_end(t->fs, error);
	return error ? error : (int)i;
}

/** Write the first @p count blocks of the pages. */
static int
blocks_write(struct vnode *v, struct transfer *t, uint32_t count)
{
	uint32_t first = ext2_block_at(t->fs, t->pages[0]->index << PAGE_SHIFT);
	uint32_t at, block;
	int n, error = 0;

	for (at = 0; at < count && !error; at += (uint32_t)n) {
		n = ext2_map(v, first + at, count - at, &block);
		if (n > 0 && block && t->fs->data_journal)
			n = blocks_log(v, t, at, (uint32_t)n, block);
		else if (n > 0 && block)
			error = transfer_add(t, at, (uint32_t)n, block);
		else if (n > 0)
			n = write_hole(v, t, at, (uint32_t)n);
		if (n < 0)
			error = n;
	}
	return transfer_end(t, error);
}

static int
ext2_write_pages(void *owner, struct page **pages, unsigned n)
{
	struct vnode *v = owner;
	uint64_t end = MAX(v->size, ext2_inode(v)->prepared);
	struct transfer t;

	transfer_begin(&t, ext2_fs(v), pages, BLOCK_WRITE);
	if (t.fs->read_only)
		return -EROFS;
	return blocks_write(
		v, &t, ext2_blocks_for(t.fs, bytes_before(pages[0], n, end)));
}

static int
ext2_write_page(void *owner, struct page *page)
{
	return ext2_write_pages(owner, &page, 1);
}

/* ---- Changing the size ---- */

/** Before the pages of what is cut off are dropped: their blocks may be part of
 * a transaction that is committed before they are freed. So it gets the new
 * size, too; if it is the one before the running one, they are written (EXT8).
 * A crash in between leaves blocks behind the end, to be cut at the mount. */
static int
announce_cut(struct vnode *v, uint64_t size)
{
	struct ext2_fs *fs = ext2_fs(v);
	int error;

	if (!fs->journal || fs->data_journal || !page_cache_has_dirty(v->cache))
		return 0;
	error = ext2_begin(fs);
	if (!error && ext2_ordered_before(v)) {
		ext2_end(fs, 0);
		page_cache_settle(v->cache);
		error = ext2_begin(fs);
	}
	if (error)
		return error;
	v->size = size;
	ext2_orphan_add(v);
	ext2_inode_store(v);
	return ext2_end(fs, 0);
}

int
ext2_size_check(struct vnode *v, uint64_t size)
{
	const struct ext2_fs *fs = ext2_fs(v);
	int error;

	if (v->type != VT_REG)
		return -EINVAL;
	if (fs->read_only)
		return -EROFS;
	if (size > fs->max_size)
		return -EFBIG;
	if (size <= v->size)
		return size < v->size ? announce_cut(v, size) : 0;
	error = trim_if_short(v);
	return error ? error : zero_tail(v);
}

/* The blocks to be freed must not be written to any more: their pages are
 * dropped, once the size is such that none come back; and a page of which a
 * part remains has ended its write-back, the next of which finds a hole. */
int
ext2_size_settle(struct vnode *v, uint64_t size)
{
	if (size > v->size)
		return 0;
	v->size = size;
	ext2_map_hide(v, ext2_blocks_for(ext2_fs(v), size), UINT32_MAX);
	page_cache_truncate(v->cache, size);
	return size % PAGE_SIZE ? page_cache_sync(v->cache) : 0;
}

int
ext2_size_change(struct vnode *v, uint64_t size)
{
	bool grows = size > v->size;

	if (size > INT32_MAX)
		ext2_note_large_file(ext2_fs(v));
	v->size = size;
	return grows ? 0 : ext2_trim(v);
}

/* ---- The tables ---- */

static int
file_getattr(struct vnode *v, struct stat *st)
{
	st->st_blksize = ext2_fs(v)->block_size;
	return 0;
}

static const struct page_cache_ops ext2_page_ops = {
	.read_page = ext2_read_page,
	.read_pages = ext2_read_pages,
	.write_page = ext2_write_page,
	.write_pages = ext2_write_pages,
	.prepare_write = ext2_prepare_write,
	.wrote = ext2_wrote,
	.make_room = ext2_make_room,
};

const struct vnode_ops ext2_file_ops = {
	.getattr = file_getattr,
	.setattr = ext2_setattr,
	.punch = ext2_punch,
	.find = ext2_find,
	.pages = &ext2_page_ops,
	.fsync = ext2_fsync,
	.inactive = ext2_inactive,
};
