/*
 * Self-tests of chapter vm. Each makes an address space, gives it to the test's
 * thread, and touches it as system calls do, through the user copies.
 */
#include "string.h"
#include "test_vm.h"

/* ---- Zero-fill ---- */

SELFTEST(vm_untouched_memory_reads_as_zeros)
{
	CHECK(test_vm_enter());
	CHECK_VM(test_map_rw(BASE, 4) == (int64_t)BASE);
	CHECK_VM(test_vm->resident == 0);
	CHECK_VM(test_peek(BASE) == 0 &&
		 test_peek(BASE + 3 * PAGE_SIZE + 17) == 0);
	CHECK_VM(test_vm->resident == 0); /* the page of zeros is no one's */
	test_vm_leave();
}

SELFTEST(vm_written_memory_keeps_what_was_written)
{
	CHECK(test_vm_enter());
	test_map_rw(BASE, 4);
	CHECK_VM(test_peek(BASE + 5) == 0);
	CHECK_VM(test_poke(BASE + 5, 42) == 0);
	CHECK_VM(test_poke(BASE + PAGE_SIZE, 43) == 0);
	CHECK_VM(test_peek(BASE + 5) == 42 &&
		 test_peek(BASE + PAGE_SIZE) == 43);
	CHECK_VM(test_peek(BASE + 6) == 0);
	CHECK_VM(test_vm->resident == 2);
	test_vm_leave();
}

SELFTEST(vm_unmapped_addresses_fault)
{
	CHECK(test_vm_enter());
	test_map_rw(BASE, 1);
	CHECK_VM(test_peek(BASE - 1) == -EFAULT);
	CHECK_VM(test_peek(BASE + PAGE_SIZE) == -EFAULT);
	CHECK_VM(test_poke(0, 1) == -EFAULT);
	test_vm_leave();
}

/* Use pages and tables, give them up. @return pages free after that */
static uint64_t
use_and_leave(void)
{
	struct mem_stats stats;

	if (!test_vm_enter())
		return 0;
	test_map_rw(BASE, 100);
	test_map_rw(BASE + TABLE_SPAN * 600, 1);
	for (unsigned i = 0; i < 100; i++)
		test_poke(BASE + i * PAGE_SIZE, i);
	test_poke(BASE + TABLE_SPAN * 600, 1);
	test_vm_leave();
	rcu_synchronize();
	heap_shrink();
	mem_stats_get(&stats);
	return stats.free;
}

SELFTEST(vm_pages_and_tables_all_come_back)
{
	uint64_t first = use_and_leave(), later = 0;

	for (unsigned i = 0; i < 20; i++)
		later = use_and_leave();
	/* Other CPUs may keep a few tables each. */
	CHECK(first > 0 && later + 64 >= first);
}

/* ---- Mapping ---- */

SELFTEST(vm_map_finds_room_from_the_top_down)
{
	int64_t a, b, c;

	CHECK(test_vm_enter());
	a = test_map(0, 4, PROT_READ, MAP_PRIVATE);
	b = test_map(0, 2, PROT_NONE, MAP_PRIVATE);
	CHECK_VM(a > 0 && b == a - 2 * (int64_t)PAGE_SIZE);
	CHECK_VM(vm_unmap(test_vm, a, 4 * PAGE_SIZE) == 0);
	c = test_map(0, 3, PROT_READ, MAP_PRIVATE);
	CHECK_VM(c == a + (int64_t)PAGE_SIZE);
	CHECK_VM(test_map(0, USER_TOP / PAGE_SIZE, PROT_NONE, MAP_PRIVATE) ==
		 -ENOMEM);
	CHECK_VM(test_tree_is_sound());
	test_vm_leave();
}

