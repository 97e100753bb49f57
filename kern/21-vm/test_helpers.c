/*
 * Helpers of the self-tests: see test_vm.h.
 */
#include "test_vm.h"

struct vmspace *test_vm;
static struct vmspace *before;

bool
test_vm_enter(void)
{
	heap_begin(HEAP_BOUND(selftest));
	test_vm = vmspace_new();
	if (!test_vm) {
		heap_end();
		return false;
	}
	before = vmspace_switch(test_vm);
	return true;
}

void
test_vm_leave(void)
{
	vmspace_put(vmspace_switch(before));
	heap_end();
}

int64_t
test_map(vaddr_t at, size_t pages, uint32_t prot, uint32_t flags)
{
	return vm_map(test_vm, at, pages * PAGE_SIZE, prot, flags, NULL, 0,
		      true);
}

int64_t
test_map_rw(vaddr_t at, size_t pages)
{
	return test_map(at, pages, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_FIXED);
}

int
test_peek(vaddr_t va)
{
	uint8_t byte;

	return copyin(&byte, (void *)va, 1) ? -EFAULT : byte;
}

int
test_poke(vaddr_t va, uint8_t byte)
{
	return copyout((void *)va, &byte, 1);
}

bool
test_tree_is_sound(void)
{
	struct mapping *m, *prev = NULL;
	uint64_t pages = 0;
	unsigned n = 0;

	if (rb_check(&test_vm->mappings) < 0)
		return false;
	for (m = map_ceil(test_vm, 0); m; prev = m, m = map_next(m), n++) {
		if (m->start >= m->end || m->start % PAGE_SIZE ||
		    m->end % PAGE_SIZE || m->end > USER_TOP ||
		    (prev && prev->end > m->start))
			return false;
		pages += (m->end - m->start) / PAGE_SIZE;
	}
	return n == test_vm->nmappings && pages == test_vm->mapped_pages;
}
