/*
 * What the chapter's self-tests share: a pipe, and threads that tell when they
 * are done.
 */
#ifndef TEST_EVENT_H
#define TEST_EVENT_H

#include "event.h"

/** Ends of the pipe under test, for reading and for writing. */
extern struct file *test_ends[2];

/** Read, write one byte of it, without waiting. @return 1 or -errno */
int64_t test_get(void);
int64_t test_put(void);

/** Run @p body with a fresh pipe and heap. @return whether it says so */
bool test_with_pipe(bool (*body)(void));

/** A helping thread ends; wait for @p n of them. */
void test_tell_done(void);
void test_wait_done(unsigned n);

#endif