SELFTEST(vm_map_honours_hints_and_fixed_addresses)
{
	CHECK(test_vm_enter());
	CHECK_VM(test_map(BASE + 1, 1, PROT_READ, MAP_PRIVATE) ==
		 (int64_t)(BASE + PAGE_SIZE));
	CHECK_VM(test_map(BASE + PAGE_SIZE, 1, PROT_READ, MAP_PRIVATE) !=
		 (int64_t)(BASE + PAGE_SIZE));
	CHECK_VM(test_map(BASE + 1, 1, PROT_READ, MAP_PRIVATE | MAP_FIXED) ==
		 -EINVAL);
	CHECK_VM(test_map(0, 1, PROT_READ, MAP_PRIVATE | MAP_FIXED) == -EPERM);
	CHECK_VM(test_map(USER_TOP, 1, PROT_READ, MAP_PRIVATE | MAP_FIXED) ==
		 -ENOMEM);
	CHECK_VM(test_map(BASE, 3, PROT_READ,
			  MAP_PRIVATE | MAP_FIXED_NOREPLACE) == -EEXIST);
	test_vm_leave();
}

SELFTEST(vm_neighbours_that_are_alike_merge)
{
	CHECK(test_vm_enter());
	test_map_rw(BASE, 2);
	test_map_rw(BASE + 4 * PAGE_SIZE, 2);
	CHECK_VM(test_vm->nmappings == 2);
	test_map_rw(BASE + 2 * PAGE_SIZE, 2);
	CHECK_VM(test_vm->nmappings == 1 && test_vm->mapped_pages == 6);
	test_map(BASE + 6 * PAGE_SIZE, 1, PROT_READ, MAP_PRIVATE | MAP_FIXED);
	CHECK_VM(test_vm->nmappings == 2);
	CHECK_VM(test_tree_is_sound());
	test_vm_leave();
}

SELFTEST(vm_unmap_splits_and_keeps_the_rest)
{
	CHECK(test_vm_enter());
	test_map_rw(BASE, 5);
	for (unsigned i = 0; i < 5; i++)
		test_poke(BASE + i * PAGE_SIZE, 10 + i);
	CHECK_VM(vm_unmap(test_vm, BASE + PAGE_SIZE, 2 * PAGE_SIZE) == 0);
	CHECK_VM(test_vm->nmappings == 2 && test_vm->resident == 3);
	CHECK_VM(test_peek(BASE) == 10 &&
		 test_peek(BASE + 3 * PAGE_SIZE) == 13);
	CHECK_VM(test_peek(BASE + PAGE_SIZE) == -EFAULT);
	CHECK_VM(vm_unmap(test_vm, BASE + 3, PAGE_SIZE) == -EINVAL);
	CHECK_VM(vm_unmap(test_vm, BASE, 0) == -EINVAL);
	CHECK_VM(vm_unmap(test_vm, BASE, 1000 * PAGE_SIZE) == 0);
	CHECK_VM(test_vm->nmappings == 0 && test_vm->resident == 0);
	test_vm_leave();
}

SELFTEST(vm_fixed_mapping_replaces_what_is_there)
{
	CHECK(test_vm_enter());
	test_map_rw(BASE, 3);
	test_poke(BASE + PAGE_SIZE, 1);
	test_map_rw(BASE + PAGE_SIZE, 1);
	CHECK_VM(test_peek(BASE + PAGE_SIZE) == 0);
	CHECK_VM(test_tree_is_sound());
	test_vm_leave();
}

