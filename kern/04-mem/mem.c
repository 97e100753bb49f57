/*
 * Initialisation of memory: from the loader's map to the page allocator. What
 * must exist before it (the page array, the kernel's page tables) is cut from
 * the largest usable range, which the boot page tables already reach.
 */
#include "mem_internal.h"
#include "string.h"

#define BOOT_MAP_END   0x100000000UL /* the boot tables map 4 GiB */
#define LOW_MEMORY     0x100000UL    /* left to the BIOS and to chapter smp */
#define PHYS_MAX       0x400000000000UL /* 64 TiB: half of the direct map */
#define HEAP_DIVISOR   32UL /* default share of the heap: RAM / 32 ... */
#define HEAP_PAGES_MIN 256UL

extern uint8_t kernel_start[], kernel_end[];

static paddr_t early_next, early_end;

static bool
usable(const struct memory_range *m)
{
	return m->type == MEMORY_USABLE && m->base + m->len <= PHYS_MAX;
}

/* The largest usable range below 4 GiB and above the kernel. */
static void
early_init(void)
{
	paddr_t floor = ROUND_UP(kernel_phys(kernel_end), PAGE_SIZE);
	unsigned i;

	for (i = 0; i < boot_info.nmemory; i++) {
		const struct memory_range *m = &boot_info.memory[i];
		paddr_t from = MAX(ROUND_UP(m->base, PAGE_SIZE), floor);
		paddr_t to = MIN(m->base + m->len, BOOT_MAP_END);

		if (usable(m) && to > from &&
		    to - from > early_end - early_next) {
			early_next = from;
			early_end = to;
		}
	}
}

void *
early_alloc(size_t len)
{
	void *p = direct_map(early_next);

	len = ROUND_UP(len, PAGE_SIZE);
	if (len > early_end - early_next)
		panic("mem: not enough memory to start: %zu bytes wanted", len);
	early_next += len;
	return memset(p, 0, len);
}

static paddr_t
highest_address(void)
{
	paddr_t top = 0;
	unsigned i;

	for (i = 0; i < boot_info.nmemory; i++) {
		const struct memory_range *m = &boot_info.memory[i];

		if (usable(m))
			top = MAX(top, m->base + m->len);
	}
	return top;
}

/* Free what is usable, but for the image and what early_alloc gave away. */
static void
release_memory(paddr_t early_start)
{
	paddr_t image = kernel_phys(kernel_start);
	paddr_t image_end = ROUND_UP(kernel_phys(kernel_end), PAGE_SIZE);
	unsigned i;

	for (i = 0; i < boot_info.nmemory; i++) {
		const struct memory_range *m = &boot_info.memory[i];
		paddr_t from = MAX(m->base, LOW_MEMORY);
		paddr_t to = m->base + m->len;

		if (!usable(m) || to <= from)
			continue;
		/* Cut out two holes, in order of address. */
		if (image < to && image_end > from) {
			page_release_range(from, MAX(from, image));
			from = image_end;
		}
		if (early_start < to && early_next > from) {
			page_release_range(from, early_start);
			from = early_next;
		}
		if (from < to)
			page_release_range(from, to);
	}
}

static void
mem_init(void)
{
	paddr_t top = highest_address(), early_start;
	struct mem_stats stats;
	struct page *array;
	uint64_t heap;

	early_init();
	early_start = early_next;
	array = early_alloc((top >> PAGE_SHIFT) * sizeof(struct page));
	pagetable_init();
	page_init(array, top >> PAGE_SHIFT);
	release_memory(early_start);

	mem_stats_get(&stats);
	heap = MAX(stats.total / HEAP_DIVISOR, HEAP_PAGES_MIN);
	heap = command_line_number("heap", heap * PAGE_SIZE / 1024) * 1024 /
	       PAGE_SIZE;
	page_set_heap_share(MIN(heap, stats.total / 2));
	slab_init();
	panic_ops.readable = kernel_address_readable;
	mem_stats_get(&stats);
	kprintf("mem: %lu MiB free, heap at most %lu KiB\n",
		stats.free * PAGE_SIZE >> 20,
		stats.heap_max * PAGE_SIZE >> 10);
}

CHAPTER_INIT(mem_init);
