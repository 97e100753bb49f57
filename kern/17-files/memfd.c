/*
 * memfd_create: a file in memory that has no name, only descriptors; and seals,
 * by which its maker promises that it will not change any more: who is handed
 * the descriptor need not fear that what was checked is changed or cut off.
 * The seals are kept where contents change: regular.c (writes, size), space.c
 * (fallocate), and chapter mmap (shared writable mappings).
 *
 * Source of the interface: memfd_create(2), fcntl(2).
 */
#include "abi/mman.h"
#include "abi/syscall.h"
#include "files_internal.h"
#include "format.h"
#include "string.h"

#define PREFIX	 "memfd:"
#define NAME_LEN (NAME_MAX - (sizeof(PREFIX) - 1)) /* 249: memfd_create(2) */
#define SEALS                                                                  \
	(F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE |            \
	 F_SEAL_FUTURE_WRITE)

/* Not to be sealed is itself a seal: against seals. So the receiver of a file
 * whose maker said nothing reads that nobody ever will. */
static int64_t
memfd_create(const char *label, unsigned flags)
{
	char text[NAME_MAX + 1];
	struct vnode *v;
	struct file *f;
	int error;

	snformat(text, sizeof(text), PREFIX "%s", label);
	error = tmpfs_nameless(text, S_IFREG | 0777, &v);
	if (error)
		return error;
	v->seals = flags & MFD_ALLOW_SEALING ? 0 : F_SEAL_SEAL;
	error = vnode_open(v, O_RDWR | O_LARGEFILE, &f);
	vnode_put(v);
	return error ? error : fd_install(f, 0, flags & MFD_CLOEXEC);
}

static int64_t
sys_memfd_create(const char *name, unsigned flags)
{
	char label[NAME_LEN + 1];
	int64_t n;

	if (flags & ~(MFD_CLOEXEC | MFD_ALLOW_SEALING))
		return -EINVAL;
	n = copyin_string(label, name, sizeof(label));
	if (n < 0)
		return n == -ENAMETOOLONG ? -EINVAL : n;
	return memfd_create(label, flags);
}
SYSCALL(NR_memfd_create, sys_memfd_create);

/* Under the file's lock, which excludes writes, and new mappings: what was
 * promised holds from here on. A mapping that writes already could not be told
 * to stop; F_SEAL_FUTURE_WRITE leaves it be, for a maker who goes on to write
 * what others only read. No seal is ever taken off. */
static int
add_seals(struct vnode *v, unsigned seals)
{
	if (v->seals & F_SEAL_SEAL)
		return -EPERM;
	if (seals & F_SEAL_WRITE && !(v->seals & F_SEAL_WRITE) &&
	    vfs_ops.written_by_mapping && vfs_ops.written_by_mapping(v))
		return -EBUSY;
	v->seals |= seals;
	return 0;
}

int64_t
file_seals(struct file *f, unsigned command, uint64_t seals)
{
	struct vnode *v = f->vnode;
	int error;

	if (!v || !vnode_is_nameless(v))
		return -EINVAL;
	if (command == F_GET_SEALS)
		return v->seals;
	if (!file_writable(f))
		return -EPERM;
	if (seals & ~(uint64_t)SEALS)
		return -EINVAL;
	vnode_lock(v, 0);
	error = add_seals(v, seals);
	vnode_unlock(v);
	return error;
}
