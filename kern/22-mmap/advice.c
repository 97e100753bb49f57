/*
 * Calls that speak of mapped pages without changing what is mapped: madvise,
 * msync, mincore.
 */
#include "mmap_internal.h"

/* Pages looked up at a time: a byte for each is on the stack. */
#define MINCORE_CHUNK 256

/* ---- madvise ---- */

static bool
is_fork_advice(int advice)
{
	return advice == MADV_DONTFORK || advice == MADV_DOFORK ||
	       advice == MADV_WIPEONFORK || advice == MADV_KEEPONFORK;
}

/* Set how a fork treats @m. What is shared, or is a file's, is not memory that
 * a child could be given zeros for: madvise(2), MADV_WIPEONFORK. Mappings that
 * differed in this alone may now be one. */
static int
fork_advice(struct mapping *m, int advice)
{
	if (advice == MADV_WIPEONFORK && (m->vnode || m->flags & MAP_SHARED))
		return -EINVAL;
	if (advice == MADV_DONTFORK || advice == MADV_DOFORK)
		m->dont_fork = advice == MADV_DONTFORK;
	else
		m->wipe_on_fork = advice == MADV_WIPEONFORK;
	map_merge(m);
	return 0;
}

/* Locked pages stay where they are, so advice that takes them away is refused
 * (madvise(2), EINVAL), and not only put off. The rest of the advice that is
 * known needs no answer: there is no swap, and pages of files come one by one.
 */
static int
advise(struct mapping *m, vaddr_t start, vaddr_t end, int advice)
{
	switch (advice) {
	case MADV_FREE: /* "may" be freed: now is allowed */
		if (m->vnode || m->locked)
			return -EINVAL;
		pmap_forget(m, start, end);
		return 0;
	case MADV_DONTNEED: /* not a hint: zeros, or the file, come next */
		if (m->locked)
			return -EINVAL;
		pmap_forget(m, start, end);
		return 0;
	case MADV_REMOVE: /* holes are made by fallocate alone */
		if (m->locked || !m->vnode)
			return -EINVAL;
		return m->flags & MAP_SHARED && m->may_write ? -EOPNOTSUPP
							     : -EACCES;
	default:
		return is_fork_advice(advice) ? fork_advice(m, advice) : 0;
	}
}

/* What is not known is an error, so that a program can find out what there is:
 * madvise(2) says so of each. The numbers 5 to 7 are not in use. */
static bool
advice_known(int advice)
{
	return (advice >= MADV_NORMAL && advice <= MADV_DONTNEED) ||
	       (advice >= MADV_FREE && advice <= MADV_PAGEOUT);
}

/* Holes are an error, but what lies between them is advised all the same
 * (madvise(2), ENOMEM). An error of the advice ends the walk. vm->lock is held
 * for writing: by it pages are not faulted in again at the same time. On from
 * an address, for @m may be merged away by its advice. */
static int
advise_range(struct vmspace *vm, vaddr_t start, vaddr_t end, int advice)
{
	struct mapping *m;
	vaddr_t va = start, next;
	int error = 0, result = 0;

	while (va < end && !error && (m = map_ceil(vm, va)) && m->start < end) {
		if (m->start > va)
			result = -ENOMEM;
		va = MAX(va, m->start);
		next = MIN(end, m->end);
		error = advise(m, va, next, advice);
		va = next;
	}
	if (va < end && !error)
		result = -ENOMEM;
	return error ? error : result;
}

/* What fork does with a mapping is told of the whole one: split it first.
 * Whether the two splits may be made is asked before anything is changed.
 * vm->lock is held for writing. */
static int
advise_fork(struct vmspace *vm, vaddr_t start, vaddr_t end, int advice)
{
	int error;

	if (map_check_limits(vm, 2, 0))
		return -ENOMEM;
	map_cut(vm, start, end);
	error = advise_range(vm, start, end, advice);
	map_join(vm, start, end);
	return error;
}

/* In the order of Linux: the advice, then the address, then the length; nothing
 * to do is 0 only if all of these are valid. A length that wraps is EINVAL when
 * rounded up; a range that is merely out of user space holds nothing: ENOMEM.
 */
static int64_t
sys_madvise(vaddr_t addr, size_t len, int advice)
{
	struct vmspace *vm = current()->vmspace;
	int error;

	if (!advice_known(advice) || !IS_ALIGNED(addr, PAGE_SIZE))
		return -EINVAL;
	if (len == 0)
		return 0;
	len = ROUND_UP(len, PAGE_SIZE);
	if (addr + len <= addr)
		return -EINVAL;
	if (len > USER_TOP || addr > USER_TOP - len)
		return -ENOMEM;
	rwlock_write_lock(&vm->lock);
	error = is_fork_advice(advice)
			? advise_fork(vm, addr, addr + len, advice)
			: advise_range(vm, addr, addr + len, advice);
	rwlock_write_unlock(&vm->lock);
	return error;
}
SYSCALL(NR_madvise, sys_madvise);

