/*
 * An inotify instance's queue of records.
 */
#ifndef INQUEUE_H
#define INQUEUE_H

#include "event.h"
#include "notify.h"

/** A record with its name, padded with zeros as a read gives it: event.len is
 * the name's with the padding, 0 without one (inotify(7)). */
struct inrecord {
	struct inotify_event event;
	char name[ROUND_UP(NAME_MAX + 1, 16)];
};

/** Guarded by inotify's lock, a mutex, which the calls below need held. All
 * zeros is an empty queue. */
struct inqueue {
	struct page *first, *last; /**< NULL: no records */
	unsigned n;		   /**< records */
	uint64_t bytes;		   /**< of all records */
	bool lost; /**< records, since the last one in the queue */
};

/** Add a record, unless it is the same as the last one, which nobody has read.
 * Where there is no room it is lost, and so is what follows, until a reader has
 * been told so. @p name: @p len bytes, at most NAME_MAX; NULL: none. May sleep,
 * for a page. */
void inqueue_put(struct inqueue *q, int wd, uint32_t mask, uint32_t cookie,
		 const char *name, size_t len);
/** Bytes of the next record, 0: there is none. */
size_t inqueue_next(const struct inqueue *q);
/** Take it; there is one: after the last, IN_Q_OVERFLOW where some were lost.
 * Only the bytes that inqueue_next says are written. */
void inqueue_take(struct inqueue *q, struct inrecord *record);
/** Bytes of all records, as FIONREAD tells. */
uint64_t inqueue_bytes(const struct inqueue *q);
/** Forget all records. */
void inqueue_free(struct inqueue *q);

/** At the start; inqueue_init bounds what all queues take of memory. */
void inotify_init(void);
void inqueue_init(void);

#endif
