/*
 * Self-tests of chapter mem.
 */
#include "mem_internal.h"
#include "string.h"

static uint64_t
free_now(void)
{
	struct mem_stats s;

	mem_stats_get(&s);
	return s.free;
}

SELFTEST(mem_page_blocks_are_aligned_and_zeroed)
{
	unsigned order;

	for (order = 0; order <= PAGE_ORDER_MAX; order++) {
		struct page *p = page_alloc(order, PAGE_KERNEL, ALLOC_ZERO);
		uint8_t *end;

		CHECK(p != NULL);
		CHECK(page_to_phys(p) % (PAGE_SIZE << order) == 0);
		end = (uint8_t *)page_address(p) + (PAGE_SIZE << order);
		CHECK(*(uint64_t *)page_address(p) == 0);
		CHECK(*(uint64_t *)(end - 8) == 0);
		page_unref(p);
	}
}

SELFTEST(mem_page_blocks_do_not_overlap)
{
	struct page *p[32];
	unsigned i, j;

	for (i = 0; i < 32; i++) {
		p[i] = page_alloc(i % 4, PAGE_KERNEL, 0);
		CHECK(p[i] != NULL);
		memset(page_address(p[i]), i + 1, PAGE_SIZE << i % 4);
	}
	for (i = 0; i < 32; i++) {
		const uint8_t *bytes = page_address(p[i]);

		for (j = 0; j < PAGE_SIZE << i % 4; j += 512)
			CHECK(bytes[j] == i + 1);
	}
	for (i = 0; i < 32; i++)
		page_unref(p[i]);
	page_check_buddies();
}

#define LOW_ORDERS 7

SELFTEST(mem_low_blocks_are_below_4_gib)
{
	uint64_t before = free_now();
	struct page *p[LOW_ORDERS];
	unsigned k;

	for (k = 0; k < LOW_ORDERS; k++) {
		p[k] = page_alloc(k, PAGE_KERNEL, ALLOC_LOW);
		CHECK(p[k] != NULL && p[k]->order == k);
		CHECK(page_to_phys(p[k]) + (PAGE_SIZE << k) <= 1UL << 32);
		CHECK(page_to_phys(p[k]) % (PAGE_SIZE << k) == 0);
	}
	CHECK(free_now() == before - BIT(LOW_ORDERS) + 1);
	for (k = 0; k < LOW_ORDERS; k++)
		page_unref(p[k]);
	page_check_buddies();
	CHECK(free_now() == before);
}

/* Every second page first, so that at the end each has a buddy to merge with.
 */
SELFTEST(mem_freed_pages_merge_again)
{
	uint64_t before = free_now();
	struct page *p[64];
	unsigned i;

	for (i = 0; i < 64; i++)
		CHECK((p[i] = page_alloc(0, PAGE_KERNEL, 0)) != NULL);
	for (i = 0; i < 64; i += 2)
		page_unref(p[i]);
	for (i = 1; i < 64; i += 2)
		page_unref(p[i]);
	page_check_buddies();
	CHECK(free_now() == before);
}

/* MEM2: the page is free exactly when the last reference has gone. */
SELFTEST(mem_references_keep_a_page)
{
	struct page *p = page_alloc(0, PAGE_KERNEL, 0);

	CHECK(p != NULL && page_refs(p) == 1);
	page_ref(p);
	page_unref(p);
	CHECK(page_refs(p) == 1 && p->use == PAGE_KERNEL);
	page_unref(p);
	CHECK(page_refs(p) == 0);
}

/* Take pages, chained through their first word, until there are none; not those
 * that are kept as a last resort. */
static struct page *
take_all(uint64_t *n)
{
	struct page *chain = NULL, *p;

	for (*n = 0; (p = page_alloc(0, PAGE_USER, ALLOC_NOWAIT)); (*n)++) {
		*(struct page **)page_address(p) = chain;
		chain = p;
	}
	return chain;
}

static void
give_all(struct page *chain)
{
	struct page *p;

	while ((p = chain)) {
		chain = *(struct page **)page_address(p);
		page_unref(p);
	}
}

/* MEM3: with every page taken that others may have, the heap still gets one. */
SELFTEST(mem_heap_share_outlasts_all_other_pages)
{
	struct mem_stats s;
	struct page *chain;
	uint64_t n, share;
	void *object;

	mem_stats_get(&s);
	share = s.heap_max - s.heap_used;
	chain = take_all(&n);
	mem_stats_get(&s);
	object = kalloc(4000, ALLOC_SITE(4000, "test"));
	give_all(chain);
	kfree(object);
	slab_shrink();
	CHECK(n > 0);
	CHECK(s.free >= share);
	CHECK(object != NULL);
	page_check_buddies();
}

