/*
 * Self-tests of the page cache and of write-back, on a file whose "disk" is an
 * array.
 */
#include "cache_internal.h"
#include "string.h"
#include "test_cache.h"

#define FAKE_PAGES 40u

/* ---- A file on an array ---- */

static uint8_t disk[FAKE_PAGES][PAGE_SIZE];
static _Atomic uint64_t disk_size;
static _Atomic unsigned reads, writes;
static unsigned bad_page = UINT32_MAX; /* that cannot be read or written */

static int
fake_read_page(void *owner, struct page *page)
{
	(void)owner;
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
fake_write_page(void *owner, struct page *page)
{
	(void)owner;
	writes++;
	if (page->index == bad_page || page->index >= FAKE_PAGES)
		return -EIO;
	page_copy(disk[page->index], page_address(page));
	return 0;
}

static const struct page_cache_ops fake_ops = {
	.read_page = fake_read_page,
	.write_page = fake_write_page,
};

static struct page_cache *
fake_file(uint64_t size)
{
	unsigned i;

	for (i = 0; i < FAKE_PAGES; i++)
		memset(disk[i], 'a' + i % 26, PAGE_SIZE);
	reads = writes = 0;
	bad_page = UINT32_MAX;
	disk_size = size;
	return page_cache_new(disk, &fake_ops, &disk_size);
}

static void
fake_free(struct page_cache *c)
{
	page_cache_destroy(c);
	rcu_synchronize();
}

/* What its owner does when the file is cut off or grows. */
static void
fake_set_size(struct page_cache *c, uint64_t size)
{
	uint64_t tail = DIV_ROUND_UP(size, PAGE_SIZE);

	page_cache_truncate(c, MIN(size, disk_size));
	disk_size = size;
	for (; tail < FAKE_PAGES; tail++)
		memset(disk[tail], 0, PAGE_SIZE);
}

static uint8_t
byte_at(struct page_cache *c, uint64_t pos)
{
	uint8_t byte = 0xee;
	struct iovec iov;
	struct uio u = uio_kernel(&iov, &byte, 1);

	return cached_read(c, &u, &pos) == 1 ? byte : 0xff;
}

SELFTEST(cache_reads_a_page_once)
{
	struct page_cache *c = fake_file(3 * PAGE_SIZE);

	CHECK(byte_at(c, 0) == 'a');
	CHECK(byte_at(c, 100) == 'a');
	CHECK(byte_at(c, PAGE_SIZE) == 'b');
	CHECK(reads == 2);
	CHECK(byte_at(c, 3 * PAGE_SIZE) == 0xff); /* the end */
	CHECK(page_cache_peek(c, 2) == NULL);
	CHECK(reads == 2);
	fake_free(c);
}

SELFTEST(cache_reports_read_errors_and_tries_again)
{
	struct page_cache *c = fake_file(3 * PAGE_SIZE);
	int error = 0;

	bad_page = 1;
	CHECK(page_cache_get(c, 1, &error) == NULL && error == -EIO);
	CHECK(byte_at(c, PAGE_SIZE) == 0xff);
	bad_page = UINT32_MAX;
	CHECK(byte_at(c, PAGE_SIZE) == 'b');
	fake_free(c);
}

static int
fake_read_pages(void *owner, struct page **pages, unsigned n)
{
	unsigned i;
	int error = 0;

	for (i = 0; i < n && !error; i++)
		error = fake_read_page(owner, pages[i]);
	return error;
}

SELFTEST(cache_read_error_is_of_one_page)
{
	static const struct page_cache_ops ahead = {
		.read_page = fake_read_page,
		.read_pages = fake_read_pages,
	};
	struct page_cache *c = fake_file(8 * PAGE_SIZE);

	c->ops = &ahead;
	bad_page = 3;
	CHECK(byte_at(c, 0) == 'a');
	CHECK(c->npages == 1); /* what was read with it was not kept */
	CHECK(byte_at(c, 1 * PAGE_SIZE) == 'b');
	CHECK(byte_at(c, 2 * PAGE_SIZE) == 'c');
	CHECK(byte_at(c, 3 * PAGE_SIZE) == 0xff);
	CHECK(byte_at(c, 4 * PAGE_SIZE) == 'e');
	CHECK(c->npages == 7); /* behind it, the next are read with it again */
	fake_free(c);
}

static int
cut_and_read_page(void *owner, struct page *page)
{
	if (page->index == 1)
		disk_size = PAGE_SIZE;
	return fake_read_page(owner, page);
}

/* While its second page is read. */
SELFTEST(cache_read_ends_where_the_file_is_cut)
{
	static const struct page_cache_ops cutting = {
		.read_page = cut_and_read_page,
	};
	static uint8_t buf[4 * PAGE_SIZE];
	struct page_cache *c = fake_file(4 * PAGE_SIZE);
	struct iovec iov;
	struct uio u = uio_kernel(&iov, buf, sizeof(buf));
	uint64_t pos = 0;
	int64_t n, at_end;

	c->ops = &cutting;
	n = cached_read(c, &u, &pos);
	disk_size = 4 * PAGE_SIZE;
	page_cache_drop(c);
	pos = PAGE_SIZE;
	at_end = cached_read(c, &u, &pos);
	CHECK(reads == 3);
	fake_free(c);
	CHECK(n == PAGE_SIZE);
	CHECK(at_end == 0);
}

static void
dirty_page(struct page_cache *c, uint64_t index, uint8_t value)
{
	int error;
	struct page *page = page_cache_get(c, index, &error);

	memset(page_address(page), value, PAGE_SIZE);
	page_cache_dirty(c, page);
	page_unref(page);
}

/* ---- Others write while it is written back ---- */

static struct page_cache *shared;
static void (*while_writing)(uint64_t index); /* called for each page */

static int
hooked_write_pages(void *owner, struct page **pages, unsigned n)
{
	unsigned i;
	int error = 0;

	for (i = 0; i < n && !error; i++) {
		error = fake_write_page(owner, pages[i]);
		while_writing(pages[i]->index);
	}
	return error;
}

static int
hooked_write_page(void *owner, struct page *page)
{
	return hooked_write_pages(owner, &page, 1);
}

static const struct page_cache_ops hooked = {
	.read_page = fake_read_page,
	.write_page = hooked_write_page,
	.write_pages = hooked_write_pages,
};

static void
hooked_file(void (*hook)(uint64_t index))
{
	shared = fake_file(FAKE_PAGES * PAGE_SIZE);
	shared->ops = &hooked;
	while_writing = hook;
}

/* Always another page, and one that is written together with page 20. */
static void
dirty_others(uint64_t index)
{
	dirty_page(shared, 21, 'x');
	dirty_page(shared, index == 0 ? 39 : 0, 'x');
}

SELFTEST(cache_sync_writes_what_was_dirty_and_ends)
{
	bool all, few;

	hooked_file(dirty_others);
	dirty_page(shared, 0, '0');
	dirty_page(shared, 20, '1');
	dirty_page(shared, 30, '2');
	CHECK(page_cache_sync(shared) == 0);
	all = disk[0][0] == '0' && disk[20][0] == '1' && disk[30][0] == '2';
	few = writes == 4; /* with page 21, which comes after 20 */
	fake_free(shared);
	CHECK(all);
	CHECK(few);
}

static _Atomic bool first_writes, others_written;

/* Thread 0 writes page 0, which is changed meanwhile, and comes to no end
 * before thread 1 has written all else, and a neighbour of it. */
static void
dirty_itself(uint64_t index)
{
	if (index == 7)
		dirty_page(shared, 10, 'x');
	others_written |= index == 10;
	if (index != 0 || first_writes)
		return;
	dirty_page(shared, 0, '1');
	dirty_page(shared, 7, '1');
	dirty_page(shared, 9, '1');
	first_writes = true;
	while (!others_written)
		thread_yield();
}

static void
sync_in_turn(unsigned number)
{
	while (number == 1 && !first_writes)
		thread_yield();
	page_cache_sync(shared);
}

SELFTEST(cache_sync_writes_what_was_being_written)
{
	hooked_file(dirty_itself);
	first_writes = others_written = false;
	dirty_page(shared, 0, '0');
	test_in_threads(2, sync_in_turn);
	CHECK(disk[0][0] == '1' && disk[7][0] == '1' && disk[9][0] == '1');
	fake_free(shared);
}

static _Atomic unsigned wait_for_room;
static _Atomic bool has_room, returned_early;

static int
write_page_if_room(void *owner, struct page *page)
{
	if (has_room)
		return fake_write_page(owner, page);
	page_cache_pass_over(shared, page);
	return 0;
}

/* There is none before both threads wait for it. */
static bool
make_room_for_both(void *owner)
{
	(void)owner;
	wait_for_room++;
	while (wait_for_room < 2 && !returned_early)
		thread_yield();
	has_room = true;
	return true;
}

static void
sync_without_room(unsigned number)
{
	while (number == 1 && wait_for_room == 0 && !returned_early)
		thread_yield();
	page_cache_sync(shared);
	returned_early |= disk[3][0] != 'x';
}

SELFTEST(cache_sync_comes_back_to_what_was_passed_over)
{
	static const struct page_cache_ops little_room = {
		.read_page = fake_read_page,
		.write_page = write_page_if_room,
		.make_room = make_room_for_both,
	};

	shared = fake_file(FAKE_PAGES * PAGE_SIZE);
	shared->ops = &little_room;
	wait_for_room = 0;
	has_room = returned_early = false;
	dirty_page(shared, 3, 'x');
	test_in_threads(2, sync_without_room);
	page_cache_sync(shared);
	fake_free(shared);
	CHECK(!returned_early);
	CHECK(wait_for_room == 2);
}

SELFTEST(cache_writes_dirty_pages_back)
{
	struct page_cache *c = fake_file(5 * PAGE_SIZE);
	uint64_t cached, dirty, before;

	page_cache_stats(&cached, &before);
	dirty_page(c, 3, '3');
	dirty_page(c, 1, '1');
	dirty_page(c, 3, '4');
	page_cache_stats(&cached, &dirty);
	CHECK(dirty == before + 2);
	CHECK(disk[3][0] == 'd');
	CHECK(page_cache_sync(c) == 0);
	CHECK(writes == 2);
	CHECK(disk[3][0] == '4' && disk[1][4095] == '1');
	CHECK(page_cache_sync(c) == 0 && writes == 2);
	page_cache_stats(&cached, &dirty);
	CHECK(dirty == before);
	dirty_page(c, 3, '5');
	CHECK(page_cache_sync(c) == 0 && writes == 3 && disk[3][0] == '5');
	fake_free(c);
}

SELFTEST(cache_reports_write_errors_once)
{
	struct page_cache *c = fake_file(5 * PAGE_SIZE);

	dirty_page(c, 2, 'x');
	bad_page = 2;
	CHECK(page_cache_sync(c) == -EIO);
	CHECK(page_cache_sync(c) == 0);
	fake_free(c);
}

SELFTEST(cache_truncate_zeroes_the_rest)
{
	struct page_cache *c = fake_file(5 * PAGE_SIZE);
	struct page *page;

	CHECK(byte_at(c, 4 * PAGE_SIZE) == 'e');
	CHECK(byte_at(c, PAGE_SIZE) == 'b');
	dirty_page(c, 3, '3');
	fake_set_size(c, PAGE_SIZE + 10);
	CHECK(page_cache_peek(c, 3) == NULL && page_cache_peek(c, 4) == NULL);
	fake_set_size(c, 5 * PAGE_SIZE);
	CHECK(byte_at(c, PAGE_SIZE + 9) == 'b');
	CHECK(byte_at(c, PAGE_SIZE + 10) == 0);
	CHECK(byte_at(c, 2 * PAGE_SIZE - 1) == 0);
	CHECK(byte_at(c, 3 * PAGE_SIZE) == 0);
	CHECK(page_cache_sync(c) == 0);
	CHECK(disk[1][9] == 'b' && disk[1][10] == 0);
	page = page_cache_peek(c, 1);
	CHECK(page && page_refs(page) == 2);
	page_unref(page);
	fake_free(c);
}

SELFTEST(cache_tree_holds_sparse_pages)
{
	static const uint64_t at[] = { 0,	  1,	     511,
				       512,	  262143,    262144,
				       1ul << 27, 1ul << 36, (1ul << 51) - 1 };
	struct page_cache *c = fake_file(FAKE_PAGES * PAGE_SIZE);
	struct page *page;
	unsigned i;
	int error;

	/* From the top down, so that the tree is high at once; and back. */
	for (i = ARRAY_SIZE(at); i-- > 0;) {
		page = page_cache_get(c, at[i], &error);
		CHECK(page && page->index == at[i]);
		page_unref(page);
	}
	CHECK(c->npages == ARRAY_SIZE(at));
	for (i = 0; i < ARRAY_SIZE(at); i++) {
		page = page_cache_peek(c, at[i]);
		CHECK(page && page->index == at[i]);
		page_unref(page);
	}
	CHECK(page_cache_peek(c, 2) == NULL);
	CHECK(page_cache_peek(c, 1ul << 35) == NULL);
	page_cache_truncate(c, 262144 * PAGE_SIZE);
	CHECK(c->npages == 5);
	page_cache_truncate(c, 0);
	CHECK(c->npages == 0 && c->root == 0);
	fake_free(c);
}

SELFTEST(cache_reclaim_takes_clean_unused_pages)
{
	struct page_cache *c = fake_file(4 * PAGE_SIZE);
	struct page *held;
	unsigned rounds;
	int error;

	byte_at(c, 0);
	dirty_page(c, 1, 'X');
	held = page_cache_get(c, 2, &error);
	for (rounds = 0; rounds < 1000 && c->npages > 2; rounds++)
		page_reclaim(16);
	CHECK(c->npages == 2);
	CHECK(page_cache_peek(c, 0) == NULL);
	CHECK(byte_at(c, PAGE_SIZE) == 'X'); /* dirty: stays */
	CHECK(page_cache_find(c, 2) == held);
	page_unref(held);
	page_unref(held);
	CHECK(byte_at(c, 0) == 'a' && reads == 4);
	fake_free(c);
}

/* ---- Threads ---- */

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
	CHECK(!page_cache_has_dirty(shared));
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
