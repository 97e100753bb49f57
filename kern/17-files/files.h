/*
 * files: descriptors, the numbers of a process's open files, and the system
 * calls on files: open, read, write, stat, chmod, fcntl and their kin.
 */
#ifndef FILES_H
#define FILES_H

#include "tmpfs.h"

/** open(2) for the kernel: @p path is kernel memory, AT_FDCWD resolved against
 * the running thread's. The flags go together. */
int file_open(int dirfd, const char *path, unsigned flags, uint32_t mode,
	      struct file **result);

/* ---- Descriptors ---- */

/** A process's descriptors (shared by CLONE_FILES). */
struct fdtable *fdtable_new(void);
struct fdtable *fdtable_copy(struct fdtable *from);
struct fdtable *fdtable_get(struct fdtable *t);
void fdtable_put(struct fdtable *t);
void fdtable_close_on_exec(struct fdtable *t);

/** The file behind descriptor @p fd of the running thread, referenced; NULL:
 * there is none (-EBADF). */
struct file *fd_get(int fd);
/** A file for the length of one call. */
struct borrowed {
	struct file *file; /**< NULL: there is none (-EBADF) */
	bool counted;	   /**< with a reference */
};

/**
 * fd_get for a call that neither keeps the file nor closes descriptors: where
 * no other thread shares the table, nobody can close the file meanwhile, and
 * the table's own reference will do (the idea is Linux's fdget).
 */
struct borrowed fd_borrow(int fd);
static inline void
fd_return(struct borrowed b)
{
	if (b.counted && b.file)
		file_put(b.file);
}

/** The same in another process's table, for /proc/PID/fd. Does not sleep, nor
 * do the next two. */
struct file *fdtable_get_file(struct fdtable *t, int fd);
/** Its FD_CLOEXEC, or -EBADF. */
int fdtable_get_flags(struct fdtable *t, int fd);
/** Next used descriptor >= @p fd, or -1. */
int fdtable_next(struct fdtable *t, int fd);
/** Install @p f at the lowest free descriptor >= @p from. The caller's
 * reference is taken over whatever the outcome. @return fd, or -EMFILE */
int fd_install(struct file *f, int from, bool cloexec);
/** Replace or install the file at exactly @p fd (dup2). */
int fd_replace(int fd, struct file *f, bool cloexec);
/** Close. @return 0 or -EBADF */
int fd_close(int fd);
/** Close descriptors @p first to @p last, or mark them for exec to close. */
void fd_close_range(unsigned first, unsigned last, bool cloexec);
/** Give the running thread a table of its own if others share it. */
void fdtable_unshare(void);
/** FD_CLOEXEC of descriptor @p fd, or -EBADF; set it. */
int fd_get_flags(int fd);
int fd_set_flags(int fd, bool cloexec);

/** More than any descriptor that the running process has, open since before
 * its limit was lowered, too. */
unsigned fd_bound(void);
/** Whether the running process may have one more descriptor now. */
bool fd_available(void);
/** Install both files (the ends of a pipe), which are taken over whatever the
 * outcome, and tell the two descriptors at @p user, an address of the process.
 * @return 0; -EMFILE, -EFAULT with none installed */
int fd_install_pair(struct file *files[2], bool cloexec, int32_t *user);

/* ---- Buffers of one call ---- */

#define IOV_INLINE 8

/** A user's list of buffers, copied and checked. */
struct user_iov {
	struct iovec *iov;
	struct iovec small[IOV_INLINE];
	struct page *pages; /**< where there are many */
};
/** Copy @p n pieces. To be given back with user_iov_put, even if it fails.
 * @return bytes in all, at most what one call moves; -EINVAL, -EFAULT,
 * -ENOMEM */
int64_t user_iov_get(struct user_iov *c, const struct iovec *user, uint64_t n);
void user_iov_put(struct user_iov *c);

/* ---- Locks ---- */

/** A lock that is held, for /proc/locks. */
struct file_lock {
	enum file_lock_kind { LOCK_POSIX, LOCK_OFD, LOCK_FLOCK } kind;
	bool write;
	int pid; /**< or -1: an open file's */
	uint64_t dev, ino;
	uint64_t start, end; /**< bytes [start, end); UINT64_MAX: to the end */
};
/** The @p n-th lock of all. @return false: there are not as many */
bool file_lock_get(unsigned n, struct file_lock *l);

/** As fd_vnode, for calls that change the file: O_PATH does not do.
 * @return 0, -EBADF, -EINVAL: it has none */
int fd_real_vnode(int fd, struct vnode **v);

#endif
