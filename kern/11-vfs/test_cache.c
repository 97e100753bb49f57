/*
 * Self-tests of the page cache, write-back and the buffer cache: on a file
 * whose "disk" is an array, and on a disk that is one.
 */
#include "pagecache.h"
#include "test_vfs.h"

#define FAKE_PAGES 40u

/* ---- A file on an array ---- */

static uint8_t disk[FAKE_PAGES][PAGE_SIZE];
static _Atomic unsigned reads, writes;
static unsigned bad_page = UINT32_MAX; /* that cannot be read or written */

static int
fake_read_page(struct vnode *v, struct page *page)
{
	(void)v;
	reads++;
	if (page->index == bad_page)
		return -EIO;
	if (page->index < FAKE_PAGES)
		page_copy(page_address(page), disk[page->index]);
	else
		page_clear(page_address(page));
	return 0;
}

static int
fake_write_page(struct vnode *v, struct page *page)
{
	(void)v;
	writes++;
	if (page->index == bad_page || page->index >= FAKE_PAGES)
		return -EIO;
	page_copy(disk[page->index], page_address(page));
	return 0;
}

static int
fake_setattr(struct vnode *v, const struct vattr *attr)
{
	uint64_t tail;

	if (attr->valid & VATTR_SIZE) {
		v->size = attr->size;
		tail = DIV_ROUND_UP(attr->size, PAGE_SIZE);
		for (; tail < FAKE_PAGES; tail++)
			memset(disk[tail], 0, PAGE_SIZE);
	}
	vnode_set_attributes(v, attr);
	return 0;
}

static const struct vnode_ops fake_ops = {
	.read_page = fake_read_page,
	.write_page = fake_write_page,
	.setattr = fake_setattr,
};

static const struct filesystem fake_type = { .name = "fake" };
static const struct mount_ops fake_mount_ops;

static struct vnode *
fake_file(uint64_t size)
{
	struct mount *m = mount_new(&fake_type, 0, "fake");
	struct vnode *v;
	bool is_new;
	unsigned i;

	m->ops = &fake_mount_ops;
	for (i = 0; i < FAKE_PAGES; i++)
		memset(disk[i], 'a' + i % 26, PAGE_SIZE);
	reads = writes = 0;
	bad_page = UINT32_MAX;
	v = vnode_lookup(m, 7, &is_new);
	v->nlink = 1;
	v->mode = S_IFREG | 0644;
	v->size = size;
	vnode_ready(v, VT_REG, &fake_ops);
	return v;
}

static void
fake_free(struct vnode *v)
{
	struct mount *m = v->mount;

	v->nlink = 0;
	vnode_put(v);
	rcu_synchronize();
	ASSERT(rb_empty(&m->vnodes));
	kfree(m);
}

static uint8_t
byte_at(struct vnode *v, uint64_t pos)
{
	uint8_t byte = 0xee;

	return vnode_read(v, &byte, 1, pos) == 1 ? byte : 0xff;
}

SELFTEST(cache_reads_a_page_once)
{
	struct vnode *v = fake_file(3 * PAGE_SIZE);

	CHECK(byte_at(v, 0) == 'a');
	CHECK(byte_at(v, 100) == 'a');
	CHECK(byte_at(v, PAGE_SIZE) == 'b');
	CHECK(reads == 2);
	CHECK(byte_at(v, 3 * PAGE_SIZE) == 0xff); /* the end */
	CHECK(page_cache_peek(v, 2) == NULL);
	CHECK(reads == 2);
	fake_free(v);
}

SELFTEST(cache_reports_read_errors_and_tries_again)
{
	struct vnode *v = fake_file(3 * PAGE_SIZE);
	int error = 0;

	bad_page = 1;
	CHECK(page_cache_get(v, 1, &error) == NULL && error == -EIO);
	CHECK(byte_at(v, PAGE_SIZE) == 0xff);
	bad_page = UINT32_MAX;
	CHECK(byte_at(v, PAGE_SIZE) == 'b');
	fake_free(v);
}

static void
dirty_page(struct vnode *v, uint64_t index, uint8_t value)
{
	int error;
	struct page *page = page_cache_get(v, index, &error);

	memset(page_address(page), value, PAGE_SIZE);
	page_cache_dirty(v, page);
	page_unref(page);
}

SELFTEST(cache_writes_dirty_pages_back)
{
	struct vnode *v = fake_file(5 * PAGE_SIZE);
	uint64_t cached, dirty, before;

	page_cache_stats(&cached, &before);
	dirty_page(v, 3, '3');
	dirty_page(v, 1, '1');
	dirty_page(v, 3, '4');
	page_cache_stats(&cached, &dirty);
	CHECK(dirty == before + 2);
	CHECK(disk[3][0] == 'd');
	CHECK(page_cache_sync(v) == 0);
	CHECK(writes == 2);
	CHECK(disk[3][0] == '4' && disk[1][4095] == '1');
	CHECK(page_cache_sync(v) == 0 && writes == 2);
	page_cache_stats(&cached, &dirty);
	CHECK(dirty == before);
	dirty_page(v, 3, '5');
	CHECK(page_cache_sync(v) == 0 && writes == 3 && disk[3][0] == '5');
	fake_free(v);
}

