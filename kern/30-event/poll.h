/*
 * The engine of poll and select: looking at many files, and sleeping until one
 * of them is ready.
 */
#ifndef POLL_H
#define POLL_H

#include "event.h"

/** A watch on one queue of one file. */
struct poll_entry {
	struct waitq_watch watch;
	struct waitq *wq;
	struct file *file; /* referenced: the queue may lie within it */
	struct poller *poller;
};

/** Watches that stand on the stack; more stand on pages. */
#define POLL_ENTRIES_INLINE 8

/** A thread that waits, on its own stack. Its own, but for `triggered`, which
 * watches set, in any context. */
struct poller {
	struct poll_table table;
	struct thread *thread;
	_Atomic bool triggered; /**< a watch was woken since the last sleep */
	bool hang;		/**< second look: hang watches */
	int error;		/**< -ENOMEM: a watch could not be hung */
	struct file *file;	/**< that is being looked at */
	unsigned nentries;	/**< watches that hang */
	struct page *pages; /**< with those past the first few; last first */
	struct poll_entry entries[POLL_ENTRIES_INLINE];
};

/** Look at all files of a call once, with poller_look; stop hanging watches
 * (p->hang = false) once one is ready. Called once or twice before the first
 * sleep, and after each. @return how many are ready; 1 ends the wait for an
 * error, too */
typedef int poll_scan_fn(struct poller *p, void *arg);

/** Ready events of descriptor @p fd of the running thread; POLLNVAL: it is not
 * open, or of O_PATH. May sleep, as file_poll. */
unsigned poller_look(struct poller *p, int fd);

/**
 * Scan until something is ready. No locks held; sleeps. All watches are off on
 * return, whatever comes of it.
 *
 * @param deadline  clock_ns; 0: look once; WAIT_FOREVER
 * @return what the scan found; 0: the time is over; -EINTR, -ENOMEM
 */
int poll_wait(poll_scan_fn *scan, void *arg, uint64_t deadline);

#endif