/* Random maps, unmaps and protections against a model of one byte a page. */
SELFTEST(vm_random_operations_agree_with_a_model)
{
	enum { PAGES = 48 };
	uint8_t model[PAGES] = { 0 }; /* 0: nothing; else prot + 1 */
	uint64_t seed = 12345;
	bool ok = true;

	CHECK(test_vm_enter());
	for (unsigned round = 0; round < 400 && ok; round++) {
		unsigned at, n, op;
		uint32_t prot;

		seed = seed * 6364136223846793005 + 1442695040888963407;
		at = seed >> 33 & 31;
		n = (seed >> 40 & 15) + 1;
		op = seed >> 50 & 3;
		prot = seed >> 55 & 3;
		if (op == 0) {
			vm_unmap(test_vm, BASE + at * PAGE_SIZE, n * PAGE_SIZE);
			memset(model + at, 0, n);
		} else if (op == 1) {
			bool whole = !memchr(model + at, 0, n);

			ok = (vm_protect(test_vm, BASE + at * PAGE_SIZE,
					 n * PAGE_SIZE, prot) == 0) == whole;
			for (unsigned i = at; i < at + n && model[i]; i++)
				model[i] = prot + 1;
		} else {
			test_map(BASE + at * PAGE_SIZE, n, prot,
				 MAP_PRIVATE | MAP_FIXED);
			memset(model + at, prot + 1, n);
		}
		for (unsigned i = 0; i < PAGES && ok; i++) {
			vaddr_t va = BASE + i * PAGE_SIZE;
			bool w = model[i] && (model[i] - 1) & PROT_WRITE;
			bool r = model[i] > 1;

			ok = (test_peek(va) >= 0) == r &&
			     (test_poke(va, 1) == 0) == w;
		}
		ok = ok && test_tree_is_sound();
	}
	CHECK_VM(ok);
	test_vm_leave();
}

/* ---- Rights ---- */

SELFTEST(vm_protect_takes_and_gives_rights)
{
	CHECK(test_vm_enter());
	test_map_rw(BASE, 3);
	test_poke(BASE + PAGE_SIZE, 7);
	CHECK_VM(vm_protect(test_vm, BASE + PAGE_SIZE, PAGE_SIZE, PROT_READ) ==
		 0);
	CHECK_VM(test_vm->nmappings == 3);
	CHECK_VM(test_poke(BASE + PAGE_SIZE, 8) == -EFAULT);
	CHECK_VM(test_peek(BASE + PAGE_SIZE) == 7);
	CHECK_VM(vm_protect(test_vm, BASE + PAGE_SIZE, PAGE_SIZE, PROT_NONE) ==
		 0);
	CHECK_VM(test_peek(BASE + PAGE_SIZE) == -EFAULT);
	CHECK_VM(vm_protect(test_vm, BASE + PAGE_SIZE, PAGE_SIZE,
			    PROT_READ | PROT_WRITE) == 0);
	CHECK_VM(test_vm->nmappings == 1);
	CHECK_VM(test_peek(BASE + PAGE_SIZE) == 7);
	CHECK_VM(test_poke(BASE + PAGE_SIZE, 9) == 0);
	CHECK_VM(vm_protect(test_vm, BASE, 4 * PAGE_SIZE, PROT_READ) ==
		 -ENOMEM);
	test_vm_leave();
}

SELFTEST(vm_fault_tells_what_is_wrong)
{
	CHECK(test_vm_enter());
	test_map(BASE, 1, PROT_READ, MAP_PRIVATE | MAP_FIXED);
	CHECK_VM(vm_fault(test_vm, BASE, VM_FAULT_WRITE) == -EACCES);
	CHECK_VM(vm_fault(test_vm, BASE, VM_FAULT_FETCH) == -EACCES);
	CHECK_VM(vm_fault(test_vm, BASE, 0) == 0);
	CHECK_VM(vm_fault(test_vm, BASE + PAGE_SIZE, 0) == -EFAULT);
	test_vm_leave();
}

/* ---- Fork ---- */

SELFTEST(vm_fork_copies_on_write)
{
	struct vmspace *child, *parent;
	int seen_child, seen_parent;

	CHECK(test_vm_enter());
	test_map_rw(BASE, 2);
	test_poke(BASE, 1);
	test_poke(BASE + PAGE_SIZE, 2);
	child = vmspace_fork(test_vm);
	CHECK_VM(child);
	CHECK_VM(child->resident == 2 && child->mapped_pages == 2);
	test_poke(BASE, 3); /* the parent's */
	parent = vmspace_switch(child);
	seen_child = test_peek(BASE);
	test_poke(BASE + PAGE_SIZE, 4); /* the child's */
	vmspace_put(vmspace_switch(parent));
	seen_parent = test_peek(BASE + PAGE_SIZE);
	CHECK_VM(seen_child == 1 && seen_parent == 2 && test_peek(BASE) == 3);
	test_vm_leave();
}

