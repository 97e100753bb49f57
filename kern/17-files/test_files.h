/*
 * Helpers of this chapter's self-tests.
 */
#ifndef TEST_FILES_H
#define TEST_FILES_H

#include "files_internal.h"
#include "test_tmpfs.h"

/** open(2) and close. @return the error of opening */
int test_open(const char *path, unsigned flags);

#endif
