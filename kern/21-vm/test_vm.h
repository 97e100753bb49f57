/*
 * Helpers of the self-tests of this chapter and of those that build on it: an
 * address space for the test's thread, touched as system calls touch it,
 * through the user copies.
 */
#ifndef TEST_VM_H
#define TEST_VM_H

#include "test_cache.h"
#include "vm_internal.h"

#define BASE	  0x10000000UL /* where tests map */

/** The test's address space. */
extern struct vmspace *test_vm;

/** Reserve heap, make test_vm, and switch to it. @return whether it went well;
 * if not, nothing is left to be undone. */
bool test_vm_enter(void);
/** Undo that. */
void test_vm_leave(void);

/* CHECK that leaves first. */
#define CHECK_VM(cond)                                                         \
	do {                                                                   \
		if (!(cond)) {                                                 \
			test_vm_leave();                                       \
			selftest_fail(__FILE__, __LINE__, #cond);              \
			return;                                                \
		}                                                              \
	} while (0)

/** Zero-fill memory of so many pages. */
int64_t test_map(vaddr_t at, size_t pages, uint32_t prot, uint32_t flags);
/** The same: private, to be read and written, at @p at. */
int64_t test_map_rw(vaddr_t at, size_t pages);

/** The byte at @p va, or a negative errno. */
int test_peek(vaddr_t va);
/** Write it. @return 0 or a negative errno */
int test_poke(vaddr_t va, uint8_t byte);

/** Mappings and tree agree: sorted, apart, aligned (VM1). */
bool test_tree_is_sound(void);

#endif