SELFTEST(cache_reports_write_errors_once)
{
	struct vnode *v = fake_file(5 * PAGE_SIZE);

	dirty_page(v, 2, 'x');
	bad_page = 2;
	CHECK(page_cache_sync(v) == -EIO);
	CHECK(page_cache_sync(v) == 0);
	fake_free(v);
}

SELFTEST(cache_truncate_zeroes_the_rest)
{
	struct vnode *v = fake_file(5 * PAGE_SIZE);
	struct page *page;

	CHECK(byte_at(v, 4 * PAGE_SIZE) == 'e');
	dirty_page(v, 3, '3');
	CHECK(vnode_truncate(v, PAGE_SIZE + 10) == 0);
	CHECK(page_cache_peek(v, 3) == NULL && page_cache_peek(v, 4) == NULL);
	CHECK(vnode_truncate(v, 5 * PAGE_SIZE) == 0);
	CHECK(byte_at(v, PAGE_SIZE + 9) == 'b');
	CHECK(byte_at(v, PAGE_SIZE + 10) == 0);
	CHECK(byte_at(v, 2 * PAGE_SIZE - 1) == 0);
	CHECK(byte_at(v, 3 * PAGE_SIZE) == 0);
	CHECK(page_cache_sync(v) == 0);
	CHECK(disk[1][9] == 'b' && disk[1][10] == 0);
	page = page_cache_peek(v, 1);
	CHECK(page && page_refs(page) == 2);
	page_unref(page);
	fake_free(v);
}

SELFTEST(cache_tree_holds_sparse_pages)
{
	static const uint64_t at[] = { 0,	  1,	     511,
				       512,	  262143,    262144,
				       1ul << 27, 1ul << 36, (1ul << 51) - 1 };
	struct vnode *v = fake_file(FAKE_PAGES * PAGE_SIZE);
	struct page *page;
	unsigned i;
	int error;

	/* From the top down, so that the tree is high at once; and back. */
	for (i = ARRAY_SIZE(at); i-- > 0;) {
		page = page_cache_get(v, at[i], &error);
		CHECK(page && page->index == at[i]);
		page_unref(page);
	}
	CHECK(v->cache->npages == ARRAY_SIZE(at));
	for (i = 0; i < ARRAY_SIZE(at); i++) {
		page = page_cache_peek(v, at[i]);
		CHECK(page && page->index == at[i]);
		page_unref(page);
	}
	CHECK(page_cache_peek(v, 2) == NULL);
	CHECK(page_cache_peek(v, 1ul << 35) == NULL);
	page_cache_truncate(v, 262144 * PAGE_SIZE);
	CHECK(v->cache->npages == 5);
	page_cache_truncate(v, 0);
	CHECK(v->cache->npages == 0 && v->cache->root == 0);
	fake_free(v);
}

SELFTEST(cache_reclaim_takes_clean_unused_pages)
{
	struct vnode *v = fake_file(4 * PAGE_SIZE);
	struct page *held;
	unsigned rounds;
	int error;

	byte_at(v, 0);
	dirty_page(v, 1, 'X');
	held = page_cache_get(v, 2, &error);
	for (rounds = 0; rounds < 1000 && v->cache->npages > 2; rounds++)
		page_reclaim(16);
	CHECK(v->cache->npages == 2);
	CHECK(page_cache_peek(v, 0) == NULL);
	CHECK(byte_at(v, PAGE_SIZE) == 'X'); /* dirty: stays */
	CHECK(page_cache_find(v->cache, 2) == held);
	page_unref(held);
	page_unref(held);
	CHECK(byte_at(v, 0) == 'a' && reads == 4);
	fake_free(v);
}

/* ---- Threads ---- */

static struct vnode *shared;
static _Atomic unsigned wrong;

/* Readers see each page whole; reclaim and writers of the same values come in
 * between. */
static void
read_and_reclaim(unsigned number)
{
	unsigned i, index;

	for (i = 0; i < 400; i++) {
		index = (i * 7 + number * 3) % FAKE_PAGES;
		if (number == 0)
			page_reclaim(4);
		else if (number == 1 && i % 8 == 0)
			dirty_page(shared, index, 'a' + index % 26);
		else if (number == 2 && i % 16 == 0)
			page_cache_sync(shared);
		else if (byte_at(shared, index * PAGE_SIZE + i) !=
			 'a' + index % 26)
			wrong++;
	}
}

