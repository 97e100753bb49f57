/*
 * The parts of /proc: its tree (procfs.c), files of a process (procfs_pid.c)
 * and of the whole system (procfs_system.c), and the texts in them (text.c).
 */
#ifndef PROCFS_H
#define PROCFS_H

#include "proc_internal.h"

struct text {
	char *buf;
	size_t len, cap;
};

void text_free(struct text *t);
/** Add spaces until the line that began at @p from is @p column long. */
void text_pad(struct text *t, size_t from, size_t column);

/** A file of every process's directory. */
struct pid_entry {
	const char *name;
	uint32_t mode; /**< type and permissions */
	/** Files: print. May sleep. 0 or a negative errno. */
	int (*show)(struct text *t, struct proc *p);
	/** Links: the vnode they lead to, referenced. */
	int (*follow)(struct proc *p, struct vnode **result);
	bool restricted; /**< only the process's user, and root */
};
extern const struct pid_entry pid_entries[];
extern const unsigned npid_entries;

/** The path of @p v as a link to it reads, in @p buf.
 * @return its length, or -ERANGE */
int procfs_path(struct vnode *v, char *buf, size_t size);

/** Add the files of procfs_system.c. */
void procfs_system_init(void);

/** /proc/mounts, which is also in each process's directory. */
void show_mounts(struct text *t);

#endif
