/*
 * Kernel virtual memory outside the direct map: kernel stacks, each with an
 * unmapped guard page below it, and device registers. Freed stacks are kept
 * mapped and handed out again, until memory is short: a fork needs one, and
 * unmapping it would cost every CPU a TLB flush.
 */
#include "mem_internal.h"

/* The region is split: stacks in its lower half, device registers above.
 * Neither can run out in practice: 8 million stacks, 256 GiB of registers.
 *
 * A slot of virtual memory per stack; the stack is at its upper end, and what
 * is below it (a guard as large as the stack) is never mapped. */
#define SLOT_SIZE   (2 * KSTACK_SIZE)
#define STACKS_SIZE (KVMAP_SIZE / 2)
#define MMIO_BASE   (KVMAP_BASE + STACKS_SIZE)

/* Written to the top of a free stack: it is mapped, and needs no memory else.
 */
struct free_stack {
	struct free_stack *next;
};

/* The lock guards all of this, and the level-1 entries of the region: taken
 * with interrupts off, since a thread that has ended is freed from the timer's
 * tick. */
static struct {
	struct spinlock lock;
	struct free_stack *mapped; /* ready to be used */
	vaddr_t next_slot;
	vaddr_t next_mmio;
	vaddr_t free_slot; /* unmapped slots, to be used again; see pop_slot */
	uint64_t deepest;  /* use of a stack, in bytes */
} kvmap = {
	.lock = SPINLOCK("kvmap"),
	.next_slot = KVMAP_BASE,
	.next_mmio = MMIO_BASE,
};

/* Right while one CPU runs; chapter smp replaces it. */
static void
flush_here(vaddr_t va, size_t len)
{
	for (; len > 0; va += PAGE_SIZE, len -= PAGE_SIZE)
		invlpg(va);
}

void (*kernel_tlb_flush)(vaddr_t va, size_t len) = flush_here;

/* Not-present entries are free for software: the first entry of an unmapped
 * slot links to the next free slot. The lock is held. */
static vaddr_t
pop_slot(void)
{
	vaddr_t slot = kvmap.free_slot;

	if (slot) {
		pte_t *entry = pt_walk(kernel_pml4, slot, false);

		kvmap.free_slot = *entry & ~PTE_P;
		*entry = 0;
	} else if (kvmap.next_slot < KVMAP_BASE + STACKS_SIZE) {
		slot = kvmap.next_slot;
		kvmap.next_slot += SLOT_SIZE;
	}
	return slot;
}

/* Bit 0 of a slot's address is 0, so the link is an entry that is not present.
 */
static void
push_slot(vaddr_t slot)
{
	*pt_walk(kernel_pml4, slot, false) = kvmap.free_slot;
	kvmap.free_slot = slot;
}

/* For a stack that nobody has used: no TLB knows of its pages. */
static void
unmap_pages(vaddr_t va, size_t len)
{
	for (; len > 0; va += PAGE_SIZE, len -= PAGE_SIZE) {
		pte_t *entry = pt_walk(kernel_pml4, va, false);

		if (entry && (*entry & PTE_P)) {
			page_unref(phys_to_page(*entry & PTE_ADDR));
			*entry = 0;
		}
	}
}

/* Fill the upper half of a slot with pages; nothing is mapped if that fails.
 * ALLOC_NOWAIT: the lock is held. The entries were not present before, and the
 * processor caches no such entry, so nothing need be flushed (SDM vol. 3A,
 * 4.10.2.3). */
static bool
map_stack(vaddr_t slot)
{
	vaddr_t va;

	/* The slot's first entry must exist for push_slot. */
	if (!pt_walk(kernel_pml4, slot, true))
		return false;
	for (va = slot + SLOT_SIZE - KSTACK_SIZE; va < slot + SLOT_SIZE;
	     va += PAGE_SIZE) {
		struct page *page = page_alloc(0, PAGE_KERNEL, ALLOC_NOWAIT);
		pte_t *entry = page ? pt_walk(kernel_pml4, va, true) : NULL;

		if (!entry) {
			if (page)
				page_unref(page);
			unmap_pages(slot, SLOT_SIZE);
			return false;
		}
		*entry = page_to_phys(page) | PTE_P | PTE_W | PTE_G | PTE_A |
			 PTE_D | pte_nx;
	}
	return true;
}

/* A kept stack if there is one; else a slot is mapped. The slot goes back if
 * that fails, if it has got the table that its link needs. */
