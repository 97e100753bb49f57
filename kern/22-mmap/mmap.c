/*
 * The system calls that make and unmake mappings: mmap, munmap, mprotect, brk.
 */
#include "abi/mount.h"
#include "mmap_internal.h"

#define PROT_ALL (PROT_READ | PROT_WRITE | PROT_EXEC)

/* What may go with MAP_SHARED_VALIDATE: those that were there before it
 * (mmap(2)). Not MAP_SYNC, for which it was made, and which no file here can
 * keep. */
#define MAP_KNOWN                                                              \
	(MAP_TYPE | MAP_FIXED | MAP_32BIT | MAP_GROWSDOWN | MAP_DENYWRITE |    \
	 MAP_EXECUTABLE | MAP_LOCKED | MAP_NORESERVE | MAP_POPULATE |          \
	 MAP_NONBLOCK | MAP_STACK)

/* What mapping a file needs of the descriptor: mmap(2), EACCES. It must be open
 * for reading always: on x86 a page that can be written can be read (SDM vol.
 * 3A, 4.6). For writing only if writes reach the file. An O_PATH descriptor has
 * opened nothing: open(2), EBADF. */
static int
check_file(const struct file *f, uint32_t prot, bool shared)
{
	unsigned mode = f->flags & O_ACCMODE;

	if (f->flags & O_PATH)
		return -EBADF;
	if (mode == O_WRONLY)
		return -EACCES;
	if (shared && prot & PROT_WRITE && mode != O_RDWR)
		return -EACCES;
	if (!f->ops->mmap)
		return -ENODEV;
	if (prot & PROT_EXEC && f->vnode && f->vnode->mount->flags & MS_NOEXEC)
		return -EPERM;
	return 0;
}

/*
 * The vnode to map, referenced, or NULL for private zero-fill memory. What has
 * no pages of its own (/dev/zero) is zero-fill memory under another name.
 * *@may_write: whether mprotect may give a shared mapping the right to write
 * later, when the descriptor may be closed. The descriptor is looked up here
 * for good: what check_mmap saw under this number may be another file by now.
 */
static int
backing_of(int fd, uint32_t prot, uint32_t flags, size_t len,
	   struct vnode **vnode, bool *may_write)
{
	bool shared = flags & MAP_SHARED;
	struct file *f;
	int error = 0;

	*vnode = NULL;
	*may_write = true;
	if (!(flags & MAP_ANONYMOUS)) {
		f = fd_get(fd);
		if (!f)
			return -EBADF;
		error = check_file(f, prot, shared);
		if (!error)
			error = f->ops->mmap(f, vnode);
		if (!error && *vnode)
			vnode_get(*vnode);
		*may_write = (f->flags & O_ACCMODE) == O_RDWR;
		file_put(f);
	}
	if (!error && !*vnode && shared) {
		*may_write = true;
		error = shared_object_new(len, vnode);
	}
	return error;
}

/* vm_map, for a file with seals: under its lock, no seal is added between the
 * look at them and the mapping's being seen (written_by_mapping). */
static int64_t
map_sealable(struct vmspace *vm, vaddr_t addr, size_t len, uint32_t prot,
	     uint32_t flags, struct vnode *v, uint64_t offset, bool may_write)
{
	int64_t at = -EPERM;
	bool sealed;

	vnode_lock(v, 0);
	sealed = v->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE);
	if (!sealed || !(prot & PROT_WRITE))
		at = vm_map(vm, addr, len, prot, flags, v, offset,
			    may_write && !sealed);
	vnode_unlock(v);
	return at;
}

/* In the order of Linux: the offset, the descriptor, the length and type, and
 * sizes. The descriptor is only looked at here. POSIX.1-2017, mmap(), asks for
 * an error for length 0, and for EOVERFLOW where offset and length pass the
 * greatest offset of a file. */
static int
check_mmap(size_t len, uint32_t flags, int fd, uint64_t offset)
{
	bool anonymous = flags & MAP_ANONYMOUS;

	if (!IS_ALIGNED(offset, PAGE_SIZE))
		return -EINVAL;
	if (!anonymous && fd_get_flags(fd) < 0)
		return -EBADF;
	if (len == 0 ||
	    ((flags & MAP_TYPE) != MAP_SHARED &&
	     (flags & MAP_TYPE) != MAP_PRIVATE &&
	     ((flags & MAP_TYPE) != MAP_SHARED_VALIDATE || anonymous)))
		return -EINVAL;
	if (flags & MAP_HUGETLB)
		return -EINVAL;
	/* Of a file, nothing is below its start. */
	if (flags & MAP_GROWSDOWN &&
	    (!anonymous || (flags & MAP_TYPE) != MAP_PRIVATE))
		return -EINVAL;
	if (len > USER_TOP)
		return -ENOMEM;
	if (!anonymous &&
	    (offset + len < offset || (int64_t)(offset + len) < 0))
		return -EOVERFLOW;
	return flags & MAP_LOCKED && !mmap_may_lock() ? -EPERM : 0;
}

/* The bits of @prot and @flags that are not known are ignored, as on Linux, but
 * with MAP_SHARED_VALIDATE. The reference to the vnode is given back in any
 * case: the mapping has its own. If not all pages can be filled, the mapping
 * stands all the same, and no error tells of it (mmap(2), MAP_POPULATE). */
