/*
 * mlock and its kin: memory that stays where it is. Nothing is ever swapped out
 * here, so what is left to do is to bring the pages in, to count them against
 * RLIMIT_MEMLOCK, and to refuse advice that would take them away.
 *
 * Source of the interface: mlock(2).
 */
#include "mmap_internal.h"

/* For writing where pages are private, or each would fault again: what is read
 * first is the page of zeros, or the file's, and the first write makes the
 * copy. Shared pages are not written to: that would make them dirty. Each page
 * is looked up anew, as the lock is not held over a fault. */
int
mmap_populate(struct vmspace *vm, vaddr_t start, vaddr_t end)
{
	struct mapping *m;
	unsigned how;

	for (; start < end; start += PAGE_SIZE) {
		rwlock_read_lock(&vm->lock);
		m = vm_find(vm, start);
		how = m && m->prot & PROT_WRITE && m->flags & MAP_PRIVATE
			      ? VM_FAULT_WRITE
			      : 0;
		rwlock_read_unlock(&vm->lock);
		if (!m || vm_fault(vm, start, how) || thread_killed())
			return -ENOMEM;
	}
	return 0;
}

/* Mark all in the range; a hole is an error, after what lies before it has been
 * marked (mlock(2), ENOMEM). vm->lock is held for writing. A mapping is split
 * at the ends, which may be one too many: ENOMEM as well, before anything has
 * changed. An empty range marks nothing and is no error. */
static int
mark_range(struct vmspace *vm, vaddr_t start, vaddr_t end, bool locked)
{
	struct mapping *m;
	int error = 0;
	vaddr_t va;

	if (map_check_limits(vm, 2, 0))
		return -ENOMEM;
	map_cut(vm, start, end);
	for (va = start; va < end; va = m->end) {
		m = vm_find(vm, va);
		if (!m) {
			error = -ENOMEM;
			break;
		}
		m->locked = locked;
		m = map_merge(m);
	}
	map_join(vm, start, end);
	return error;
}

/* The pages of [@addr, @addr + @len), of which none may be at the end of the
 * numbers. POSIX.1-2017, mlock(), leaves open whether @addr must be aligned;
 * Linux rounds it down. A range that wraps is EINVAL, one out of user space has
 * nothing mapped: ENOMEM (mlock(2)). */
static int
get_range(vaddr_t addr, size_t len, vaddr_t *start, vaddr_t *end)
{
	if (addr + len < addr)
		return -EINVAL;
	if (len > USER_TOP || addr > USER_TOP - len)
		return -ENOMEM;
	*start = ROUND_DOWN(addr, PAGE_SIZE);
	*end = ROUND_UP(addr + len, PAGE_SIZE);
	return 0;
}

bool
mmap_may_lock(void)
{
	return current_cred()->euid == 0 || !vm_ops.limit ||
	       vm_ops.limit(RLIMIT_MEMLOCK) > 0;
}

/* The mark comes first, with the limit, under one hold of the lock; then the
 * pages, without it. So no two threads get past the limit together. If a page
 * cannot be had, the marks stay: the error says that not all is in memory. */
static int
lock_range(vaddr_t addr, size_t len, bool fill)
{
	struct vmspace *vm = current()->vmspace;
	vaddr_t start, end;
	int error;

	if (!mmap_may_lock())
		return -EPERM;
	error = get_range(addr, len, &start, &end);
	if (error)
		return error;
	rwlock_write_lock(&vm->lock);
	/* Locks do not nest, nor are they counted twice. */
	if (!vm_may_lock(vm, ((end - start) >> PAGE_SHIFT) -
				     vm_pages_within(vm, start, end, false)))
		error = -ENOMEM;
	if (!error)
		error = mark_range(vm, start, end, true);
	rwlock_write_unlock(&vm->lock);
	if (!error && fill)
		error = mmap_populate(vm, start, end);
	return error;
}

static int64_t
sys_mlock(vaddr_t addr, size_t len)
{
	return lock_range(addr, len, true);
}
SYSCALL(NR_mlock, sys_mlock);

static int64_t
sys_mlock2(vaddr_t addr, size_t len, unsigned flags)
{
	if (flags & ~MLOCK_ONFAULT)
		return -EINVAL;
	return lock_range(addr, len, !(flags & MLOCK_ONFAULT));
}
SYSCALL(NR_mlock2, sys_mlock2);

/* Needs no right. Locks do not nest (mlock(2)): one call takes back however
 * many. */
static int64_t
sys_munlock(vaddr_t addr, size_t len)
{
	struct vmspace *vm = current()->vmspace;
	vaddr_t start, end;
	int error = get_range(addr, len, &start, &end);

	if (error)
		return error;
	rwlock_write_lock(&vm->lock);
	error = mark_range(vm, start, end, false);
	rwlock_write_unlock(&vm->lock);
	return error;
}
SYSCALL(NR_munlock, sys_munlock);

/* ---- All of it ---- */

/* vm->lock held for writing. No limit is met: mappings only grow alike. An
 * address is kept, for the mapping may be merged into another. */
static void
mark_all(struct vmspace *vm, bool locked)
{
	struct mapping *m;
	vaddr_t va = 0;

	while ((m = map_ceil(vm, va))) {
		m->locked = locked;
		va = map_merge(m)->end;
	}
}

/* Fill what is mapped; mappings may come and go meanwhile. What cannot be
 * filled (without rights, past a file's end) is left out, and is no error, as
 * on Linux. */
static void
fill_all(struct vmspace *vm)
{
	vaddr_t start, end = 0;
	struct mapping *m;

	for (;;) {
		rwlock_read_lock(&vm->lock);
		m = map_ceil(vm, end);
		if (m) {
			start = m->start;
			end = m->end;
		}
		rwlock_read_unlock(&vm->lock);
		if (!m)
			return;
		mmap_populate(vm, start, end);
	}
}

/* MCL_ONFAULT says how, not what: alone it is invalid (mlock(2)). The limit is
 * met by what will be locked, so what is already is not counted twice; with
 * MCL_FUTURE alone it is looked at when memory is mapped. Each call sets anew
 * what is to come: MCL_CURRENT alone ends an earlier MCL_FUTURE, as on Linux.
 */
static int64_t
sys_mlockall(int flags)
{
	struct vmspace *vm = current()->vmspace;
	bool fill = !(flags & MCL_ONFAULT);
	int error = 0;

	if (flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) ||
	    !(flags & (MCL_CURRENT | MCL_FUTURE)))
		return -EINVAL;
	if (!mmap_may_lock())
		return -EPERM;
	rwlock_write_lock(&vm->lock);
	if (flags & MCL_CURRENT &&
	    !vm_may_lock(vm, vm->mapped_pages -
				     vm_pages_within(vm, 0, USER_TOP, false)))
		error = -ENOMEM;
	if (!error) {
		vm->lock_new = flags & MCL_FUTURE;
		vm->fill_new = flags & MCL_FUTURE && fill;
		if (flags & MCL_CURRENT)
			mark_all(vm, true);
	}
	rwlock_write_unlock(&vm->lock);
	if (!error && flags & MCL_CURRENT && fill)
		fill_all(vm);
	return error;
}
SYSCALL(NR_mlockall, sys_mlockall);

/* Pages stay where they are; they may be taken by madvise again. */
static int64_t
sys_munlockall(void)
{
	struct vmspace *vm = current()->vmspace;

	rwlock_write_lock(&vm->lock);
	vm->lock_new = vm->fill_new = false;
	mark_all(vm, false);
	rwlock_write_unlock(&vm->lock);
	return 0;
}
SYSCALL(NR_munlockall, sys_munlockall);
