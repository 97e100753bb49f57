/*
 * Self-tests of chapter mmap: its calls are made as a program makes them, by
 * their numbers, from a thread with an address space of its own.
 */
#include "mmap_internal.h"
#include "test_vm.h"

#define PROT_RW (PROT_READ | PROT_WRITE)

/* A system call of this chapter; the heap is reserved by test_vm_enter. */
static int64_t
call(unsigned nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e)
{
	return syscall_lookup(nr)->fn(a, b, c, d, e, 0);
}

/* ---- mmap, munmap, mprotect ---- */

SELFTEST(mmap_checks_its_arguments)
{
	uint64_t private = MAP_PRIVATE | MAP_ANONYMOUS;

	CHECK(test_vm_enter());
	CHECK_VM(call(NR_mmap, 0, 0, PROT_READ, private, -1) == -EINVAL);
	CHECK_VM(call(NR_mmap, 0, 1, PROT_READ, MAP_ANONYMOUS, -1) == -EINVAL);
	CHECK_VM(call(NR_mmap, 0, -1UL, PROT_READ, private, -1) == -ENOMEM);
	CHECK_VM(call(NR_mprotect, BASE + 1, 1, PROT_READ, 0, 0) == -EINVAL);
	CHECK_VM(call(NR_mprotect, BASE, 1, PROT_READ, 0, 0) == -ENOMEM);
	CHECK_VM(call(NR_munmap, BASE + 1, 1, 0, 0, 0) == -EINVAL);
	CHECK_VM(test_vm->nmappings == 0);
	test_vm_leave();
}

SELFTEST(mmap_populates_where_asked)
{
	int64_t at;

	CHECK(test_vm_enter());
	at = call(NR_mmap, 0, 3 * PAGE_SIZE, PROT_RW,
		  MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1);
	CHECK_VM(at > 0 && test_vm->resident == 3);
	CHECK_VM(call(NR_munmap, at, 3 * PAGE_SIZE, 0, 0, 0) == 0);
	CHECK_VM(test_vm->resident == 0 && test_vm->nmappings == 0);
	test_vm_leave();
}

SELFTEST(mmap_shared_memory_is_shared_across_fork)
{
	struct vmspace *child, *parent;
	struct vnode *object;
	int seen;

	CHECK(test_vm_enter());
	CHECK_VM(shared_object_new(2 * PAGE_SIZE, &object) == 0);
	CHECK_VM(vm_map(test_vm, BASE, 2 * PAGE_SIZE, PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_FIXED, object, 0,
			true) == (int64_t)BASE);
	vnode_put(object);
	CHECK_VM(test_poke(BASE, 5) == 0);
	child = vmspace_fork(test_vm);
	CHECK_VM(child);
	parent = vmspace_switch(child);
	seen = test_peek(BASE);
	test_poke(BASE + PAGE_SIZE, 6);
	vmspace_put(vmspace_switch(parent));
	CHECK_VM(seen == 5 && test_peek(BASE + PAGE_SIZE) == 6);
	test_vm_leave();
}

/* ---- brk ---- */

SELFTEST(mmap_brk_grows_and_shrinks)
{
	CHECK(test_vm_enter());
	test_vm->brk_start = test_vm->brk = BASE;
	CHECK_VM(mmap_set_brk(test_vm, 0, UINT64_MAX) == BASE);
	CHECK_VM(mmap_set_brk(test_vm, BASE + 10000, UINT64_MAX) ==
		 BASE + 10000);
	CHECK_VM(test_poke(BASE + 10000, 7) == 0);
	CHECK_VM(mmap_set_brk(test_vm, BASE + 100, UINT64_MAX) == BASE + 100);
	CHECK_VM(test_peek(BASE + PAGE_SIZE) == -EFAULT);
	CHECK_VM(mmap_set_brk(test_vm, BASE + 10000, UINT64_MAX) ==
		 BASE + 10000);
	CHECK_VM(test_peek(BASE + 10000 - 1) == 0);
	CHECK_VM(mmap_set_brk(test_vm, BASE + 20000, 15000) == BASE + 10000);
	CHECK_VM(mmap_set_brk(test_vm, BASE - 1, UINT64_MAX) == BASE + 10000);
	test_map_rw(BASE + 10 * PAGE_SIZE, 1);
	CHECK_VM(mmap_set_brk(test_vm, BASE + 0x100000, UINT64_MAX) ==
		 BASE + 10000);
	test_vm_leave();
}

/* ---- mremap ---- */