static struct page *spare;

static bool
give_spare(void)
{
	struct page *p = spare;

	spare = NULL;
	if (p)
		page_unref(p);
	return p;
}

/* Not to processes: they would use it up, and their faults can wait. */
SELFTEST(mem_a_last_resort_is_asked_when_there_is_no_page)
{
	bool (*before)(void) = mem_ops.last_resort;
	struct page *user, *kernel, *none, *chain;
	uint64_t n;

	spare = page_alloc(0, PAGE_USER, 0);
	CHECK(spare != NULL);
	mem_ops.last_resort = give_spare;
	chain = take_all(&n);
	user = page_alloc(0, PAGE_USER, ALLOC_NOWAIT);
	kernel = page_alloc(0, PAGE_KERNEL, ALLOC_NOWAIT);
	none = page_alloc(0, PAGE_KERNEL, ALLOC_NOWAIT);
	mem_ops.last_resort = before;
	if (kernel)
		page_unref(kernel);
	give_all(chain);
	CHECK(!user && kernel && !none);
}

SELFTEST(mem_kalloc_gives_zeroed_aligned_disjoint_objects)
{
	static void *objects[300];
	unsigned i, size;

	for (i = 0; i < 300; i++) {
		size = 1 + i * 13;
		objects[i] = kalloc(size, ALLOC_SITE(0, "test"));
		CHECK((uint64_t)objects[i] % (size >= 64 ? 64 : 16) == 0);
		CHECK(((uint8_t *)objects[i])[0] == 0);
		CHECK(((uint8_t *)objects[i])[size - 1] == 0);
		memset(objects[i], i, size);
	}
	for (i = 0; i < 300; i++) {
		size = 1 + i * 13;
		CHECK(((uint8_t *)objects[i])[0] == (uint8_t)i);
		CHECK(((uint8_t *)objects[i])[size - 1] == (uint8_t)i);
		kfree(objects[i]);
	}
}

/* kalloc_pages is a bound: the heap has grown by no more. */
SELFTEST(mem_slabs_go_back_when_empty)
{
	struct mem_stats before, after;
	void *objects[100];
	unsigned i;

	slab_shrink();
	mem_stats_get(&before);
	for (i = 0; i < 100; i++)
		objects[i] = kalloc(1000, ALLOC_SITE(0, "test"));
	mem_stats_get(&after);
	CHECK(after.heap_used >= before.heap_used + 20);
	CHECK(after.heap_used <= before.heap_used + kalloc_pages(1000, 100));
	for (i = 0; i < 100; i++)
		kfree(objects[i]);
	slab_shrink();
	mem_stats_get(&after);
	CHECK(after.heap_used <= before.heap_used);
}

SELFTEST(mem_freeing_null_does_nothing)
{
	kfree(NULL);
}

/* A freed stack comes back first: it is mapped, and likely in a CPU's cache. */
SELFTEST(mem_kernel_stacks_have_guard_pages)
{
	uint64_t top = kstack_alloc(), at;

	CHECK(top != 0 && top % 16 == 0);
	/* All of it is there; its poison stays, or it would count as used. */
	for (at = top - KSTACK_SIZE; at < top; at += PAGE_SIZE) {
		volatile uint64_t *word = (volatile uint64_t *)at;

		*word = *word;
	}
	((uint64_t *)top)[-1000] = 1;
	CHECK(!kernel_address_readable(top - KSTACK_SIZE - 1));
	CHECK(kstack_is_guard(top - KSTACK_SIZE - 1));
	CHECK(!kstack_is_guard(top - KSTACK_SIZE));
	kstack_free(top);
	CHECK(kstack_alloc() == top); /* kept, not unmapped */
	kstack_free(top);
#ifdef DEBUG
	CHECK(kstack_deepest() >= 8000 && kstack_deepest() < KSTACK_SIZE);
#endif
}

SELFTEST(mem_kernel_stack_that_nobody_used_can_be_freed)
{
	kstack_shrink();
	kstack_free(kstack_alloc());
}

/* MEM4, checked on the tables themselves: all present leaves. */
static unsigned
count_writable_executable(pte_t *table, unsigned level)
{
	unsigned i, n = 0;

	for (i = level == 4 ? PT_ENTRIES / 2 : 0; i < PT_ENTRIES; i++) {
		if (!(table[i] & PTE_P))
			continue;
		if (level > 1 && !(table[i] & PTE_PS))
			n += count_writable_executable(pte_table(table[i]),
						       level - 1);
		else if ((table[i] & PTE_W) && !(table[i] & PTE_NX))
			n++;
	}
	return n;
}