uint64_t
kstack_alloc(void)
{
	uint64_t rflags = spin_lock_irqsave(&kvmap.lock);
	struct free_stack *s = kvmap.mapped;
	uint64_t top = 0;
	vaddr_t slot;

	if (s) {
		kvmap.mapped = s->next;
		top = (uint64_t)(s + 1);
	} else if ((slot = pop_slot())) {
		if (map_stack(slot))
			top = slot + SLOT_SIZE;
		else if (pt_walk(kernel_pml4, slot, false))
			push_slot(slot);
	}
	spin_unlock_irqrestore(&kvmap.lock, rflags);
	return top;
}

/* Unmap a stack for good; every CPU forgets it before its pages are reused. */
static void
kstack_unmap(uint64_t top)
{
	vaddr_t va = top - KSTACK_SIZE;
	paddr_t pages[KSTACK_SIZE / PAGE_SIZE];
	unsigned i;
	uint64_t rflags;

	for (i = 0; i < KSTACK_SIZE / PAGE_SIZE; i++) {
		pte_t *entry = pt_walk(kernel_pml4, va + i * PAGE_SIZE, false);

		pages[i] = *entry & PTE_ADDR;
		*entry = 0;
	}
	kernel_tlb_flush(va, KSTACK_SIZE);
	for (i = 0; i < KSTACK_SIZE / PAGE_SIZE; i++)
		page_unref(phys_to_page(pages[i]));
	rflags = spin_lock_irqsave(&kvmap.lock);
	push_slot(top - SLOT_SIZE);
	spin_unlock_irqrestore(&kvmap.lock, rflags);
}

/* What is not poison any more has been used: by this thread, or by one that had
 * the stack before. The lock is held. */
static void
note_depth(uint64_t top)
{
#ifdef DEBUG
	const uint64_t *word = (const uint64_t *)(top - KSTACK_SIZE);

	while ((uint64_t)word < top && *word == PAGE_POISON)
		word++;
	kvmap.deepest = MAX(kvmap.deepest, top - (uint64_t)word);
#else
	(void)top;
#endif
}

uint64_t
kstack_deepest(void)
{
	return kvmap.deepest;
}

/* Kept: to unmap it all CPUs must be asked, for which interrupts must be on and
 * no lock be held, as they are where memory is short (kstack_shrink). */
void
kstack_free(uint64_t top)
{
	struct free_stack *s = (struct free_stack *)top - 1;
	uint64_t rflags = spin_lock_irqsave(&kvmap.lock);

	note_depth(top);
	s->next = kvmap.mapped;
	kvmap.mapped = s;
	spin_unlock_irqrestore(&kvmap.lock, rflags);
}

uint64_t
kstack_shrink(void)
{
	uint64_t rflags, freed = 0;
	struct free_stack *s;

	for (;;) {
		rflags = spin_lock_irqsave(&kvmap.lock);
		s = kvmap.mapped;
		if (s)
			kvmap.mapped = s->next;
		spin_unlock_irqrestore(&kvmap.lock, rflags);
		if (!s)
			return freed;
		kstack_unmap((uint64_t)(s + 1));
		freed += KSTACK_SIZE / PAGE_SIZE;
	}
}

bool
kstack_is_guard(uint64_t va)
{
	extern uint8_t boot_stack_guard[];

	if (va >= KVMAP_BASE && va < KVMAP_BASE + STACKS_SIZE)
		return (va - KVMAP_BASE) % SLOT_SIZE < SLOT_SIZE - KSTACK_SIZE;
	return va >= (uint64_t)boot_stack_guard &&
	       va < (uint64_t)boot_stack_guard + PAGE_SIZE;
}

/* Device memory is not RAM: it has no struct page, and the direct map leaves it
 * out, so that nothing reads it ahead. A driver maps once, at its start. */
volatile void *
mmio_map(paddr_t pa, size_t len)
{
	paddr_t from = ROUND_DOWN(pa, PAGE_SIZE);
	size_t size = ROUND_UP(pa + len, PAGE_SIZE) - from, at;
	uint64_t rflags = spin_lock_irqsave(&kvmap.lock);
	vaddr_t va = kvmap.next_mmio;

	if (size > KVMAP_BASE + KVMAP_SIZE - va)
		panic("mem: no room to map %zu bytes of device memory", len);
	kvmap.next_mmio += size;
	for (at = 0; at < size; at += PAGE_SIZE) {
		pte_t *entry = pt_walk(kernel_pml4, va + at, true);

		if (!entry)
			panic("mem: no page for a page table");
		*entry = (from + at) | PTE_P | PTE_W | PTE_G | PTE_UNCACHED |
			 PTE_A | PTE_D | pte_nx;
	}
	spin_unlock_irqrestore(&kvmap.lock, rflags);
	return (volatile void *)(va + (pa - from));
}
