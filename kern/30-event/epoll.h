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

/** Edges on the longest path of epolls in epolls: five of them in a row, as
 * many as on Linux (epoll_ctl(2), ELOOP). */
#define EPOLL_DEPTH_MAX 4u

struct epoll {
	struct refcount refs; /**< the file's, and who takes a member out */
	/** Not referenced: it holds this. Constant; there while this has
	 * members, which the file's end takes out, or is one (EVENT3). */
	struct file *file;

	/** Held while members are asked, which may sleep; so the set stays as
	 * it is from begin to end of a walk along the ready list. */
	struct mutex mutex;
	struct rbroot members; /* by file and descriptor; under mutex */

	/** Threads in epoll_wait; and, as watches, who waits for this epoll's
	 * file. Its lock guards the ready list, so that to enter a member there
	 * and to wake are one step. */
	struct waitq wq;
	/** struct epoll_member.ready_link, who called first comes first. Its
	 * members have called; they need not be ready any more. */
	struct list ready;

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

/** Wait queues of a file, mostly one for readers and one for writers: poll_add
 * calls of its poll at most. */
#define HOOKS_MAX 2u

/** A file in a set, as registered by a descriptor. */
struct epoll_member {
	struct epoll *epoll;
	struct file *file; /**< not referenced: EVENT3 */
	int fd; /**< it was registered by; may be another file's by now */

	struct rbnode node;		    /* under the mutex */
	struct epoll_hook hooks[HOOKS_MAX]; /* under the mutex */
	unsigned nhooks;		    /* under the mutex */
	uint64_t data; /* under the mutex; the caller's own */
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

/** What of a member's events says how it is told, not of what. */
#define EPOLL_FLAGS (EPOLLET | EPOLLONESHOT | EPOLLEXCLUSIVE | EPOLLWAKEUP)

/* ---- epoll.c ---- */

/** An empty epoll's file, referenced. Heap: two objects. Does not sleep. */
struct file *epoll_new(void);

/**
 * epoll_ctl, of open files; the caller has references to both. Heap: a member.
 * No locks held; may sleep.
 *
 * @param op     EPOLL_CTL_*
 * @param fd     the descriptor by which @p f is meant: one file can be in a set
 *               by several
 * @param event  is changed: EPOLLERR and EPOLLHUP are always told of
 * @return 0; -EPERM: @p f cannot be waited for; -EINVAL: @p ep is no epoll, or
 *         is @p f; a bad op or events that do not go together; -EEXIST,
 *         -ENOENT; -ELOOP: a circle, or too deep a nest
 */
int epoll_change(struct file *ep, int op, struct file *f, int fd,
		 struct epoll_event *event);

/* ---- epollready.c ---- */

/** Hang hooks on the queues of a member's file, where none hang. @return its
 * events now, of those that are waited for: a later one calls. The mutex is
 * held. May sleep. */
unsigned epoll_hang(struct epoll_member *m);

/** Take the hooks off: none calls any more. The mutex is held. Takes the locks
 * of the file's queues; does not sleep. */
void epoll_unhang(struct epoll_member *m);

/** A member has something to tell: put it on the ready list and wake. The mutex
 * is held. Takes the queue's lock; does not sleep. */
void epoll_make_ready(struct epoll_member *m);

/** file_ops.poll of an epoll: POLLIN and POLLRDNORM, or 0. May sleep. */
unsigned epoll_poll(struct file *f, struct poll_table *table);

/* ---- epollnest.c ---- */

/** Enter @p m where its file and its epoll find it. The mutex is held, as for
 * the next; both take graph_lock and do not sleep. @return 0, or -ELOOP: that
 * would make a circle, or too deep a nest */
int epoll_link(struct epoll_member *m);
/** Take it out: nobody finds it by its file, which may be freed from here on.
 * Its hooks are off already. */
void epoll_unlink(struct epoll_member *m);

/** An epoll that waits for @p f, referenced, or NULL. Does not sleep. */
struct epoll *epoll_of_file(struct file *f);
/** A member of @p e that is for @p f, or NULL. The mutex is held. */
struct epoll_member *epoll_member_of_file(struct epoll *e, struct file *f);

/** Give a reference back; the last one frees it, whose members are gone. Does
 * not sleep. */
void epoll_put(struct epoll *e);

void epoll_init(void);

#endif