SELFTEST(cache_readers_writers_and_reclaim)
{
	shared = fake_file(FAKE_PAGES * PAGE_SIZE);
	wrong = 0;
	test_in_threads(4, read_and_reclaim);
	CHECK(wrong == 0);
	CHECK(page_cache_sync(shared) == 0);
	CHECK(shared->cache->ndirty == 0 && shared->cache->nwriteback == 0);
	fake_free(shared);
}

static void
read_and_truncate(unsigned number)
{
	unsigned i;
	uint8_t byte;

	for (i = 0; i < 200; i++) {
		if (number == 0) {
			page_cache_truncate(shared, (i % 5) * PAGE_SIZE);
			continue;
		}
		byte = byte_at(shared, (i % FAKE_PAGES) * PAGE_SIZE);
		if (byte != 'a' + i % FAKE_PAGES % 26)
			wrong++;
	}
}

SELFTEST(cache_readers_and_truncation)
{
	shared = fake_file(FAKE_PAGES * PAGE_SIZE);
	wrong = 0;
	test_in_threads(4, read_and_truncate);
	CHECK(wrong == 0);
	fake_free(shared);
}

/* ---- A disk ---- */

#define FAKE_SECTORS 64u

static uint8_t sectors[FAKE_SECTORS][SECTOR_SIZE];
static _Atomic unsigned requests, flushes;

static void
fake_submit(struct block_device *d, struct block_request *r)
{
	uint64_t sector = r->sector;
	unsigned i, n;

	(void)d;
	requests++;
	if (r->op == BLOCK_FLUSH)
		flushes++;
	for (i = 0; i < r->nsegments; i++) {
		uint8_t *mem = direct_map(r->segments[i].pa);

		n = r->segments[i].len;
		if (r->op == BLOCK_READ)
			memcpy(mem, sectors[sector], n);
		else
			memcpy(sectors[sector], mem, n);
		sector += n / SECTOR_SIZE;
	}
	block_finish(r, 0);
}

static struct block_device fake_disk = {
	.name = "fake",
	.sectors = FAKE_SECTORS,
	.submit = fake_submit,
};

SELFTEST(buf_is_read_once_and_written_back)
{
	struct buf *a, *b;
	int error = 0;

	sectors[2][5] = 'x';
	requests = flushes = 0;
	a = buf_read(&fake_disk, 1, 1024, &error);
	CHECK(a && ((char *)a->data)[5] == 'x');
	b = buf_read(&fake_disk, 1, 1024, &error);
	CHECK(b == a && requests == 1);
	buf_put(b);
	mutex_lock(&a->lock);
	((char *)a->data)[6] = 'y';
	mutex_unlock(&a->lock);
	buf_dirty(a);
	buf_put(a);
	CHECK(sectors[2][6] != 'y');
	CHECK(buf_sync(&fake_disk) == 0);
	CHECK(sectors[2][6] == 'y' && requests == 3 && flushes == 1);
	CHECK(buf_sync(&fake_disk) == 0);
	CHECK(requests == 4); /* the flush alone */
	buf_invalidate(&fake_disk);
}

SELFTEST(buf_forgotten_is_not_written)
{
	struct buf *b;
	int error = 0;

	b = buf_get(&fake_disk, 3, 1024, &error);
	CHECK(b);
	memset(b->data, 'f', 1024);
	buf_dirty(b);
	buf_put(b);
	buf_forget(&fake_disk, 3, 1024);
	requests = 0;
	CHECK(buf_sync(&fake_disk) == 0);
	CHECK(requests == 1 && sectors[6][0] != 'f');
	buf_invalidate(&fake_disk);
}

SELFTEST(buf_past_the_end_is_an_error)
{
	int error = 0;

	CHECK(buf_read(&fake_disk, FAKE_SECTORS, 512, &error) == NULL);
	CHECK(error == -EIO);
	buf_invalidate(&fake_disk);
}

static void
add_to_blocks(unsigned number)
{
	unsigned i;
	struct buf *b;
	int error;

	(void)number;
	for (i = 0; i < 200; i++) {
		b = buf_read(&fake_disk, i % 16, 2048, &error);
		mutex_lock(&b->lock);
		++*(uint32_t *)b->data;
		mutex_unlock(&b->lock);
		buf_dirty(b);
		buf_put(b);
		if (i % 32 == 0)
			buf_sync(&fake_disk);
		if (i % 16 == 0)
			buf_reclaim(4);
	}
}

SELFTEST(buf_changes_by_threads_are_not_lost)
{
	uint32_t sum = 0;
	unsigned i;

	memset(sectors, 0, sizeof(sectors));
	test_in_threads(4, add_to_blocks);
	CHECK(buf_sync(&fake_disk) == 0);
	for (i = 0; i < 16; i++)
		sum += *(uint32_t *)sectors[i * 4];
	CHECK(sum == 4 * 200);
	buf_invalidate(&fake_disk);
}
