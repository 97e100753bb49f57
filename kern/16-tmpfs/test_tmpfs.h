/*
 * Helpers of the self-tests: files by path, from the kernel.
 */
#ifndef TEST_TMPFS_H
#define TEST_TMPFS_H

#include "test_cache.h"
#include "tmpfs_internal.h"

/** Make @p path a regular file with @p text. @return 0 or -errno */
int test_write_file(const char *path, const char *text);
/** Whether @p path is a regular file with @p text. */
bool test_file_is(const char *path, const char *text);
/** Error of walking to @p path (0: it is there). */
int test_exists(const char *path);
/** Open @p path; O_CREAT: make it first if need be. @return 0 or -errno */
int test_open_file(const char *path, unsigned flags, struct file **f);
/** Remove @p path and, if it is a directory, all that is in it. */
void test_remove_tree(const char *path);

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