SELFTEST(mmap_remap_moves_pages_with_their_contents)
{
	int64_t at;

	CHECK(test_vm_enter());
	test_map_rw(BASE, 2);
	test_map(BASE + 2 * PAGE_SIZE, 1, PROT_READ, MAP_PRIVATE | MAP_FIXED);
	test_poke(BASE + PAGE_SIZE, 7);
	/* Its neighbour is in the way. */
	CHECK_VM(call(NR_mremap, BASE, 2 * PAGE_SIZE, 4 * PAGE_SIZE, 0, 0) ==
		 -ENOMEM);
	at = call(NR_mremap, BASE, 2 * PAGE_SIZE, 4 * PAGE_SIZE, MREMAP_MAYMOVE,
		  0);
	CHECK_VM(at > 0 && at != (int64_t)BASE);
	CHECK_VM(test_peek(at + PAGE_SIZE) == 7 && test_vm->resident == 1);
	CHECK_VM(test_poke(at + 3 * PAGE_SIZE, 8) == 0);
	CHECK_VM(test_peek(BASE + PAGE_SIZE) == -EFAULT);
	CHECK_VM(test_tree_is_sound());
	test_vm_leave();
}

SELFTEST(mmap_remap_grows_and_shrinks_in_place)
{
	CHECK(test_vm_enter());
	test_map_rw(BASE, 2);
	test_poke(BASE + PAGE_SIZE, 7);
	CHECK_VM(call(NR_mremap, BASE, 2 * PAGE_SIZE, 3 * PAGE_SIZE, 0, 0) ==
		 (int64_t)BASE);
	CHECK_VM(test_peek(BASE + PAGE_SIZE) == 7);
	CHECK_VM(test_poke(BASE + 2 * PAGE_SIZE, 8) == 0);
	CHECK_VM(call(NR_mremap, BASE, 3 * PAGE_SIZE, PAGE_SIZE, 0, 0) ==
		 (int64_t)BASE);
	CHECK_VM(test_peek(BASE + PAGE_SIZE) == -EFAULT);
	CHECK_VM(test_vm->nmappings == 1 && test_vm->mapped_pages == 1);
	test_vm_leave();
}

/* ---- madvise, mincore, mlock ---- */

SELFTEST(mmap_pages_not_needed_are_zeros_again)
{
	CHECK(test_vm_enter());
	test_map_rw(BASE, 3);
	for (unsigned i = 0; i < 3; i++)
		test_poke(BASE + i * PAGE_SIZE, 9);
	CHECK_VM(call(NR_madvise, BASE + PAGE_SIZE, PAGE_SIZE, MADV_DONTNEED, 0,
		      0) == 0);
	CHECK_VM(test_vm->resident == 2 && test_peek(BASE + PAGE_SIZE) == 0);
	CHECK_VM(test_peek(BASE) == 9 && test_peek(BASE + 2 * PAGE_SIZE) == 9);
	CHECK_VM(call(NR_madvise, BASE, 4 * PAGE_SIZE, MADV_DONTNEED, 0, 0) ==
		 -ENOMEM);
	CHECK_VM(test_vm->resident == 0);
	test_vm_leave();
}

SELFTEST(mmap_fork_advice_splits_and_merges)
{
	CHECK(test_vm_enter());
	test_map_rw(BASE, 3);
	CHECK_VM(call(NR_madvise, BASE + PAGE_SIZE, PAGE_SIZE, MADV_DONTFORK, 0,
		      0) == 0);
	CHECK_VM(test_vm->nmappings == 3);
	CHECK_VM(vm_find(test_vm, BASE + PAGE_SIZE)->dont_fork);
	CHECK_VM(call(NR_madvise, BASE, 3 * PAGE_SIZE, MADV_DOFORK, 0, 0) == 0);
	CHECK_VM(test_vm->nmappings == 1 && test_tree_is_sound());
	test_vm_leave();
}

SELFTEST(mmap_lock_brings_pages_in)
{
	vaddr_t vec = BASE + 8 * PAGE_SIZE;

	CHECK(test_vm_enter());
	test_map_rw(BASE, 4);
	test_map_rw(vec, 1);
	CHECK_VM(call(NR_mlock, BASE + PAGE_SIZE, 1, 0, 0, 0) == 0);
	CHECK_VM(call(NR_mincore, BASE, 4 * PAGE_SIZE, vec, 0, 0) == 0);
	CHECK_VM(test_peek(vec) == 0 && test_peek(vec + 1) == 1 &&
		 test_peek(vec + 2) == 0);
	CHECK_VM(call(NR_mincore, BASE, 5 * PAGE_SIZE, vec, 0, 0) == -ENOMEM);
	CHECK_VM(call(NR_mlock, BASE, 5 * PAGE_SIZE, 0, 0, 0) == -ENOMEM);
	test_vm_leave();
}
