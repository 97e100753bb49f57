/*
 * files: descriptors, the numbers of a process's open files, and the system
 * calls on files: open, read, write, stat, chmod, fcntl and their kin.
 */
#ifndef FILES_H
#define FILES_H

#include "tmpfs.h"

/**
 * open(2) for the kernel, with the running thread's root, credentials and umask
 * (a kernel thread's: root's). No locks held; may sleep, at a FIFO for as long
 * as its other side is not opened.
 *
 * @param dirfd   where a relative path begins: a descriptor, or AT_FDCWD
 * @param path    kernel memory
 * @param flags   O_*, which go together: nothing is checked here that open
 *                refuses whatever the file is
 * @param mode    of a file that is made, before the umask
 * @param result  referenced; it has no descriptor yet
 * @return 0; the errors of open(2) but -EMFILE; -ERESTARTSYS: interrupted.
 *         A file that was made stays even if opening it fails
 */
int file_open(int dirfd, const char *path, unsigned flags, uint32_t mode,
	      struct file **result);

/* ---- Descriptors: what closes a file may sleep, and is called with no lock
 * held. Kernel threads have no table; only fd_get and fd_borrow allow that. */

/** A process's descriptors (shared by CLONE_FILES), referenced: an empty table.
 * Heap: one object. */
struct fdtable *fdtable_new(void);
/** The same descriptors in a table of its own, for fork: the files are shared,
 * FD_CLOEXEC is not; record locks stay @p from's (POSIX.1-2017, fork()). Heap:
 * its chunks. Does not sleep. */
struct fdtable *fdtable_copy(struct fdtable *from);
/** One more reference, a thread's. @return it */
struct fdtable *fdtable_get(struct fdtable *t);
/** Give a thread's reference back; the last one closes all. No thread may be
 * found by way of /proc with this table any more (proc_fdtable). May sleep. */
void fdtable_put(struct fdtable *t);
/** exec: close what is marked with FD_CLOEXEC. @p t is the running thread's,
 * and nobody else's (fdtable_unshare). May sleep. */
void fdtable_close_on_exec(struct fdtable *t);

/** The file behind descriptor @p fd of the running thread, referenced; NULL:
 * there is none (-EBADF). One opened with O_PATH is found, too: the caller
 * refuses it where its call does. Takes no lock, does not sleep but where the
 * descriptor is closed at this moment. */
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
/** As file_put. */
static inline void
fd_return(struct borrowed b)
{
	if (b.counted && b.file)
		file_put(b.file);
}

/** The same in another process's table, for /proc/PID/fd: the caller holds
 * proc_lock, which keeps the table. Takes its lock; does not sleep, nor do the
 * next two. */
struct file *fdtable_get_file(struct fdtable *t, int fd);
/** Its FD_CLOEXEC, or -EBADF. */
int fdtable_get_flags(struct fdtable *t, int fd);
/** Next used descriptor >= @p fd (less than 0: of all), or -1. */
int fdtable_next(struct fdtable *t, int fd);
/**
 * Install @p f at the lowest free descriptor >= @p from. The caller's reference
 * is taken over whatever the outcome: from here on other threads can use the
 * descriptor, and close it. Heap: a chunk, and the top. May sleep if it fails.
 * @return fd, or -EMFILE: the limit RLIMIT_NOFILE
 */
int fd_install(struct file *f, int from, bool cloexec);
/** Replace or install the file at exactly @p fd (dup2); the caller's reference
 * is taken over if that succeeds. What was there is closed. Heap: as
 * fd_install. May sleep. @return fd, or -EBADF: it is none below the limit */
int fd_replace(int fd, struct file *f, bool cloexec);
/** Close: the process's record locks on the file go, and the file with its last
 * reference. The number is free before that. May sleep. @return 0 or -EBADF */
int fd_close(int fd);
/** Undo fd_install for a call that fails after it: close @p fd, unless it is no
 * longer @p f, because another thread has closed it. A reference to @p f is
 * taken over. May sleep. */
void fd_uninstall(int fd, struct file *f);
/** Close descriptors @p first to @p last, or mark them for exec to close; one
 * after the other: what other threads open meanwhile may be among them. May
 * sleep. */
void fd_close_range(unsigned first, unsigned last, bool cloexec);
/** Give the running thread a table of its own if others share it; the record
 * locks stay with the old one. Heap: as fdtable_copy. May sleep. */
void fdtable_unshare(void);
/** FD_CLOEXEC of descriptor @p fd, or -EBADF; set it (0 or -EBADF). Neither
 * sleeps. */
int fd_get_flags(int fd);
int fd_set_flags(int fd, bool cloexec);

/** More than any descriptor that the running process has, open since before
 * its limit was lowered, too. Takes no lock: other threads may grow the table
 * at once. */
unsigned fd_bound(void);
/** Whether the running process may have one more descriptor now; a hint where
 * others share its table. Does not sleep. */
bool fd_available(void);
/** Install both files (the ends of a pipe), which are taken over whatever the
 * outcome, and tell the two descriptors at @p user, an address of the process.
 * No locks held; may sleep. @return 0; -EMFILE, -EFAULT with none installed */
int fd_install_pair(struct file *files[2], bool cloexec, int32_t *user);

/* ---- Buffers of one call ---- */

#define IOV_INLINE 8 /**< pieces that stand on the stack */

/** A user's list of buffers, copied and checked: it lies within user memory,
 * and no other thread can change it any more. */
struct user_iov {
	struct iovec *iov; /**< `small`, or in `pages`; not to be copied */
	struct iovec small[IOV_INLINE];
	struct page *pages; /**< where there are many; else NULL */
};
/** Copy @p n pieces. To be given back with user_iov_put, even if it fails.
 * What is past RW_MAX bytes in all is cut off. May sleep.
 * @return bytes in all, at most RW_MAX; -EINVAL: more than UIO_MAXIOV pieces,
 * or one of more than SSIZE_MAX bytes; -EFAULT, -ENOMEM */
int64_t user_iov_get(struct user_iov *c, const struct iovec *user, uint64_t n);
void user_iov_put(struct user_iov *c);

/* ---- Locks ---- */

/** A lock that is held, for /proc/locks. */
struct file_lock {
	enum file_lock_kind { LOCK_POSIX, LOCK_OFD, LOCK_FLOCK } kind;
	bool write; /**< exclusive; else shared */
	int pid;    /**< that set it; -1: LOCK_OFD, which has no process */
	uint64_t dev, ino;   /**< of the file: the mount's dev */
	uint64_t start, end; /**< bytes [start, end); UINT64_MAX: to the end */
};
/** The @p n-th lock of all, from 0, the oldest first. Locks that come and go
 * between two calls move the others. Does not sleep.
 * @return false: there are not as many */
bool file_lock_get(unsigned n, struct file_lock *l);

/** As fd_vnode (*v is referenced), for calls that change the file: O_PATH does
 * not do. May sleep. @return 0, -EBADF, -EINVAL: it has none */
int fd_real_vnode(int fd, struct vnode **v);

#endif