SELFTEST(vm_sole_owner_writes_without_a_copy)
{
	struct vmspace *child;
	pte_t *pte, old;

	CHECK(test_vm_enter());
	test_map_rw(BASE, 1);
	test_poke(BASE, 1);
	pte = pmap_find(test_vm->pml4, BASE);
	old = *pte;
	child = vmspace_fork(test_vm);
	CHECK_VM(child && !(*pte & PTE_W));
	vmspace_put(child);
	CHECK_VM(test_poke(BASE, 2) == 0);
	CHECK_VM((*pte & PTE_ADDR) == (old & PTE_ADDR) && *pte & PTE_W);
	test_vm_leave();
}

SELFTEST(vm_fork_advice_is_kept)
{
	struct vmspace *child, *parent;
	struct mapping *m;
	int kept, wiped, left_out;

	CHECK(test_vm_enter());
	test_map_rw(BASE, 1);
	test_map(BASE + 2 * PAGE_SIZE, 1, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_FIXED);
	test_map_rw(BASE + 4 * PAGE_SIZE, 1);
	for (unsigned i = 0; i < 3; i++)
		test_poke(BASE + 2 * i * PAGE_SIZE, 9);
	m = vm_find(test_vm, BASE + 2 * PAGE_SIZE);
	m->wipe_on_fork = true;
	m = vm_find(test_vm, BASE + 4 * PAGE_SIZE);
	m->dont_fork = true;
	child = vmspace_fork(test_vm);
	CHECK_VM(child);
	parent = vmspace_switch(child);
	kept = test_peek(BASE);
	wiped = test_peek(BASE + 2 * PAGE_SIZE);
	left_out = test_peek(BASE + 4 * PAGE_SIZE);
	vmspace_put(vmspace_switch(parent));
	CHECK_VM(kept == 9 && wiped == 0 && left_out == -EFAULT);
	test_vm_leave();
}

/* ---- Stack ---- */

SELFTEST(vm_stack_grows_down_to_its_guard_gap)
{
	vaddr_t top = BASE + 0x1000000;

	CHECK(test_vm_enter());
	test_map_rw(BASE, 1);
	test_map(top - PAGE_SIZE, 1, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_FIXED | MAP_GROWSDOWN);
	CHECK_VM(test_poke(top - 1, 1) == 0);
	CHECK_VM(test_poke(top - 100 * PAGE_SIZE, 2) == 0);
	CHECK_VM(vm_find(test_vm, top - 1)->start == top - 100 * PAGE_SIZE);
	CHECK_VM(test_poke(BASE + PAGE_SIZE + STACK_GUARD, 3) == 0);
	CHECK_VM(test_poke(BASE + STACK_GUARD, 4) == -EFAULT);
	CHECK_VM(test_tree_is_sound());
	test_vm_leave();
}

/* ---- Files ---- */

static struct file *
make_file(const char *text, uint64_t size)
{
	struct file *f;
	struct iovec iov;
	struct uio u;
	uint64_t pos = 0;
	struct vattr attr = { .valid = VATTR_SIZE, .size = size };

	if (file_open(AT_FDCWD, "/vm-test", O_RDWR | O_CREAT | O_TRUNC, 0600,
		      &f))
		return NULL;
	u = uio_kernel(&iov, (void *)text, strlen(text));
	file_write(f, &u, &pos);
	rwlock_write_lock(&f->vnode->lock);
	f->vnode->ops->setattr(f->vnode, &attr);
	rwlock_write_unlock(&f->vnode->lock);
	return f;
}