static int64_t
sys_mmap(vaddr_t addr, size_t len, uint64_t prot, uint64_t flags, int fd,
	 uint64_t offset)
{
	struct vmspace *vm = current()->vmspace;
	struct vnode *vnode;
	bool may_write;
	int64_t at;
	int error;

	error = check_mmap(len, flags, fd, offset);
	if (error)
		return error;
	if (flags & MAP_ANONYMOUS)
		offset = 0;
	/* SHARED_VALIDATE is SHARED that refuses what it does not know. */
	if ((flags & MAP_TYPE) == MAP_SHARED_VALIDATE) {
		if (flags & ~(uint64_t)MAP_KNOWN)
			return -EOPNOTSUPP;
		flags = (flags & ~MAP_TYPE) | MAP_SHARED;
	}
	error = backing_of(fd, prot, flags, len, &vnode, &may_write);
	if (error)
		return error;
	if (vnode && flags & MAP_SHARED && vnode_is_nameless(vnode))
		at = map_sealable(vm, addr, len, prot & PROT_ALL, flags, vnode,
				  offset, may_write);
	else
		at = vm_map(vm, addr, len, prot & PROT_ALL, flags, vnode,
			    offset, may_write);
	if (vnode)
		vnode_put(vnode);
	if (at >= 0 &&
	    (vm->fill_new || flags & MAP_LOCKED ||
	     (flags & (MAP_POPULATE | MAP_NONBLOCK)) == MAP_POPULATE))
		mmap_populate(vm, at, at + ROUND_UP(len, PAGE_SIZE));
	return at;
}
SYSCALL(NR_mmap, sys_mmap);

/* POSIX.1-2017, munmap(): a range where nothing is mapped is no error, but
 * length 0 is. */
static int64_t
sys_munmap(vaddr_t addr, size_t len)
{
	return vm_unmap(current()->vmspace, addr, len);
}
SYSCALL(NR_munmap, sys_munmap);

/* PROT_GROWSDOWN: the rights are for the whole stack down to its end
 * (mprotect(2)). No mapping grows up here. The stack may grow between this look
 * and vm_protect, which takes the lock again: then the pages that came below
 * keep the old rights. */
static int
stack_start(struct vmspace *vm, uint64_t prot, vaddr_t *addr, size_t *len)
{
	struct mapping *m;
	int error = 0;

	rwlock_read_lock(&vm->lock);
	m = map_ceil(vm, *addr);
	if (!m || m->start >= *addr + *len) {
		error = -ENOMEM;
	} else if (prot & PROT_GROWSUP || !m->is_stack) {
		error = -EINVAL;
	} else {
		*len += *addr - m->start;
		*addr = m->start;
	}
	rwlock_read_unlock(&vm->lock);
	return error;
}

/* In the order of Linux: length 0 is success before the rights are judged.
 * PROT_SEM means nothing on x86. */
static int64_t
sys_mprotect(vaddr_t addr, size_t len, uint64_t prot)
{
	struct vmspace *vm = current()->vmspace;
	uint64_t grows = prot & (PROT_GROWSDOWN | PROT_GROWSUP);
	int error = 0;

	if (grows == (PROT_GROWSDOWN | PROT_GROWSUP) ||
	    !IS_ALIGNED(addr, PAGE_SIZE))
		return -EINVAL;
	if (len == 0)
		return 0;
	if (len > USER_TOP)
		return -ENOMEM;
	if (prot & ~(PROT_ALL | PROT_SEM | grows))
		return -EINVAL;
	if (grows)
		error = stack_start(vm, grows, &addr, &len);
	return error ? error : vm_protect(vm, addr, len, prot & PROT_ALL);
}
SYSCALL(NR_mprotect, sys_mprotect);

/* ---- brk ---- */

/* vm->lock held for writing. Within one page only the number moves. Where
 * growing fails nothing is changed: brk stays as it was, by which the caller
 * knows. One page behind the new end must be free, so that the heap does not
 * run into its neighbour unnoticed. */
static void
change_brk(struct vmspace *vm, vaddr_t to, struct list *dead)
{
	vaddr_t old = ROUND_UP(vm->brk, PAGE_SIZE);
	vaddr_t new = ROUND_UP(to, PAGE_SIZE);
	struct mapping m = { .start = old,
			     .end = new,
			     .prot = PROT_READ | PROT_WRITE,
			     .flags = MAP_PRIVATE,
			     .may_write = true,
			     .locked = vm->lock_new };

	if (new < old)
		map_remove(vm, new, old, dead);
	else if (new > old &&
		 (!map_is_free(vm, old, new + PAGE_SIZE) ||
		  map_check_limits(vm, 1, (new - old) >> PAGE_SHIFT) ||
		  (m.locked && !vm_may_lock(vm, (new - old) >> PAGE_SHIFT))))
		return;
	else if (new > old)
		map_insert(vm, &m);
	vm->brk = to;
}

/* brk_start is the least: below it is the program's data. fill_new is read
 * without the lock: mlockall made at the same time may come before or after.
 * The memory that was given back is freed last, without the lock. */
vaddr_t
mmap_set_brk(struct vmspace *vm, vaddr_t brk, uint64_t limit)
{
	struct list dead = LIST_INIT(dead);
	vaddr_t result, old;

	rwlock_write_lock(&vm->lock);
	old = vm->brk;
	if (brk >= vm->brk_start && brk < USER_TOP && vm->brk_start &&
	    brk - vm->brk_start <= limit)
		change_brk(vm, brk, &dead);
	result = vm->brk;
	rwlock_write_unlock(&vm->lock);
	map_reap(&dead);
	if (vm->fill_new && result > old)
		mmap_populate(vm, ROUND_DOWN(old, PAGE_SIZE),
			      ROUND_UP(result, PAGE_SIZE));
	return result;
}

/* brk(2), "C library/kernel differences": the call returns the end that there
 * is now, and never an error; brk(0) asks for it. */
static int64_t
sys_brk(vaddr_t brk)
{
	return mmap_set_brk(current()->vmspace, brk,
			    vm_ops.limit ? vm_ops.limit(RLIMIT_DATA)
					 : RLIM_INFINITY);
}
SYSCALL(NR_brk, sys_brk);
