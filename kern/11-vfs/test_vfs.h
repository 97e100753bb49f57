/*
 * Helpers of the self-tests: files by path, from the kernel.
 */
#ifndef TEST_VFS_H
#define TEST_VFS_H

#include "vfs_internal.h"

/** Make @p path a regular file with @p text. @return 0 or -errno */
int test_write_file(const char *path, const char *text);
/** Whether @p path is a regular file with @p text. */
bool test_file_is(const char *path, const char *text);
/** Error of walking to @p path (0: it is there). */
int test_exists(const char *path);
/** Open and close. @return the error of opening */
int test_open(const char *path, unsigned flags);
/** Remove @p path and, if it is a directory, all that is in it. */
void test_remove_tree(const char *path);
/** Run @p fn in @p n kernel threads, numbered from 0, and wait for all. */
void test_in_threads(unsigned n, void (*fn)(unsigned number));

/** Make an empty directory /t; remove it with all that is in it. */
bool test_begin(void);
bool test_end(void);
/** The vnode at @p path, referenced, or NULL. */
struct vnode *test_walk(const char *path);
/** lstat; st_nlink 0 where there is nothing. */
struct stat test_stat(const char *path);

/** pread and pwrite. */
int64_t test_pwrite(struct file *f, const void *data, size_t len, uint64_t pos);
int64_t test_pread(struct file *f, void *data, size_t len, uint64_t pos);

#endif
