/*
 * pty: pseudo-terminals, terminals whose other end is a program. pty.c is the
 * pair of the two ends, devpts.c the names of the one that is a terminal. No
 * later chapter needs any of it.
 */
#ifndef PTY_H
#define PTY_H

#include "terminal.h"

/** Pseudo-terminals of a mount, unless max= says less. */
#define PTYS_MAX 1024

/**
 * The terminal ("slave") has references from its vnode, its open files, and,
 * until that is closed, from the master. Lock order: the root of the mount,
 * tty.lock, tty.out_lock, a mount's list.
 */
struct pty {
	struct tty tty;
	struct page *line, *output; /**< what was typed; what was written */

	/* Written by the terminal, read by the master: a ring, positions
	 * modulo its size. Guarded by tty.out_lock. */
	uint8_t *ring;
	uint32_t head, tail;
	unsigned nopen; /**< files of the terminal */
	bool was_opened;
	bool packet;	      /**< TIOCPKT */
	uint8_t notices;      /**< TIOCPKT_* that the master has not read */
	struct waitq read_wq; /**< the master waits for output */

	struct waitq input_wq; /**< it waits for room; under tty.lock */

	_Atomic bool locked;	  /**< TIOCSPTLCK: it cannot be opened yet */
	_Atomic bool master_open; /**< ... nor any more */

	/* devpts.c: constant once it has a name. */
	struct vnode *node;
	unsigned number;
	struct list link; /**< of the mount's; by number */
};

/** A pair of ends, with one reference. NULL: there is no memory. */
struct pty *pty_new(void);

/** Make @p f the master of @p p, whose reference goes with it. */
void pty_open_master(struct pty *p, struct file *f);

/** Give @p p a number and a name in @p m, a mount of devpts. @return 0, -ENOSPC
 */
int devpts_add(struct mount *m, struct pty *p);

/** Take the name away; the number is free when the last user is gone. */
void devpts_remove(struct pty *p);

#endif