SELFTEST(vm_private_file_mapping_keeps_writes_to_itself)
{
	struct file *f;
	char text[5] = "";

	CHECK(test_vm_enter());
	f = make_file("hello", 3 * PAGE_SIZE);
	CHECK_VM(f);
	CHECK_VM(vm_map(test_vm, BASE, 4 * PAGE_SIZE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_FIXED, f->vnode, 0,
			false) == (int64_t)BASE);
	CHECK_VM(test_peek(BASE) == 'h' &&
		 test_peek(BASE + 2 * PAGE_SIZE) == 0);
	CHECK_VM(test_poke(BASE, 'j') == 0 && test_peek(BASE) == 'j');
	CHECK_VM(vnode_read(f->vnode, text, 5, 0) == 5);
	CHECK_VM(memcmp(text, "hello", 5) == 0);
	/* Past the last page of the file: a bus error. */
	CHECK_VM(vm_fault(test_vm, BASE + 3 * PAGE_SIZE, 0) == -ENXIO);
	CHECK_VM(vm_fault(test_vm, BASE + 3 * PAGE_SIZE, VM_FAULT_WRITE) ==
		 -ENXIO);
	file_put(f);
	test_vm_leave();
}

SELFTEST(vm_shared_file_mapping_writes_to_the_file)
{
	struct file *f;
	char text[5] = "";

	CHECK(test_vm_enter());
	f = make_file("hello", PAGE_SIZE);
	CHECK_VM(f);
	CHECK_VM(vm_map(test_vm, BASE, PAGE_SIZE, PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_FIXED, f->vnode, 0,
			true) == (int64_t)BASE);
	CHECK_VM(test_peek(BASE) == 'h' && test_poke(BASE, 'j') == 0);
	CHECK_VM(vnode_read(f->vnode, text, 5, 0) == 5);
	CHECK_VM(memcmp(text, "jello", 5) == 0);
	CHECK_VM(vm_protect(test_vm, BASE, PAGE_SIZE, PROT_READ) == 0);
	file_put(f);
	test_vm_leave();
}

SELFTEST(vm_truncation_takes_the_pages_away)
{
	struct vattr attr = { .valid = VATTR_SIZE, .size = PAGE_SIZE };
	struct file *f;

	CHECK(test_vm_enter());
	f = make_file("hello", 4 * PAGE_SIZE);
	CHECK_VM(f);
	vm_map(test_vm, BASE, 4 * PAGE_SIZE, PROT_READ | PROT_WRITE,
	       MAP_SHARED | MAP_FIXED, f->vnode, 0, true);
	for (unsigned i = 0; i < 4; i++)
		test_poke(BASE + i * PAGE_SIZE, 'x');
	CHECK_VM(test_vm->resident == 4);
	rwlock_write_lock(&f->vnode->lock);
	f->vnode->ops->setattr(f->vnode, &attr);
	vm_unmap_pages(f->vnode, 1, UINT64_MAX);
	rwlock_write_unlock(&f->vnode->lock);
	CHECK_VM(test_vm->resident == 1 && test_peek(BASE) == 'x');
	CHECK_VM(test_peek(BASE + PAGE_SIZE) == -EFAULT);
	file_put(f);
	test_vm_leave();
}

SELFTEST(vm_write_back_makes_shared_pages_read_only)
{
	struct file *f;
	pte_t *pte;

	CHECK(test_vm_enter());
	f = make_file("hello", PAGE_SIZE);
	CHECK_VM(f);
	vm_map(test_vm, BASE, PAGE_SIZE, PROT_READ | PROT_WRITE,
	       MAP_SHARED | MAP_FIXED, f->vnode, 0, true);
	test_poke(BASE, 'j');
	pte = pmap_find(test_vm->pml4, BASE);
	CHECK_VM(*pte & PTE_W && *pte & PTE_D);
	vm_clean_pages(f->vnode->cache, 0, 0);
	CHECK_VM(*pte & PTE_P && !(*pte & (PTE_W | PTE_D)));
	CHECK_VM(test_poke(BASE, 'k') == 0 && *pte & PTE_D);
	file_put(f);
	test_vm_leave();
}

