/*
 * procfs: /proc, the files in which programs read of processes and of the
 * system. Their text is written when it is read.
 */
#ifndef PROCFS_H
#define PROCFS_H

#include "exec.h"

/** A text under construction; it grows on pages, not on the heap. Where there
 * is no page it is cut short. The functions on it do not sleep. */
struct text;
/** Append as printf does, to any length. */
void text_printf(struct text *t, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/** Append @p len bytes as they are. */
void text_append(struct text *t, const void *bytes, size_t len);

/** Add a file to /proc: @p name may hold slashes, the directories are made;
 * it is not copied. @p show prints its text, in the reader's context, and may
 * sleep. At start-up only. */
void procfs_add(const char *name, void (*show)(struct text *t));

/** The same for a file that holds *@p number, in decimal; root may set it, up
 * to @p max. Accesses are atomic. */
void procfs_add_number(const char *name, uint64_t *number, uint64_t max);
/** Add a file for root to write a number into; @p store gets it, in the
 * writer's context, may sleep, and answers 0 or -errno. At start-up only. */
void procfs_add_switch(const char *name, int (*store)(uint64_t value));

/** The number of the process whose directory descriptor @p fd is, or -EBADF. */
int procfs_pid_of(int fd);

/** Sets of signals, bit 0 for signal 1. */
struct signal_sets {
	uint64_t pending, blocked;	  /**< of the thread */
	uint64_t shared, ignored, caught; /**< of its process */
};

/** What later chapters fill in. Unfilled hooks are not called. */
struct procfs_ops {
	/** tty: for /proc/PID/stat: device and foreground group, or 0, -1. No
	 * locks held. */
	void (*tty_info)(struct proc *p, int *tty_nr, int *tpgid);
	/** signal: for stat and status of thread @p tid of @p p, which is no
	 * zombie, or just became one. No locks held. */
	void (*signal_info)(struct proc *p, int tid, struct signal_sets *sets);
};
extern struct procfs_ops procfs_ops;

#endif
