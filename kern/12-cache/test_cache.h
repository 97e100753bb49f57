/*
 * Helpers of the self-tests of this chapter and of those that build on it.
 */
#ifndef TEST_CACHE_H
#define TEST_CACHE_H

/** Run @p fn in @p n kernel threads, numbered from 0, and wait for all. */
void test_in_threads(unsigned n, void (*fn)(unsigned number));

#endif