/* ---- Other address spaces, keys ---- */

SELFTEST(vm_copy_reaches_into_another_space)
{
	struct vmspace *own;
	char text[16] = "";
	int64_t n;

	CHECK(test_vm_enter());
	test_map_rw(BASE, 2);
	own = vmspace_switch(NULL);
	n = vm_copy_out(own, BASE + PAGE_SIZE - 3, "sentence", 9);
	vm_copy_in(own, text, BASE + PAGE_SIZE - 3, 9);
	vmspace_switch(own);
	CHECK_VM(n == 9 && strcmp(text, "sentence") == 0);
	CHECK_VM(vm_copy_in(own, text, BASE + 2 * PAGE_SIZE - 4, 8) == 4);
	CHECK_VM(vm_copy_out(own, 0x20000, text, 1) == -EFAULT);
	test_vm_leave();
}

SELFTEST(vm_keys_tell_shared_from_private)
{
	struct file *f;
	struct vm_key a, b, c;

	CHECK(test_vm_enter());
	test_map_rw(BASE, 1);
	f = make_file("hello", PAGE_SIZE);
	CHECK_VM(f);
	for (unsigned i = 1; i < 3; i++)
		vm_map(test_vm, BASE + i * 0x10000, PAGE_SIZE,
		       PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, f->vnode,
		       0, true);
	CHECK_VM(vm_key_get((void *)(BASE + 8), &a) == 0);
	CHECK_VM(vm_key_get((void *)(BASE + 0x10008), &b) == 0);
	CHECK_VM(vm_key_get((void *)(BASE + 0x20008), &c) == 0);
	CHECK_VM(a.object == (uint64_t)test_vm && a.offset == BASE + 8);
	CHECK_VM(b.object == f->vnode->serial && c.object == b.object &&
		 b.offset == 8 && c.offset == 8);
	CHECK_VM(vm_key_get((void *)0x1000, &a) == -EFAULT);
	file_put(f);
	test_vm_leave();
}

/* ---- Several CPUs ---- */

/* Two threads in one address space: one takes the right to write away again
 * and again, the other writes. What was written after the right was taken is
 * never seen (VM3). */
static _Atomic bool stop_writing, writer_done;
static struct vmspace *shared_vm;

static void
writer(void *arg)
{
	uint64_t n = 0;

	(void)arg;
	heap_begin(HEAP_BOUND(selftest));
	vmspace_switch(vmspace_get(shared_vm));
	while (!stop_writing) {
		n++;
		copyout((void *)BASE, &n, sizeof(n));
	}
	vmspace_put(vmspace_switch(NULL));
	heap_end();
	writer_done = true;
}

SELFTEST(vm_protection_holds_on_all_cpus)
{
	uint64_t first = 0, second = 0;
	bool held = true;

	CHECK(test_vm_enter());
	test_map_rw(BASE, 1);
	shared_vm = test_vm;
	stop_writing = writer_done = false;
	kthread_run("writer", writer, NULL);
	for (unsigned i = 0; i < 200 && held; i++) {
		vm_protect(test_vm, BASE, PAGE_SIZE, PROT_READ);
		copyin(&first, (void *)BASE, sizeof(first));
		thread_yield();
		copyin(&second, (void *)BASE, sizeof(second));
		held = first == second;
		vm_protect(test_vm, BASE, PAGE_SIZE, PROT_READ | PROT_WRITE);
		thread_yield();
	}
	stop_writing = true;
	while (!writer_done)
		thread_yield();
	CHECK_VM(held);
	test_vm_leave();
}