/* ---- msync ---- */

/*
 * Tell the page cache what has been written through the first mapping in
 * [*@va, @end), and move *@va behind it: to the end after -EBUSY, for what is
 * locked cannot be dropped to be read anew. *@error is set and never cleared: a
 * hole is told when what lies behind it has been synced (msync(2), ENOMEM).
 * There is one page for file and mapping, so MS_INVALIDATE has nothing else to
 * do. MS_ASYNC is done with telling: dirty pages are written back in time.
 * @return its file, referenced, with MS_SYNC where there is one
 */
static struct vnode *
sync_mapping(struct vmspace *vm, vaddr_t *va, vaddr_t end, int flags,
	     int *error)
{
	struct vnode *v = NULL;
	struct mapping *m;

	rwlock_read_lock(&vm->lock);
	m = map_ceil(vm, *va);
	if (!m || m->start > *va)
		*error = -ENOMEM; /* a hole */
	if (!m || m->start >= end) {
		*va = end;
	} else if (flags & MS_INVALIDATE && m->locked) {
		*error = -EBUSY;
		*va = end;
	} else {
		*va = MAX(*va, m->start);
		if (m->vnode && m->flags & MAP_SHARED) {
			pmap_clean(m, *va, MIN(end, m->end), true);
			if (flags & MS_SYNC)
				v = vnode_get(m->vnode);
		}
		*va = MIN(end, m->end);
	}
	rwlock_read_unlock(&vm->lock);
	return v;
}

/* POSIX.1-2017, msync(): with MS_SYNC what was written is on the disk when it
 * returns. The disk is waited for without the lock; that another thread unmaps
 * what comes next is then a hole. An error of the disk ends it at once, and
 * comes before ENOMEM: the caller has to know that data is lost. */
static int64_t
sys_msync(vaddr_t addr, size_t len, int flags)
{
	struct vmspace *vm = current()->vmspace;
	int error = 0, io = 0;
	struct vnode *v;
	vaddr_t end;

	if (flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC) ||
	    (flags & MS_ASYNC && flags & MS_SYNC) ||
	    !IS_ALIGNED(addr, PAGE_SIZE))
		return -EINVAL;
	if (len == 0)
		return 0;
	if (len > USER_TOP || addr > USER_TOP - len)
		return -ENOMEM;
	end = ROUND_UP(addr + len, PAGE_SIZE);
	while (addr < end && !io) {
		v = sync_mapping(vm, &addr, end, flags, &error);
		if (v) {
			io = vnode_fsync(v, true);
			vnode_put(v);
		}
	}
	return io ? io : error;
}
SYSCALL(NR_msync, sys_msync);

/* ---- mincore ---- */

/* @return how many pages there are before a hole, at most @n */
static unsigned
fill_vector(struct vmspace *vm, vaddr_t addr, unsigned n, uint8_t *vec)
{
	struct mapping *m;
	unsigned i;

	rwlock_read_lock(&vm->lock);
	for (i = 0; i < n; i++) {
		m = vm_find(vm, addr + i * PAGE_SIZE);
		if (!m)
			break;
		vec[i] = vm_in_core(m, addr + i * PAGE_SIZE);
	}
	rwlock_read_unlock(&vm->lock);
	return i;
}

/* Out of user space is ENOMEM, as a hole is (mincore(2)); what lies before a
 * hole has been told. It is true for a moment only: the lock is let go before
 * the program sees it. The vector is written without the lock, for it may fault
 * in the same address space. */
static int64_t
sys_mincore(vaddr_t addr, size_t len, uint8_t *user_vec)
{
	struct vmspace *vm = current()->vmspace;
	uint8_t vec[MINCORE_CHUNK];
	uint64_t pages, n;

	if (!IS_ALIGNED(addr, PAGE_SIZE))
		return -EINVAL;
	if (len > USER_TOP || addr > USER_TOP - len)
		return -ENOMEM;
	pages = ROUND_UP(len, PAGE_SIZE) >> PAGE_SHIFT;
	for (uint64_t i = 0; i < pages; i += n) {
		n = MIN(pages - i, (uint64_t)MINCORE_CHUNK);
		n = fill_vector(vm, addr + i * PAGE_SIZE, n, vec);
		if (n == 0)
			return -ENOMEM;
		if (copyout(user_vec + i, vec, n))
			return -EFAULT;
	}
	return 0;
}
SYSCALL(NR_mincore, sys_mincore);
