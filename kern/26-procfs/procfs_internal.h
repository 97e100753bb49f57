/*
 * The parts of /proc: its tree (procfs.c), its files (file.c), its links
 * (links.c), what is told of a process (process.c) and of the whole system
 * (system.c), and texts (text.c).
 */
#ifndef PROCFS_INTERNAL_H
#define PROCFS_INTERNAL_H

#include "abi/syscall.h"
#include "procfs.h"

/**
 * A vnode holds nothing: its inode number says what it is.
 *
 *	ino = pid << 20 | kind << 16 | index
 */
enum kind {
	KIND_SYSTEM,	/**< of the whole system; pid is 0 */
	KIND_PID,	/**< the directory of a process */
	KIND_ENTRY,	/**< in it: index into pid_entries */
	KIND_THREAD,	/**< in its task: the directory of thread `pid` */
	KIND_OF_THREAD, /**< in that: index into pid_entries */
	KIND_FD,	/**< in its fd: the link of a descriptor */
	KIND_FDINFO,	/**< in its fdinfo: what is open there, in words */
	KIND_NAMELESS,	/**< what that leads to, if it has no vnode */
};

#define INO(pid, kind, index)                                                  \
	((uint64_t)(pid) << 20 | (uint64_t)(kind) << 16 | (index))
#define INO_PID(ino)   ((int)((ino) >> 20))
#define INO_KIND(ino)  ((enum kind)((ino) >> 16 & 0xf))
#define INO_INDEX(ino) ((unsigned)((ino)&0xffff))

struct text {
	char *buf;
	size_t len, cap;
};

void text_free(struct text *t);
/** Append @p string, with what is in @p special in octal, as \040. */
void text_escape(struct text *t, const char *string, const char *special);
/** Add spaces until the line that began at @p from is @p column long. */
void text_pad(struct text *t, size_t from, size_t column);

/** A file or directory of the whole system. */
struct node {
	const char *name;
	uint8_t len;
	uint8_t parent;
	uint32_t mode;
	void (*show)(struct text *t); /**< files */
	/** Files that root may write a number into: kept here, or given on. */
	uint64_t *number, max;
	int (*store)(uint64_t value);
	int (*link)(char *buf, size_t size); /**< symbolic links */
};

/** What @p v is of the whole system, or NULL: it is of a process. */
struct node *procfs_node(const struct vnode *v);

/** A file of every process's directory. */
struct pid_entry {
	const char *name;
	uint32_t mode; /**< type and permissions */
	/** Files: print. May sleep. 0 or a negative errno. */
	int (*show)(struct text *t, struct proc *p);
	/** The same for thread @p tid, if that is something else; else NULL. */
	int (*show_thread)(struct text *t, struct proc *p, int tid);
	/** Files that take what is written: @p text of thread @p tid, ended by
	 * a NUL. 0 or a negative errno. */
	int (*store)(struct proc *p, int tid, const char *text);
	/** Links: the vnode they lead to, referenced. */
	int (*follow)(struct proc *p, struct vnode **result);
	/** Links: how they read; NULL: the path of that vnode. */
	int (*readlink)(struct proc *p, char *buf, size_t size);
	bool restricted; /**< only the process's user, and root */
};
extern const struct pid_entry pid_entries[];
extern const unsigned npid_entries;

/** The process that a vnode belongs to, referenced, or NULL. */
static inline struct proc *
proc_of(const struct vnode *v)
{
	return proc_find(INO_PID(v->ino));
}

/** Whether it is in the directory of a process or thread. */
static inline bool
is_entry(const struct vnode *v)
{
	return INO_KIND(v->ino) == KIND_ENTRY ||
	       INO_KIND(v->ino) == KIND_OF_THREAD;
}

/** What it is there. */
static inline const struct pid_entry *
entry_of(const struct vnode *v)
{
	INVARIANT(PROCFS1, is_entry(v) && INO_INDEX(v->ino) < npid_entries);
	return &pid_entries[INO_INDEX(v->ino)];
}

/** The vnode of @p ino, referenced; if it is a new one, it belongs to the user
 * of @p p, or to root. */
struct vnode *procfs_vnode(struct mount *m, uint64_t ino, uint32_t mode,
			   struct proc *p);

/** Thread @p tid of @p p, or NULL: there is none, or it was the first and has
 * ended. proc_lock held, and valid as long. */
struct thread *procfs_thread(struct proc *p, int tid);

/** Whether the caller may see what only the user of @p p may. */
bool procfs_may_inspect(struct proc *p);

/** Descriptor @p fd of @p p, referenced, or NULL; *@p cloexec (or NULL) is
 * whether exec closes it (links.c). */
struct file *procfs_file(struct proc *p, int fd, bool *cloexec);
/** Its next descriptor from @p fd on, or -1. */
int procfs_next_fd(struct proc *p, int fd);
/** Text of a descriptor's file in fdinfo (links.c). 0 or -ENOENT */
int show_fdinfo(struct text *t, struct proc *p, int fd);

/** Operations of files (file.c), links, and of what these make up (links.c). */
extern const struct vnode_ops procfs_file_ops, procfs_link_ops,
	procfs_nameless_ops;

/** Runnable threads, averaged over 1, 5 and 15 minutes, with 16 bits of
 * fraction (load.c); start averaging. */
void load_averages(uint64_t load[3]);
void load_init(void);

/** Add the files of system.c. */
void procfs_system_init(void);
void procfs_disks_init(void);

/** The host's name, as uname tells it; copied. */
void hostname_get(char *name, size_t size);
/** uname's release and version. */
extern const char kernel_release[], kernel_version[];

/** The number of the mount whose files have @p dev: it is mounted once. */
static inline unsigned
mount_id(uint64_t dev)
{
	return dev_major(dev) << 8 | dev_minor(dev);
}
/** /proc/mounts, which is also in each process's directory. */
void show_mounts(struct text *t);
/** The same for programs: with numbers that say which is on which. */
void show_mount_info(struct text *t);

#endif
