/*
 * Self-tests of chapter vm. Each makes an address space, gives it to the test's
 * thread, and touches it as system calls do, through the user copies.
 */
#include "string.h"
#include "vm_internal.h"

#define BASE	  0x10000000UL
#define TEST_HEAP 64

static struct vmspace *vm;
static struct vmspace *before;

static bool
enter(void)
{
	heap_begin(TEST_HEAP);
	vm = vmspace_new();
	if (vm)
		before = vmspace_switch(vm);
	return vm;
}

static void
leave(void)
{
	vmspace_put(vmspace_switch(before));
	heap_end();
}

/* CHECK that leaves first. */
#define CHECK_VM(cond)                                                         \
	do {                                                                   \
		if (!(cond)) {                                                 \
			leave();                                               \
			selftest_fail(__FILE__, __LINE__, #cond);              \
			return;                                                \
		}                                                              \
	} while (0)

static int64_t
map(vaddr_t at, size_t pages, uint32_t prot, uint32_t flags)
{
	return vm_map(vm, at, pages * PAGE_SIZE, prot, flags, NULL, 0, true);
}

static int64_t
map_rw(vaddr_t at, size_t pages)
{
	return map(at, pages, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED);
}

/* The byte at @va, or a negative errno. */
static int
peek(vaddr_t va)
{
	uint8_t byte;

	return copyin(&byte, (void *)va, 1) ? -EFAULT : byte;
}

static int
poke(vaddr_t va, uint8_t byte)
{
	return copyout((void *)va, &byte, 1);
}

/* Mappings and tree agree: sorted, apart, aligned (VM1). */
static bool
tree_is_sound(void)
{
	struct mapping *m, *prev = NULL;
	uint64_t pages = 0;
	unsigned n = 0;

	if (rb_check(&vm->mappings) < 0)
		return false;
	for (m = map_ceil(vm, 0); m; prev = m, m = map_next(m), n++) {
		if (m->start >= m->end || m->start % PAGE_SIZE ||
		    m->end % PAGE_SIZE || m->end > USER_TOP ||
		    (prev && prev->end > m->start))
			return false;
		pages += (m->end - m->start) / PAGE_SIZE;
	}
	return n == vm->nmappings && pages == vm->mapped_pages;
}

/* ---- Zero-fill ---- */

SELFTEST(vm_untouched_memory_reads_as_zeros)
{
	CHECK(enter());
	CHECK_VM(map_rw(BASE, 4) == (int64_t)BASE);
	CHECK_VM(vm->resident == 0);
	CHECK_VM(peek(BASE) == 0 && peek(BASE + 3 * PAGE_SIZE + 17) == 0);
	CHECK_VM(vm->resident == 0); /* the page of zeros is no one's */
	leave();
}

SELFTEST(vm_written_memory_keeps_what_was_written)
{
	CHECK(enter());
	map_rw(BASE, 4);
	CHECK_VM(peek(BASE + 5) == 0);
	CHECK_VM(poke(BASE + 5, 42) == 0);
	CHECK_VM(poke(BASE + PAGE_SIZE, 43) == 0);
	CHECK_VM(peek(BASE + 5) == 42 && peek(BASE + PAGE_SIZE) == 43);
	CHECK_VM(peek(BASE + 6) == 0);
	CHECK_VM(vm->resident == 2);
	leave();
}

SELFTEST(vm_unmapped_addresses_fault)
{
	CHECK(enter());
	map_rw(BASE, 1);
	CHECK_VM(peek(BASE - 1) == -EFAULT);
	CHECK_VM(peek(BASE + PAGE_SIZE) == -EFAULT);
	CHECK_VM(poke(0, 1) == -EFAULT);
	leave();
}

/* Use pages and tables, give them up. @return pages free after that */
static uint64_t
use_and_leave(void)
{
	struct mem_stats stats;

	if (!enter())
		return 0;
	map_rw(BASE, 100);
	map_rw(BASE + TABLE_SPAN * 600, 1);
	for (unsigned i = 0; i < 100; i++)
		poke(BASE + i * PAGE_SIZE, i);
	poke(BASE + TABLE_SPAN * 600, 1);
	leave();
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

	CHECK(enter());
	a = map(0, 4, PROT_READ, MAP_PRIVATE);
	b = map(0, 2, PROT_NONE, MAP_PRIVATE);
	CHECK_VM(a > 0 && b == a - 2 * (int64_t)PAGE_SIZE);
	CHECK_VM(vm_unmap(vm, a, 4 * PAGE_SIZE) == 0);
	c = map(0, 3, PROT_READ, MAP_PRIVATE);
	CHECK_VM(c == a + (int64_t)PAGE_SIZE);
	CHECK_VM(map(0, USER_TOP / PAGE_SIZE, PROT_NONE, MAP_PRIVATE) ==
		 -ENOMEM);
	CHECK_VM(tree_is_sound());
	leave();
}

SELFTEST(vm_map_honours_hints_and_fixed_addresses)
{
	CHECK(enter());
	CHECK_VM(map(BASE + 1, 1, PROT_READ, MAP_PRIVATE) ==
		 (int64_t)(BASE + PAGE_SIZE));
	CHECK_VM(map(BASE + PAGE_SIZE, 1, PROT_READ, MAP_PRIVATE) !=
		 (int64_t)(BASE + PAGE_SIZE));
	CHECK_VM(map(BASE + 1, 1, PROT_READ, MAP_PRIVATE | MAP_FIXED) ==
		 -EINVAL);
	CHECK_VM(map(0, 1, PROT_READ, MAP_PRIVATE | MAP_FIXED) == -EPERM);
	CHECK_VM(map(USER_TOP, 1, PROT_READ, MAP_PRIVATE | MAP_FIXED) ==
		 -ENOMEM);
	CHECK_VM(map(BASE, 3, PROT_READ, MAP_PRIVATE | MAP_FIXED_NOREPLACE) ==
		 -EEXIST);
	leave();
}

SELFTEST(vm_neighbours_that_are_alike_merge)
{
	CHECK(enter());
	map_rw(BASE, 2);
	map_rw(BASE + 4 * PAGE_SIZE, 2);
	CHECK_VM(vm->nmappings == 2);
	map_rw(BASE + 2 * PAGE_SIZE, 2);
	CHECK_VM(vm->nmappings == 1 && vm->mapped_pages == 6);
	map(BASE + 6 * PAGE_SIZE, 1, PROT_READ, MAP_PRIVATE | MAP_FIXED);
	CHECK_VM(vm->nmappings == 2);
	CHECK_VM(tree_is_sound());
	leave();
}

SELFTEST(vm_unmap_splits_and_keeps_the_rest)
{
	CHECK(enter());
	map_rw(BASE, 5);
	for (unsigned i = 0; i < 5; i++)
		poke(BASE + i * PAGE_SIZE, 10 + i);
	CHECK_VM(vm_unmap(vm, BASE + PAGE_SIZE, 2 * PAGE_SIZE) == 0);
	CHECK_VM(vm->nmappings == 2 && vm->resident == 3);
	CHECK_VM(peek(BASE) == 10 && peek(BASE + 3 * PAGE_SIZE) == 13);
	CHECK_VM(peek(BASE + PAGE_SIZE) == -EFAULT);
	CHECK_VM(vm_unmap(vm, BASE + 3, PAGE_SIZE) == -EINVAL);
	CHECK_VM(vm_unmap(vm, BASE, 0) == -EINVAL);
	CHECK_VM(vm_unmap(vm, BASE, 1000 * PAGE_SIZE) == 0);
	CHECK_VM(vm->nmappings == 0 && vm->resident == 0);
	leave();
}

SELFTEST(vm_fixed_mapping_replaces_what_is_there)
{
	CHECK(enter());
	map_rw(BASE, 3);
	poke(BASE + PAGE_SIZE, 1);
	map_rw(BASE + PAGE_SIZE, 1);
	CHECK_VM(peek(BASE + PAGE_SIZE) == 0);
	CHECK_VM(tree_is_sound());
	leave();
}

/* Random maps, unmaps and protections against a model of one byte a page. */
SELFTEST(vm_random_operations_agree_with_a_model)
{
	enum { PAGES = 48 };
	uint8_t model[PAGES] = { 0 }; /* 0: nothing; else prot + 1 */
	uint64_t seed = 12345;
	bool ok = true;

	CHECK(enter());
	for (unsigned round = 0; round < 400 && ok; round++) {
		unsigned at, n, op;
		uint32_t prot;

		seed = seed * 6364136223846793005 + 1442695040888963407;
		at = seed >> 33 & 31;
		n = (seed >> 40 & 15) + 1;
		op = seed >> 50 & 3;
		prot = seed >> 55 & 3;
		if (op == 0) {
			vm_unmap(vm, BASE + at * PAGE_SIZE, n * PAGE_SIZE);
			memset(model + at, 0, n);
		} else if (op == 1) {
			bool whole = !memchr(model + at, 0, n);

			ok = (vm_protect(vm, BASE + at * PAGE_SIZE,
					 n * PAGE_SIZE, prot) == 0) == whole;
			for (unsigned i = at; i < at + n && model[i]; i++)
				model[i] = prot + 1;
		} else {
			map(BASE + at * PAGE_SIZE, n, prot,
			    MAP_PRIVATE | MAP_FIXED);
			memset(model + at, prot + 1, n);
		}
		for (unsigned i = 0; i < PAGES && ok; i++) {
			vaddr_t va = BASE + i * PAGE_SIZE;
			bool w = model[i] && (model[i] - 1) & PROT_WRITE;
			bool r = model[i] > 1;

			ok = (peek(va) >= 0) == r && (poke(va, 1) == 0) == w;
		}
		ok = ok && tree_is_sound();
	}
	CHECK_VM(ok);
	leave();
}

/* ---- Rights ---- */

SELFTEST(vm_protect_takes_and_gives_rights)
{
	CHECK(enter());
	map_rw(BASE, 3);
	poke(BASE + PAGE_SIZE, 7);
	CHECK_VM(vm_protect(vm, BASE + PAGE_SIZE, PAGE_SIZE, PROT_READ) == 0);
	CHECK_VM(vm->nmappings == 3);
	CHECK_VM(poke(BASE + PAGE_SIZE, 8) == -EFAULT);
	CHECK_VM(peek(BASE + PAGE_SIZE) == 7);
	CHECK_VM(vm_protect(vm, BASE + PAGE_SIZE, PAGE_SIZE, PROT_NONE) == 0);
	CHECK_VM(peek(BASE + PAGE_SIZE) == -EFAULT);
	CHECK_VM(vm_protect(vm, BASE + PAGE_SIZE, PAGE_SIZE,
			    PROT_READ | PROT_WRITE) == 0);
	CHECK_VM(vm->nmappings == 1);
	CHECK_VM(peek(BASE + PAGE_SIZE) == 7);
	CHECK_VM(poke(BASE + PAGE_SIZE, 9) == 0);
	CHECK_VM(vm_protect(vm, BASE, 4 * PAGE_SIZE, PROT_READ) == -ENOMEM);
	leave();
}

SELFTEST(vm_fault_tells_what_is_wrong)
{
	CHECK(enter());
	map(BASE, 1, PROT_READ, MAP_PRIVATE | MAP_FIXED);
	CHECK_VM(vm_fault(vm, BASE, VM_FAULT_WRITE) == -EACCES);
	CHECK_VM(vm_fault(vm, BASE, VM_FAULT_FETCH) == -EACCES);
	CHECK_VM(vm_fault(vm, BASE, 0) == 0);
	CHECK_VM(vm_fault(vm, BASE + PAGE_SIZE, 0) == -EFAULT);
	leave();
}

/* ---- Fork ---- */

SELFTEST(vm_fork_copies_on_write)
{
	struct vmspace *child, *parent;
	int seen_child, seen_parent;

	CHECK(enter());
	map_rw(BASE, 2);
	poke(BASE, 1);
	poke(BASE + PAGE_SIZE, 2);
	child = vmspace_fork(vm);
	CHECK_VM(child);
	CHECK_VM(child->resident == 2 && child->mapped_pages == 2);
	poke(BASE, 3); /* the parent's */
	parent = vmspace_switch(child);
	seen_child = peek(BASE);
	poke(BASE + PAGE_SIZE, 4); /* the child's */
	vmspace_put(vmspace_switch(parent));
	seen_parent = peek(BASE + PAGE_SIZE);
	CHECK_VM(seen_child == 1 && seen_parent == 2 && peek(BASE) == 3);
	leave();
}

SELFTEST(vm_sole_owner_writes_without_a_copy)
{
	struct vmspace *child;
	pte_t *pte, old;

	CHECK(enter());
	map_rw(BASE, 1);
	poke(BASE, 1);
	pte = pmap_find(vm->pml4, BASE);
	old = *pte;
	child = vmspace_fork(vm);
	CHECK_VM(child && !(*pte & PTE_W));
	vmspace_put(child);
	CHECK_VM(poke(BASE, 2) == 0);
	CHECK_VM((*pte & PTE_ADDR) == (old & PTE_ADDR) && *pte & PTE_W);
	leave();
}

SELFTEST(vm_fork_advice_is_kept)
{
	struct vmspace *child, *parent;
	struct mapping *m;
	int kept, wiped, left_out;

	CHECK(enter());
	map_rw(BASE, 1);
	map(BASE + 2 * PAGE_SIZE, 1, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_FIXED);
	map_rw(BASE + 4 * PAGE_SIZE, 1);
	for (unsigned i = 0; i < 3; i++)
		poke(BASE + 2 * i * PAGE_SIZE, 9);
	m = vm_find(vm, BASE + 2 * PAGE_SIZE);
	m->wipe_on_fork = true;
	m = vm_find(vm, BASE + 4 * PAGE_SIZE);
	m->dont_fork = true;
	child = vmspace_fork(vm);
	CHECK_VM(child);
	parent = vmspace_switch(child);
	kept = peek(BASE);
	wiped = peek(BASE + 2 * PAGE_SIZE);
	left_out = peek(BASE + 4 * PAGE_SIZE);
	vmspace_put(vmspace_switch(parent));
	CHECK_VM(kept == 9 && wiped == 0 && left_out == -EFAULT);
	leave();
}

SELFTEST(vm_shared_memory_is_shared_across_fork)
{
	struct vmspace *child, *parent;
	struct vnode *object;
	int seen;

	CHECK(enter());
	CHECK_VM(shared_object_new(2 * PAGE_SIZE, &object) == 0);
	CHECK_VM(vm_map(vm, BASE, 2 * PAGE_SIZE, PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_FIXED, object, 0,
			true) == (int64_t)BASE);
	vnode_put(object);
	CHECK_VM(poke(BASE, 5) == 0);
	child = vmspace_fork(vm);
	CHECK_VM(child);
	parent = vmspace_switch(child);
	seen = peek(BASE);
	poke(BASE + PAGE_SIZE, 6);
	vmspace_put(vmspace_switch(parent));
	CHECK_VM(seen == 5 && peek(BASE + PAGE_SIZE) == 6);
	leave();
}

/* ---- Stack ---- */

SELFTEST(vm_stack_grows_down_to_its_guard_gap)
{
	vaddr_t top = BASE + 0x1000000;

	CHECK(enter());
	map_rw(BASE, 1);
	map(top - PAGE_SIZE, 1, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_FIXED | MAP_GROWSDOWN);
	CHECK_VM(poke(top - 1, 1) == 0);
	CHECK_VM(poke(top - 100 * PAGE_SIZE, 2) == 0);
	CHECK_VM(vm_find(vm, top - 1)->start == top - 100 * PAGE_SIZE);
	CHECK_VM(poke(BASE + PAGE_SIZE + STACK_GUARD, 3) == 0);
	CHECK_VM(poke(BASE + STACK_GUARD, 4) == -EFAULT);
	CHECK_VM(tree_is_sound());
	leave();
}

/* ---- Heap ---- */

SELFTEST(vm_brk_grows_and_shrinks)
{
	CHECK(enter());
	vm->brk_start = vm->brk = BASE;
	CHECK_VM(vm_set_brk(vm, 0, UINT64_MAX) == BASE);
	CHECK_VM(vm_set_brk(vm, BASE + 10000, UINT64_MAX) == BASE + 10000);
	CHECK_VM(poke(BASE + 10000, 7) == 0);
	CHECK_VM(vm_set_brk(vm, BASE + 100, UINT64_MAX) == BASE + 100);
	CHECK_VM(peek(BASE + PAGE_SIZE) == -EFAULT);
	CHECK_VM(vm_set_brk(vm, BASE + 10000, UINT64_MAX) == BASE + 10000);
	CHECK_VM(peek(BASE + 10000 - 1) == 0);
	CHECK_VM(vm_set_brk(vm, BASE + 20000, 15000) == BASE + 10000);
	CHECK_VM(vm_set_brk(vm, BASE - 1, UINT64_MAX) == BASE + 10000);
	map_rw(BASE + 10 * PAGE_SIZE, 1);
	CHECK_VM(vm_set_brk(vm, BASE + 0x100000, UINT64_MAX) == BASE + 10000);
	leave();
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

	CHECK(enter());
	f = make_file("hello", 3 * PAGE_SIZE);
	CHECK_VM(f);
	CHECK_VM(vm_map(vm, BASE, 4 * PAGE_SIZE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_FIXED, f->vnode, 0,
			false) == (int64_t)BASE);
	CHECK_VM(peek(BASE) == 'h' && peek(BASE + 2 * PAGE_SIZE) == 0);
	CHECK_VM(poke(BASE, 'j') == 0 && peek(BASE) == 'j');
	CHECK_VM(vnode_read(f->vnode, text, 5, 0) == 5);
	CHECK_VM(memcmp(text, "hello", 5) == 0);
	/* Past the last page of the file: a bus error. */
	CHECK_VM(vm_fault(vm, BASE + 3 * PAGE_SIZE, 0) == -ENXIO);
	CHECK_VM(vm_fault(vm, BASE + 3 * PAGE_SIZE, VM_FAULT_WRITE) == -ENXIO);
	file_put(f);
	leave();
}

SELFTEST(vm_shared_file_mapping_writes_to_the_file)
{
	struct file *f;
	char text[5] = "";

	CHECK(enter());
	f = make_file("hello", PAGE_SIZE);
	CHECK_VM(f);
	CHECK_VM(vm_map(vm, BASE, PAGE_SIZE, PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_FIXED, f->vnode, 0,
			true) == (int64_t)BASE);
	CHECK_VM(peek(BASE) == 'h' && poke(BASE, 'j') == 0);
	CHECK_VM(vnode_read(f->vnode, text, 5, 0) == 5);
	CHECK_VM(memcmp(text, "jello", 5) == 0);
	CHECK_VM(vm_protect(vm, BASE, PAGE_SIZE, PROT_READ) == 0);
	file_put(f);
	leave();
}

SELFTEST(vm_truncation_takes_the_pages_away)
{
	struct vattr attr = { .valid = VATTR_SIZE, .size = PAGE_SIZE };
	struct file *f;

	CHECK(enter());
	f = make_file("hello", 4 * PAGE_SIZE);
	CHECK_VM(f);
	vm_map(vm, BASE, 4 * PAGE_SIZE, PROT_READ | PROT_WRITE,
	       MAP_SHARED | MAP_FIXED, f->vnode, 0, true);
	for (unsigned i = 0; i < 4; i++)
		poke(BASE + i * PAGE_SIZE, 'x');
	CHECK_VM(vm->resident == 4);
	rwlock_write_lock(&f->vnode->lock);
	f->vnode->ops->setattr(f->vnode, &attr);
	vm_unmap_pages(f->vnode, 1, UINT64_MAX);
	rwlock_write_unlock(&f->vnode->lock);
	CHECK_VM(vm->resident == 1 && peek(BASE) == 'x');
	CHECK_VM(peek(BASE + PAGE_SIZE) == -EFAULT);
	file_put(f);
	leave();
}

SELFTEST(vm_write_back_makes_shared_pages_read_only)
{
	struct file *f;
	pte_t *pte;

	CHECK(enter());
	f = make_file("hello", PAGE_SIZE);
	CHECK_VM(f);
	vm_map(vm, BASE, PAGE_SIZE, PROT_READ | PROT_WRITE,
	       MAP_SHARED | MAP_FIXED, f->vnode, 0, true);
	poke(BASE, 'j');
	pte = pmap_find(vm->pml4, BASE);
	CHECK_VM(*pte & PTE_W && *pte & PTE_D);
	vm_clean_pages(f->vnode->cache, 0, 0);
	CHECK_VM(*pte & PTE_P && !(*pte & (PTE_W | PTE_D)));
	CHECK_VM(poke(BASE, 'k') == 0 && *pte & PTE_D);
	file_put(f);
	leave();
}

/* ---- Other address spaces, keys ---- */

SELFTEST(vm_copy_reaches_into_another_space)
{
	struct vmspace *own;
	char text[16] = "";
	int64_t n;

	CHECK(enter());
	map_rw(BASE, 2);
	own = vmspace_switch(before);
	n = vm_copy_out(own, BASE + PAGE_SIZE - 3, "sentence", 9);
	vm_copy_in(own, text, BASE + PAGE_SIZE - 3, 9);
	vmspace_switch(own);
	CHECK_VM(n == 9 && strcmp(text, "sentence") == 0);
	CHECK_VM(vm_copy_in(own, text, BASE + 2 * PAGE_SIZE - 4, 8) == 4);
	CHECK_VM(vm_copy_out(own, 0x20000, text, 1) == -EFAULT);
	leave();
}

SELFTEST(vm_keys_tell_shared_from_private)
{
	struct vnode *object;
	struct vm_key a, b, c;

	CHECK(enter());
	map_rw(BASE, 1);
	shared_object_new(PAGE_SIZE, &object);
	for (unsigned i = 1; i < 3; i++)
		vm_map(vm, BASE + i * 0x10000, PAGE_SIZE,
		       PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, object,
		       0, true);
	vnode_put(object);
	CHECK_VM(vm_key_get((void *)(BASE + 8), &a) == 0);
	CHECK_VM(vm_key_get((void *)(BASE + 0x10008), &b) == 0);
	CHECK_VM(vm_key_get((void *)(BASE + 0x20008), &c) == 0);
	CHECK_VM(a.object == vm && a.offset == BASE + 8);
	CHECK_VM(b.object == object && c.object == object && b.offset == 8 &&
		 c.offset == 8);
	CHECK_VM(vm_key_get((void *)0x1000, &a) == -EFAULT);
	leave();
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
	heap_begin(TEST_HEAP);
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

	CHECK(enter());
	map_rw(BASE, 1);
	shared_vm = vm;
	stop_writing = writer_done = false;
	kthread_run("writer", writer, NULL);
	for (unsigned i = 0; i < 200 && held; i++) {
		vm_protect(vm, BASE, PAGE_SIZE, PROT_READ);
		copyin(&first, (void *)BASE, sizeof(first));
		thread_yield();
		copyin(&second, (void *)BASE, sizeof(second));
		held = first == second;
		vm_protect(vm, BASE, PAGE_SIZE, PROT_READ | PROT_WRITE);
		thread_yield();
	}
	stop_writing = true;
	while (!writer_done)
		thread_yield();
	CHECK_VM(held);
	leave();
}
