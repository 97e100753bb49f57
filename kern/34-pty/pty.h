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
 * until that is closed, from the master. They are counted in tty.refs: both
 * ends are freed together. Lock order: the root of the mount, tty.lock,
 * tty.out_lock, a mount's list.
 */
struct pty {
	struct tty tty;
	/** Memory of tty.buffer, and of ring. Constant; freed with the pair. */
	struct page *line, *output;

	/* Written by the terminal, read by the master: a ring. The positions
	 * count on for ever, modulo 2^32, and stand for a place modulo the
	 * ring's size; head - tail bytes wait. Guarded by tty.out_lock. */
	uint8_t *ring; /**< constant */
	uint32_t head, tail;
	unsigned nopen;	 /**< files of the terminal */
	bool was_opened; /**< once; until then 0 files are no end of file */
	bool packet;	 /**< TIOCPKT */
	uint8_t notices; /**< TIOCPKT_* that the master has not read */
	struct waitq read_wq; /**< the master waits for output */

	/* Guarded by tty.lock. */
	struct waitq input_wq; /**< the master waits for room, or for TCOON */
	bool held;	       /**< TCOOFF: it types nothing */

	_Atomic bool exclusive; /**< TIOCEXCL of the master */

	/* Asked by each open, without a lock. */
	_Atomic bool locked;	  /**< TIOCSPTLCK: it cannot be opened yet */
	_Atomic bool master_open; /**< ... nor any more */

	/* devpts.c: constant once it has a name. */
	struct vnode *node; /**< referenced by the master; NULL before */
	unsigned number;    /**< of all pairs of the mount */
	struct list link;   /**< of the mount's; by number; under its lock */
};

/** A pair of ends, with one reference; locked, and without a name. Takes one
 * object of the heap. No locks held; may sleep. @return NULL: there are no
 * pages for it */
struct pty *pty_new(void);

/** Make @p f the master of @p p, whose reference goes with it: release gives it
 * back. @p p has its name. Does not sleep. */
void pty_open_master(struct pty *p, struct file *f);

/** Give @p p a number and a name in @p m, a mount of devpts. The node belongs
 * to the caller (fsuid, fsgid) unless the mount says otherwise, and has a
 * reference to the terminal; p->node is referenced for the master. No locks of
 * a terminal held: takes the root's. May sleep. @return 0; -ENOSPC: the mount
 * has as many as it may, and nothing was done */
int devpts_add(struct mount *m, struct pty *p);

/** Take the name away; the number is free when the last user is gone. The
 * master's reference to p->node stays, to be given back by the caller. No locks
 * of a terminal held: takes the root's. May sleep. */
void devpts_remove(struct pty *p);

#endif
