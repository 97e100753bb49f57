/*
 * Open files: an open file is a position in a vnode (or a pipe, a terminal),
 * and what reading, writing and waiting do there.
 */
#ifndef FILE_H
#define FILE_H

#include "abi/poll.h"
#include "vfs.h"

struct poll_table;

/** Of what has no vnode, but lets its mode and its owner be changed. No lock:
 * each field is changed in one step. */
struct file_attr {
	_Atomic uint32_t mode; /**< with its type */
	_Atomic uint32_t uid, gid;
};

/** Operations of an open file. All may sleep; no locks are held but those
 * named, and the file has a reference. NULL is -EINVAL (read, write) or as the
 * call's manual page says. The access mode was checked by the caller of read
 * and write. */
struct file_ops {
	/** *pos moves by what was transferred; it is f->pos, with pos_lock
	 * held, or the caller's own (pread). @return bytes, or -errno if none
	 * was: what was moved is never denied */
	int64_t (*read)(struct file *f, struct uio *u, uint64_t *pos);
	int64_t (*write)(struct file *f, struct uio *u, uint64_t *pos);
	/** lseek: set f->pos and return it, or -errno; pos_lock is held.
	 * Without has_pos it also tells, by 0 for (0, SEEK_CUR), that any
	 * position will do, and then no lock is held. NULL op: by f->vnode's
	 * size, if has_pos; else -ESPIPE. */
	int64_t (*seek)(struct file *f, int64_t offset, int whence);
	/** Copy records of getdents64 to user address @p dirent; pos_lock is
	 * held, and f->pos moves. @return bytes, 0 at the end, or -errno. NULL
	 * op: -ENOTDIR. */
	int (*readdir)(struct file *f, void *dirent, size_t size);
	/** @p arg is what the caller gave, mostly a user address. -ENOTTY: not
	 * a request of this kind of file. NULL op: the same. */
	int (*ioctl)(struct file *f, uint64_t request, uint64_t arg);
	/** Ready events (POLLIN...) now. If @p table is not NULL, first
	 * poll_add(table, wq) for each queue that would announce a change: in
	 * the other order a change between look and wait would go unseen. NULL
	 * op: always ready to read and to write; epoll refuses it (-EPERM). */
	unsigned (*poll)(struct file *f, struct poll_table *table);
	/** Have what was written reach the disk; @p data_only (fdatasync): of
	 * the metadata only what is needed to find the data. NULL op:
	 * -EINVAL. */
	int (*fsync)(struct file *f, bool data_only);
	/** Files without a vnode: what fstat shows. */
	int (*stat)(struct file *f, struct stat *st);
	/** ... what fchmod and fchown change there; NULL op: -EINVAL. */
	struct file_attr *(*attr)(struct file *f);
	/** vm: what a mapping of this file maps (NULL: memory of zeros); 0 or
	 * -ENODEV, -EACCES. NULL op: -ENODEV. */
	int (*mmap)(struct file *f, struct vnode **backing);
	/** The last reference is gone: nobody else can reach the file, whose
	 * vnode is still referenced. It cannot fail. */
	void (*release)(struct file *f);
	/** What /proc/PID/fdinfo shows besides: lines, at most @p size bytes
	 * with the NUL. @return their length */
	int (*info)(struct file *f, char *buf, size_t size);
	/** Files without a vnode or a stat: what /proc/PID/fd shows. */
	const char *name;
};

/**
 * An open file: POSIX's open file description. Descriptors, whoever's, are
 * references to it, and so share its position and status flags (dup, fork).
 */
struct file {
	struct refcount refs;
	/* Constant once it is open. */
	const struct file_ops *ops;
	struct vnode *vnode; /**< referenced; NULL: pipe, ... */
	/** O_*: access mode, which is constant, and status flags (F_SETFL). */
	_Atomic unsigned flags;
	/** Read and write use pos (regular files, directories, disks), and hold
	 * pos_lock for it. It comes before all locks of vnodes. Constant. */
	bool has_pos;
	struct mutex pos_lock;
	uint64_t pos;	    /**< bytes; of a directory, what its readdir says */
	void *private_data; /**< the operations' own */
	/** event: of epolls that wait for it, under event's graph_lock. It may
	 * look empty while the last of them is still taking itself off, so
	 * nothing else stands here. */
	struct list epolls;
	struct rcu_head rcu; /* fd_get takes no lock */
};

/** Whether the file was opened for reading (writing). O_PATH gives neither. */
static inline bool
file_readable(const struct file *f)
{
	return !(f->flags & (O_PATH | O_WRONLY));
}

static inline bool
file_writable(const struct file *f)
{
	unsigned flags = f->flags;

	/* O_WRONLY is 1 and O_RDWR is 2; 3, for ioctls alone, is neither. */

	return !(flags & O_PATH) && (flags & O_ACCMODE) - 1u < 2;
}

/** event's poll: how a file says what to wait on; NULL table: do not wait. */
struct poll_table {
	void (*add)(struct poll_table *t, struct waitq *wq);
	unsigned wanted; /**< POLL*: events that the caller waits for */
};
static inline void
poll_add(struct poll_table *t, struct waitq *wq)
{
	if (t)
		t->add(t, wq);
}
/** The same for a queue that announces @p events and no others. */
static inline void
poll_add_for(struct poll_table *t, struct waitq *wq, unsigned events)
{
	if (t && (t->wanted & events))
		t->add(t, wq);
}

