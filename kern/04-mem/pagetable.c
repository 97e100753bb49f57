/*
 * Page tables: the kernel's own, with exact rights for each part (MEM4: no
 * page is both writable and executable), and the walk that all chapters use.
 *
 * The direct map covers RAM and nothing else; where it shows the kernel's text
 * and constants again it is read-only too. Device registers are mapped apart,
 * uncached, by mmio_map.
 *
 * Source: Intel SDM vol. 3A, chapter 4.
 */
#include "mem_internal.h"

#define SIZE_2M 0x200000UL
#define SIZE_1G 0x40000000UL
#define LOW_MEMORY 0x100000UL /* BIOS data, the CPUs' start-up code */

extern uint8_t kernel_start[], text_start[], text_end[], rodata_start[],
	rodata_end[], data_start[], data_end[], ksyms_start[], kernel_end[],
	boot_stack_guard[];

pte_t pte_nx;
pte_t *kernel_pml4;
static bool booting = true; /* tables still come from early_alloc */

static pte_t *
new_table(void)
{
	struct page *page;

	if (booting)
		return early_alloc(PAGE_SIZE);
	page = page_alloc(0, PAGE_KERNEL, ALLOC_ZERO);
	return page ? page_address(page) : NULL;
}

void
pt_free_table(pte_t *table)
{
	page_unref(address_to_page(table));
}

/* The entry for va in the table of `level`; tables above are made if `create`.
 * NULL: missing, or a large page is in the way. */
static pte_t *
walk_to(pte_t *table, vaddr_t va, unsigned level, bool create)
{
	pte_t user = va < USER_TOP ? PTE_U : 0;
	unsigned l;

	for (l = 4; l > level; l--) {
		pte_t *entry = &table[pt_index(va, l)];

		if (!(*entry & PTE_P)) {
			pte_t *next = create ? new_table() : NULL;

			if (!next)
				return NULL;
			*entry = kernel_phys(next) | PTE_P | PTE_W | user;
		} else if (*entry & PTE_PS) {
			return NULL;
		}
		table = pte_table(*entry);
	}
	return &table[pt_index(va, level)];
}

pte_t *
pt_walk(pte_t *pml4, vaddr_t va, bool create)
{
	return walk_to(pml4, va, 1, create);
}

pte_t *
pt_new_root(void)
{
	pte_t *root = new_table();
	unsigned i;

	if (root)
		for (i = PT_ENTRIES / 2; i < PT_ENTRIES; i++)
			root[i] = kernel_pml4[i];
	return root;
}

bool
kernel_address_readable(uint64_t va)
{
	pte_t *table = kernel_pml4;
	unsigned l;

	if (va < DIRECT_MAP_BASE)
		return false;
	for (l = 4; l > 0; l--) {
		pte_t entry = table[pt_index(va, l)];

		if (!(entry & PTE_P))
			return false;
		if (l == 1 || (entry & PTE_PS))
			return true;
		table = pte_table(entry);
	}
	return false;
}

/* ---- The kernel's table ---- */

static void
map_page(vaddr_t va, paddr_t pa, pte_t rights)
{
	pte_t *entry = walk_to(kernel_pml4, va, 1, true);

	if (!entry)
		panic("mem: %#lx is mapped twice", va);
	*entry = pa | rights | PTE_P | PTE_G | PTE_A | PTE_D;
}

static void
map_image(const uint8_t *from, const uint8_t *to, pte_t rights)
{
	for (; from < to; from += PAGE_SIZE)
		map_page((vaddr_t)from, kernel_phys(from), rights);
}

static bool
holds_image(paddr_t pa, uint64_t len)
{
	return pa < kernel_phys(kernel_end) &&
	       pa + len > kernel_phys(kernel_start);
}

static bool
is_constant(paddr_t pa)
{
	return pa >= kernel_phys(text_start) && pa < kernel_phys(rodata_end);
}

/* Map [from, to) into the direct map with the largest pages that fit. */
static void
map_direct(paddr_t from, paddr_t to)
{
	paddr_t pa = ROUND_DOWN(from, PAGE_SIZE);
	uint64_t step;

	for (; pa < to; pa += step) {
		vaddr_t va = (vaddr_t)direct_map(pa);
		pte_t *entry, large = PTE_W | PTE_P | PTE_G | PTE_A | PTE_D |
				      PTE_PS | pte_nx;

		if (cpu_features.gbpages && pa % SIZE_1G == 0 &&
		    to - pa >= SIZE_1G && !holds_image(pa, SIZE_1G)) {
			step = SIZE_1G;
			entry = walk_to(kernel_pml4, va, 3, true);
		} else if (pa % SIZE_2M == 0 && to - pa >= SIZE_2M &&
			   !holds_image(pa, SIZE_2M)) {
			step = SIZE_2M;
			entry = walk_to(kernel_pml4, va, 2, true);
		} else {
			step = PAGE_SIZE;
			map_page(va, pa,
				 pte_nx | (is_constant(pa) ? 0 : PTE_W));
			continue;
		}
		if (!entry)
			panic("mem: memory map ranges overlap at %#lx", pa);
		*entry = pa | large;
	}
}

static bool
is_ram(const struct memory_range *m)
{
	return m->type == MEMORY_USABLE || m->type == MEMORY_ACPI;
}

void
pagetable_init(void)
{
	unsigned i;

	pte_nx = cpu_features.nx ? PTE_NX : 0;
	kernel_pml4 = new_table();
	map_image(text_start, text_end, 0);
	map_image(rodata_start, rodata_end, pte_nx);
	map_image(data_start, data_end, PTE_W | pte_nx);
	map_image(ksyms_start, kernel_end, pte_nx);
	*walk_to(kernel_pml4, (vaddr_t)boot_stack_guard, 1, true) = 0;

	map_direct(0, LOW_MEMORY);
	for (i = 0; i < boot_info.nmemory; i++) {
		const struct memory_range *m = &boot_info.memory[i];
		paddr_t end = m->base + m->len;

		if (is_ram(m) && end > LOW_MEMORY)
			map_direct(MAX(m->base, LOW_MEMORY), end);
	}
	/* All address spaces share these; they must exist from the start. */
	walk_to(kernel_pml4, KVMAP_BASE, 3, true);
	write_cr3(kernel_phys(kernel_pml4));
	booting = false;
}