SELFTEST(mem_no_page_is_writable_and_executable)
{
	if (cpu_features.nx)
		CHECK(count_writable_executable(kernel_pml4, 4) == 0);
}

/* In the image and in the direct map, where the same page is shown again. */
SELFTEST(mem_text_and_constants_are_read_only)
{
	pte_t *text = pt_walk(kernel_pml4, (vaddr_t)&page_alloc, false);
	vaddr_t alias = (vaddr_t)direct_map(kernel_phys((void *)&page_alloc));

	CHECK(text != NULL && !(*text & PTE_W));
	text = pt_walk(kernel_pml4, alias, false);
	CHECK(text != NULL && !(*text & PTE_W));
}

extern const uint8_t text_start[], text_end[], rodata_start[], rodata_end[],
	data_start[], data_end[], kernel_start[], kernel_end[];

/* The entry that maps @va, of table *@level; 0: nothing does. */
static pte_t
leaf_of(vaddr_t va, unsigned *level)
{
	pte_t *table = kernel_pml4, entry = 0;

	for (*level = 4; *level > 0; --*level) {
		entry = table[pt_index(va, *level)];
		if (!(entry & PTE_P) || *level == 1 || entry & PTE_PS)
			break;
		table = pte_table(entry);
	}
	return entry & PTE_P ? entry : 0;
}

/* Whether all pages of a part of the image have just these of PTE_W and
 * PTE_NX; and may not be executed, or written if that is not among them, by
 * their address in the direct map. */
static bool
has_rights(const uint8_t *from, const uint8_t *to, pte_t rights)
{
	pte_t mask = PTE_W | pte_nx, entry;
	unsigned level;

	for (; from < to; from += PAGE_SIZE) {
		entry = leaf_of((vaddr_t)from, &level);
		if (!entry && kstack_is_guard((vaddr_t)from))
			continue;
		if (!entry || (entry & mask) != rights)
			return false;
		entry = leaf_of((vaddr_t)direct_map(kernel_phys(from)), &level);
		if ((entry & pte_nx) != pte_nx || entry & ~rights & PTE_W)
			return false;
	}
	return true;
}

SELFTEST(mem_image_has_its_exact_rights)
{
	CHECK(has_rights(text_start, text_end, 0));
	CHECK(has_rights(rodata_start, rodata_end, pte_nx));
	CHECK(has_rights(data_start, data_end, PTE_W | pte_nx));
}

static bool
is_image(paddr_t pa, uint64_t len)
{
	return pa < kernel_phys(kernel_end) &&
	       pa + len > kernel_phys(kernel_start);
}

/* Whether each aligned block of @len bytes of @m that the image is not in is
 * mapped by one entry, of @least or above. */
static bool
mapped_by_blocks(const struct memory_range *m, uint64_t len, unsigned least)
{
	paddr_t pa = ROUND_UP(MAX(m->base, BIT(20)), len);
	unsigned level;

	for (; pa + len <= m->base + m->len; pa += len)
		if (!is_image(pa, len) &&
		    (!leaf_of((vaddr_t)direct_map(pa), &level) ||
		     level < least))
			return false;
	return true;
}

SELFTEST(mem_direct_map_is_of_the_largest_pages)
{
	for (unsigned i = 0; i < boot_info.nmemory; i++) {
		const struct memory_range *m = &boot_info.memory[i];

		if (m->type != MEMORY_USABLE)
			continue;
		CHECK(mapped_by_blocks(m, BIT(21), 2));
		CHECK(!cpu_features.gbpages || mapped_by_blocks(m, BIT(30), 3));
	}
}

/* Three tables are made for the first page, and none for its neighbour. */
SELFTEST(mem_walk_creates_only_when_asked)
{
	pte_t *root = pt_new_root(), *entry;

	CHECK(root != NULL);
	CHECK(root[PT_ENTRIES - 1] == kernel_pml4[PT_ENTRIES - 1]);
	CHECK(pt_walk(root, 0x400000, false) == NULL);
	entry = pt_walk(root, 0x400000, true);
	CHECK(entry != NULL && *entry == 0);
	CHECK(pt_walk(root, 0x400000, false) == entry);
	CHECK(pt_walk(root, 0x401000, false) == entry + 1);
	CHECK(root[0] & PTE_U);
	/* Free the three levels below the root, then it. */
	pt_free_table(pte_table(pte_table(pte_table(root[0])[0])[2]));
	pt_free_table(pte_table(pte_table(root[0])[0]));
	pt_free_table(pte_table(root[0]));
	pt_free_table(root);
}
