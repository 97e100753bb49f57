/*
 * Self-tests of shared file mappings and write-back: on a file whose "disk" is
 * an array, for the files of the root in memory are never written back.
 */
#include "string.h"
#include "test_vm.h"

#define PAGES  4u
#define ROUNDS 300u

static uint8_t disk[PAGES][PAGE_SIZE];

static int
disk_read_page(void *owner, struct page *page)
{
	(void)owner;
	page_copy(page_address(page), disk[page->index]);
	return 0;
}

static int
disk_write_page(void *owner, struct page *page)
{
	(void)owner;
	page_copy(disk[page->index], page_address(page));
	return 0;
}

static const struct page_cache_ops disk_page_ops = {
	.read_page = disk_read_page,
	.write_page = disk_write_page,
};
static const struct vnode_ops disk_vnode_ops = { .pages = &disk_page_ops };
static struct mount disk_mount = {
	.vnodes_lock = SPINLOCK("mount vnodes"),
	.in_memory = true,
};

static struct vnode *file;

/* A new address space that maps all of the file, shared, at BASE. */
static bool
enter(void)
{
	bool is_new;

	if (!test_vm_enter())
		return false;
	memset(disk, 0, sizeof(disk));
	file = vnode_lookup(&disk_mount, 1, &is_new);
	file->mode = S_IFREG | 0600;
	file->nlink = 0; /* it goes with its last reference */
	file->size = sizeof(disk);
	vnode_ready(file, VT_REG, &disk_vnode_ops);
	return vm_map(test_vm, BASE, sizeof(disk), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_FIXED, file, 0, true) == (int64_t)BASE;
}

static void
leave(void)
{
	vnode_put(file);
	test_vm_leave();
}

static int
store(unsigned page, uint8_t byte)
{
	return test_poke(BASE + page * PAGE_SIZE, byte);
}

/* The same, the way it reaches another address space. */
static int
store_from_outside(unsigned page, uint8_t byte)
{
	return vm_copy_out(test_vm, BASE + page * PAGE_SIZE, &byte, 1);
}

SELFTEST(vm_store_after_write_back_is_written_again)
{
	bool first, second, others;

	CHECK(enter());
	store(0, 'a');
	store(2, 'c');
	page_cache_sync(file->cache);
	first = disk[0][0] == 'a' && disk[2][0] == 'c';
	store(0, 'b');
	page_cache_sync(file->cache);
	second = disk[0][0] == 'b';
	others = disk[1][0] == 0 && disk[2][0] == 'c';
	leave();
	CHECK(first);
	CHECK(second);
	CHECK(others);
}

static int (*store_byte)(unsigned page, uint8_t byte);

/* Thread 0 writes back, the others store, each in a page of its own. */
static void
store_or_sync(unsigned number)
{
	unsigned i;

	if (number > 0)
		vmspace_switch(vmspace_get(test_vm));
	for (i = 0; i < ROUNDS; i++) {
		if (number > 0)
			store_byte(number, i);
		else
			page_cache_sync(file->cache);
		thread_yield();
	}
	if (number > 0)
		vmspace_put(vmspace_switch(NULL));
}

/* Whatever the order was, no store is forgotten: what the page cache holds for
 * clean is on the disk. @return pages that are not */
static unsigned
stores_forgotten(int (*fn)(unsigned page, uint8_t byte))
{
	unsigned i, wrong = 0;

	store_byte = fn;
	test_in_threads(PAGES, store_or_sync);
	page_cache_sync(file->cache);
	for (i = 1; i < PAGES; i++)
		wrong += disk[i][0] != (uint8_t)(ROUNDS - 1);
	return wrong;
}

SELFTEST(vm_stores_during_write_back_are_not_lost)
{
	unsigned wrong;

	CHECK(enter());
	wrong = stores_forgotten(store);
	leave();
	CHECK(wrong == 0);
}

SELFTEST(vm_copies_during_write_back_are_not_lost)
{
	unsigned wrong;

	CHECK(enter());
	wrong = stores_forgotten(store_from_outside);
	leave();
	CHECK(wrong == 0);
}