/** An open file without a vnode, with one reference. @p flags: O_*, as they
 * stay; @p private_data is for the operations. Allocates. */
struct file *file_new(const struct file_ops *ops, unsigned flags,
		      void *private_data);
/** Open @p v, to which a reference is taken: checks no permission. @p flags:
 * O_*, without those that say only how to open. May wait, for a FIFO's other
 * end. No locks are held. @return 0, -ETXTBSY: a program that runs; -EROFS;
 * -ENXIO: no such device, or a socket; -EACCES (device on a MS_NODEV mount);
 * -ELOOP: a link; the device's */
int vnode_open(struct vnode *v, unsigned flags, struct file **result);
/** Taking and giving back references. file_put may sleep (release, inactive);
 * no spinlock is held then, nor a vnode's lock. */
struct file *file_get(struct file *f);
void file_put(struct file *f);
/** The running process has come by @p f and holds it now (SCM_RIGHTS): charge
 * its heap, and that of what is behind it (a pipe, a socket), to that. */
void file_take(struct file *f);

extern const struct file_ops regular_file_ops, dir_file_ops;

/** Read or write at *pos, or at the file's own position where @p pos is NULL,
 * which takes pos_lock. Checks the access mode. May sleep, and if the file is a
 * pipe or a terminal, for ever, unless a signal comes. @return bytes or -errno
 * (-EBADF: not open for this; -EINVAL: not of this kind of file; -ESPIPE: @p
 * pos given, and the file has no positions) */
int64_t file_read(struct file *f, struct uio *u, uint64_t *pos);
int64_t file_write(struct file *f, struct uio *u, uint64_t *pos);
/** Whether there are positions to read and write at: a device without contents
 * (null, zero) takes any, a pipe has none. Decides -ESPIPE. */
bool file_has_positions(struct file *f);

/** Read a regular file from the kernel (exec) at byte @p pos. Takes no lock,
 * sets no time; may sleep. @return bytes, less than @p len only at the end of
 * file, or -errno (-EINVAL: not such a file) */
int64_t vnode_read(struct vnode *v, void *buf, size_t len, uint64_t pos);
/** Write back what is dirty of @p v and have it reach the disk: its pages, then
 * what its file system has of it, which leads to them. @p v's lock is not held.
 * May sleep. @return 0 or -errno: of a failed write-back, which is told once */
int vnode_fsync(struct vnode *v, bool data_only);
/** Change the size; @p v's lock is not held. Checks no permission, but limits:
 * -EFBIG (and SIGXFSZ, past RLIMIT_FSIZE); -EINVAL: its size is not its own;
 * -EPERM: a seal; the file system's. May sleep. */
int vnode_truncate(struct vnode *v, uint64_t size);
/** Have room for bytes [from, to), below and (unless @p keep_size) past the end
 * of file, which moves to @p to; new ones are zeros. @p v's lock is held.
 * @return 0, -ENOSPC, -EFBIG, -EINTR, -EIO; -EOPNOTSUPP: room past the end
 * cannot be had without moving it */
int vnode_allocate(struct vnode *v, uint64_t from, uint64_t to, bool keep_size);
/** Make a hole of bytes [from, to), which read as zeros; the size stays. @p v's
 * lock is held for writing; may sleep. @return 0, -EOPNOTSUPP, -EIO...; after
 * an error a part may read as zeros */
int vnode_punch(struct vnode *v, uint64_t from, uint64_t to);
/** For file systems: zero bytes [from, to) in the cache; whole pages leave it,
 * and the page tables. @p v's lock is held. @return 0 or the error of reading a
 * page of which a part remains */
int vnode_drop_range(struct vnode *v, uint64_t from, uint64_t to);
/** lseek's SEEK_DATA (@p data) and SEEK_HOLE, from byte @p from on: the end of
 * file is a hole. No lock is held: the answer may be old. May sleep. @return
 * the position; -ENXIO: @p from is past the end, or no data follows; -EIO... */
int64_t vnode_seek(struct vnode *v, uint64_t from, bool data);
/** The mode of a file of @p gid once it lends its owner's rights to nobody:
 * S_ISGID without the right to execute lends none (it was the mark of mandatory
 * locking), and stays where the caller is in the group. Does not sleep. */
uint32_t plain_mode(uint32_t mode, uint32_t gid);
/** A write by another than root takes set-user-id and set-group-id away
 * (POSIX.1-2017, write). @p v's lock is held for writing; may sleep. @return 0,
 * or the file system's: then it must not be written */
int vnode_drop_set_id(struct vnode *v);
/** vnode_truncate without limits; @p v's lock is held for writing. -EPERM: a
 * seal; -EIO: of the page that keeps a part; the file system's. */
int vnode_resize(struct vnode *v, uint64_t size);
/** The largest file, in bytes: what a signed 64-bit offset can name, in whole
 * pages. */
#define FILE_SIZE_MAX 0x7ffffffffffff000ul

/** The file or directory that @p f is has been read: set its access time, if
 * that is wanted, and news. Takes no lock; does not sleep. */
void file_note_access(const struct file *f);
/** Note the time, for access times, which are a few seconds late: called by the
 * flush thread every few seconds. Does not sleep. */
void regular_note_time(void);

#endif
