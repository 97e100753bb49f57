/*
 * The inside of epoll: a set of files, kept by the kernel, and the list of
 * those that have called since somebody last looked.
 *
 * EVENT2: a member that is ready, in a way that its waiter has not been told
 * of, stands on the ready list or is being looked at under the mutex.
 * EVENT3: a member holds no reference to its file; the file's last reference
 * takes it out before the file is taken down.
 *
 * Locks: mutex (levels: an epoll's before its members') > whatever a file's
 * poll takes > that file's queue > wq.lock (levels: a member's before its
 * epoll's). graph_lock is taken alone or under the mutex.
 */
#ifndef EPOLL_H
#define EPOLL_H

#include "event.h"

/** Edges on the longest path of epolls in epolls: five of them in a row. */
#define EPOLL_DEPTH_MAX 4u

struct epoll {
	struct refcount refs; /**< the file's, and who takes a member out */
	struct file *file;

	struct mutex mutex;
	struct rbroot members; /* by file and descriptor; under mutex */

	/** Threads in epoll_wait; and, as watches, who waits for this epoll's
	 * file. Its lock guards the ready list. */
	struct waitq wq;
	struct list ready; /* struct epoll_member.ready_link */

	/* Under graph_lock. */
	struct list children; /* struct epoll_member.child_link */
	uint64_t visit;	      /* number of the walk that was last here ... */
	unsigned below;	      /* ... and what it found */
};

/** A member's watch on one of its file's wait queues. */
struct epoll_hook {
	struct waitq_watch watch;
	struct waitq *wq;
	struct epoll_member *member;
};

#define HOOKS_MAX 2u /**< wait queues of a file: poll_add calls of its poll */

/** A file in a set, as registered by a descriptor. */
struct epoll_member {
	struct epoll *epoll;
	struct file *file; /**< not referenced: EVENT3 */
	int fd;

	struct rbnode node;	  /* under the mutex */
	struct epoll_hook hooks[HOOKS_MAX]; /* under the mutex */
	unsigned nhooks;		    /* under the mutex */
	uint64_t data;		  /* under the mutex */
	/** EPOLL*; 0 but for the flags: not to be told of. Changed under both
	 * the mutex and the queue's lock. */
	uint32_t events;

	struct list ready_link; /* under the queue's lock */

	/* Under graph_lock. */
	struct list file_link;	/* of file->epolls */
	struct list child_link; /* of epoll->children, if it is an epoll */
};

extern const struct file_ops epoll_file_ops;

static inline bool
is_epoll(const struct file *f)
{
	return f->ops == &epoll_file_ops;
}

/** The events of a member, without the flags. */
#define EPOLL_FLAGS (EPOLLET | EPOLLONESHOT | EPOLLEXCLUSIVE | EPOLLWAKEUP)

/* ---- epoll.c ---- */

/** An empty epoll. */
struct file *epoll_new(void);

/** epoll_ctl, of open files; the caller has references to both. @p event is
 * changed. May sleep. @return 0 or the error of the manual page */
int epoll_change(struct file *ep, int op, struct file *f, int fd,
		 struct epoll_event *event);

/* ---- epollready.c ---- */

/** Hang hooks on the queues of a member's file. @return its events now. The
 * mutex is held. May sleep. */
unsigned epoll_hang(struct epoll_member *m);

/** Take the hooks off: none calls any more. The mutex is held. */
void epoll_unhang(struct epoll_member *m);

/** A member has something to tell: put it on the ready list and wake. */
void epoll_make_ready(struct epoll_member *m);

/** file_ops.poll of an epoll. */
unsigned epoll_poll(struct file *f, struct poll_table *table);

/* ---- epollnest.c ---- */

/** Enter @p m where its file and its epoll find it. @return 0, or -ELOOP: that
 * would make a circle, or too deep a nest */
int epoll_link(struct epoll_member *m);
void epoll_unlink(struct epoll_member *m);

/** An epoll that waits for @p f, referenced, or NULL. */
struct epoll *epoll_of_file(struct file *f);
/** A member of @p e that is for @p f, or NULL. The mutex is held. */
struct epoll_member *epoll_member_of_file(struct epoll *e, struct file *f);

/** Give a reference back. */
void epoll_put(struct epoll *e);

void epoll_init(void);

#endif
