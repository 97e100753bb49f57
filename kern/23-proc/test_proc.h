/*
 * What the self-tests of this chapter and of later ones have in common: running
 * kernel code as a process of its own.
 */
#ifndef TEST_PROC_H
#define TEST_PROC_H

#include "abi/syscall.h"
#include "proc.h"

/** Where such a process has a page of user memory. */
#define TEST_BASE 0x400000UL

/** Make a system call as the running process. */
#define CALL(nr, a, b, c, d)                                                   \
	syscall_lookup(nr)->fn((uint64_t)(a), (uint64_t)(b), (uint64_t)(c),    \
			       (uint64_t)(d), 0, 0)

/** Run @p fn(@p arg) as a process, until that has ended.
 * @return its status as wait4 has it, or -1 */
int test_run_process(void (*fn)(void *arg), void *arg);

/** The first and last step of a process made for a test: have the heap and
 * a page at TEST_BASE; exit with 0 if all is well, else with 1. */
void test_process_begin(void);
void test_process_end(bool ok) __attribute__((noreturn));

/** Define a test whose body runs as a process; it returns whether all is well.
 */
#define PROCESS_TEST(name)                                                     \
	static bool body_##name(void);                                         \
	static void main_##name(void *arg)                                     \
	{                                                                      \
		(void)arg;                                                     \
		test_process_begin();                                          \
		test_process_end(body_##name());                               \
	}                                                                      \
	SELFTEST(name)                                                         \
	{                                                                      \
		CHECK(test_run_process(main_##name, NULL) == 0);               \
	}                                                                      \
	static bool body_##name(void)

/** In such a body: fail unless @p cond holds, and say where. */
#define EXPECT(cond)                                                           \
	do {                                                                   \
		if (!(cond)) {                                                 \
			kprintf("%s:%d: %s\n", __FILE__, __LINE__, #cond);     \
			return false;                                          \
		}                                                              \
	} while (0)

#endif
