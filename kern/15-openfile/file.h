/*
 * Open files: an open file is a position in a vnode (or a pipe, a terminal),
 * and what reading, writing and waiting do there.
 */
#ifndef FILE_H
#define FILE_H

#include "abi/poll.h"
#include "vfs.h"

struct poll_table;

/** Of what has no vnode, but lets its mode and its owner be changed. */
struct file_attr {
	_Atomic uint32_t mode; /**< with its type */
	_Atomic uint32_t uid, gid;
};

/**
 * Operations of an open file. All may sleep; NULL is -EINVAL (read, write) or
 * as the call's manual page says.
 */
struct file_ops {
	/** *pos moves by what was transferred. @return bytes or -errno */
	int64_t (*read)(struct file *f, struct uio *u, uint64_t *pos);
	int64_t (*write)(struct file *f, struct uio *u, uint64_t *pos);
	int64_t (*seek)(struct file *f, int64_t offset, int whence);
	int (*readdir)(struct file *f, void *dirent, size_t size);
	int (*ioctl)(struct file *f, uint64_t request, uint64_t arg);
	/** Ready events (POLLIN...) now. If @p table is not NULL, first
	 * poll_add(table, wq) for each queue that would announce a change. */
	unsigned (*poll)(struct file *f, struct poll_table *table);
	int (*fsync)(struct file *f, bool data_only);
	/** Files without a vnode: what fstat shows. */
	int (*stat)(struct file *f, struct stat *st);
	/** ... what fchmod and fchown change there; NULL op: -EINVAL. */
	struct file_attr *(*attr)(struct file *f);
	/** vm: what a mapping of this file maps (NULL: memory of zeros); 0 or
	 * -ENODEV, -EACCES. NULL op: -ENODEV. */
	int (*mmap)(struct file *f, struct vnode **backing);
	/** The last reference is gone. */
	void (*release)(struct file *f);
	/** What /proc/PID/fdinfo shows besides: lines, at most @p size bytes
	 * with the NUL. @return their length */
	int (*info)(struct file *f, char *buf, size_t size);
	/** Files without a vnode or a stat: what /proc/PID/fd shows. */
	const char *name;
};

struct file {
	struct refcount refs;
	const struct file_ops *ops;
	struct vnode *vnode;	/**< NULL: pipe, ... */
	_Atomic unsigned flags; /**< O_*: access mode and status flags */
	/** Read and write use pos (regular files, directories, disks), and
	 * hold pos_lock for it. */
	bool has_pos;
	struct mutex pos_lock;
	uint64_t pos;
	void *private_data;
	/** event: of epolls that wait for it. It may look empty while the last
	 * of them is still taking itself off, so nothing else stands here. */
	struct list epolls;
	struct rcu_head rcu; /* fd_get takes no lock */
};

static inline bool
file_readable(const struct file *f)
{
	return !(f->flags & (O_PATH | O_WRONLY));
}

static inline bool
file_writable(const struct file *f)
{
	unsigned flags = f->flags;

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

/** An open file without a vnode. */
struct file *file_new(const struct file_ops *ops, unsigned flags,
		      void *private_data);
/** Open @p v: checks no permission; a reference to v is taken. @return 0,
 * -ETXTBSY, -ENXIO, -EACCES (device on a MS_NODEV mount), the device's */
int vnode_open(struct vnode *v, unsigned flags, struct file **result);
/** Taking and giving back references. file_put may sleep. */
struct file *file_get(struct file *f);
void file_put(struct file *f);
/** The running process has come by @p f and holds it now: charge it and what
 * is behind it (a pipe, a socket) to that. */
void file_take(struct file *f);

extern const struct file_ops regular_file_ops, dir_file_ops;

/** Read or write at *pos, or at the file's own position where @p pos is NULL.
 * Checks the access mode. @return bytes or -errno (-ESPIPE: @p pos given, and
 * the file has no positions) */
int64_t file_read(struct file *f, struct uio *u, uint64_t *pos);
int64_t file_write(struct file *f, struct uio *u, uint64_t *pos);
/** Whether there are positions to read and write at: a device without contents
 * (null, zero) takes any, a pipe has none. */
bool file_has_positions(struct file *f);

/** Read a file from the kernel (exec). @return bytes or -errno */
int64_t vnode_read(struct vnode *v, void *buf, size_t len, uint64_t pos);
/** Write back what is dirty of @p v and have it reach the disk: its pages, then
 * what its file system has of it. @p v's lock is not held. 0 or -errno */
int vnode_fsync(struct vnode *v, bool data_only);
/** Change the size; @p v's lock is not held. Checks no permission. */
int vnode_truncate(struct vnode *v, uint64_t size);
/** Have room for bytes [from, to), below and (unless @p keep_size) past the end
 * of file, which moves to @p to; new ones are zeros. @p v's lock is held.
 * @return 0, -ENOSPC, -EFBIG, -EINTR, -EIO; -EOPNOTSUPP: room past the end
 * cannot be had without moving it */
int vnode_allocate(struct vnode *v, uint64_t from, uint64_t to, bool keep_size);
/** Make a hole of bytes [from, to); @p v's lock is held.
 * @return 0, -EOPNOTSUPP, -EIO... */
int vnode_punch(struct vnode *v, uint64_t from, uint64_t to);
/** For file systems: zero bytes [from, to) in the cache; whole pages leave it,
 * and the page tables. @p v's lock is held. @return 0 or the error of reading a
 * page of which a part remains */
int vnode_drop_range(struct vnode *v, uint64_t from, uint64_t to);
/** lseek's SEEK_DATA and SEEK_HOLE. @return the position; -ENXIO, -EIO... */
int64_t vnode_seek(struct vnode *v, uint64_t from, bool data);
/** The mode of a file of @p gid once it lends its owner's rights to nobody;
 * S_ISGID without the right to execute lends none, and stays for who is in the
 * group. */
uint32_t plain_mode(uint32_t mode, uint32_t gid);
/** A write by another than root takes set-user-id and set-group-id away. @p v's
 * lock is held. */
void vnode_drop_set_id(struct vnode *v);
/** Change the size; @p v's lock is held. */
int vnode_resize(struct vnode *v, uint64_t size);
/** The largest file: what a signed 64-bit offset can name. */
#define FILE_SIZE_MAX 0x7ffffffffffff000ul

/** Note the time, for access times, which are a few seconds late: every few
 * seconds. */
void regular_note_time(void);

#endif
