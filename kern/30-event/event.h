/*
 * event: what programs wait for events with. poll and select look at many files
 * once; an epoll remembers them from one wait to the next. Events that come
 * from no file are made into files: counters, timers, signals, and what happens
 * in directories.
 */
#ifndef EVENT_H
#define EVENT_H

#include "ipc.h"

/**
 * Ready events of an open file now, and where they are announced. With a table,
 * its queues have been told of before it is looked: what changes later wakes
 * them (EVENT1). Not for files of O_PATH. No spinlock held; may sleep, but only
 * for a lock, not for events.
 *
 * @param table  NULL: only look
 * @return POLL* bits; a file without a poll operation is always ready
 */
unsigned file_poll(struct file *f, struct poll_table *table);

#endif
