/*
 * An inotify instance's queue of records.
 */
#ifndef INQUEUE_H
#define INQUEUE_H

#include "event.h"
#include "notify.h"

/** A record with its name, padded with zeros as a read gives it. */
struct inrecord {
	struct inotify_event event;
	char name[ROUND_UP(NAME_MAX + 1, 16)];
};

/** Guarded by inotify's lock. All zeros is an empty queue. */
struct inqueue {
	struct page *first, *last; /**< NULL: no records */
	unsigned n;
	uint64_t bytes;
	bool lost; /**< records, since the last one in the queue */
};

/** Add a record, unless it is the same as the last one. Where there is no room
 * it is lost, and so is what follows, until a reader has been told so. */
void inqueue_put(struct inqueue *q, int wd, uint32_t mask, uint32_t cookie,
		 const char *name, size_t len);
/** Bytes of the next record, 0: there is none. */
size_t inqueue_next(const struct inqueue *q);
/** Take it; there is one. */
void inqueue_take(struct inqueue *q, struct inrecord *record);
/** Bytes of all records. */
uint64_t inqueue_bytes(const struct inqueue *q);
void inqueue_free(struct inqueue *q);

void inotify_init(void);
void inqueue_init(void);

#endif
