/*
 * Fills a file system to the last block and the last name, and looks whether it
 * is right then and after. Usage: fulldisk [FOLDER]
 * Without a folder on a tmpfs of 4 MiB in a mount namespace of its own, for a
 * host. Exits 0 if errors were ENOSPC alone, what was written can be read back,
 * and removing gives the room back.
 */
#include <abi/sched.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "tree.h"

#define CHUNK 65536

static int failures;

static void
fail(const char *what)
{
	printf("FAIL %s: %s\n", what, strerror(errno));
	failures++;
}

/** The byte at a place of the big file. */
static char
pattern(long at)
{
	return (char)(at ^ at >> 8 ^ at >> 16);
}

/** Writes until a write fails. @return bytes written */
static long
fill(const char *name)
{
	static char buf[CHUNK];
	int fd = open(name, O_WRONLY | O_CREAT, 0644);
	long total = 0;
	size_t size = CHUNK;
	ssize_t n;

	if (fd < 0) {
		fail("open of the big file");
		return 0;
	}
	for (;;) { /* at the end in ever smaller steps */
		for (size_t i = 0; i < size; i++)
			buf[i] = pattern(total + (long)i);
		n = write(fd, buf, size);
		if (n > 0)
			total += n;
		else if (size > 1)
			size /= 2;
		else
			break;
	}
	if (n == 0 || errno != ENOSPC)
		fail("write on the full disk is not ENOSPC");
	if (close(fd) < 0 && errno != ENOSPC)
		fail("close");
	return total;
}

static void
check_content(const char *name, long total)
{
	static char buf[CHUNK];
	int fd = open(name, O_RDONLY);
	long at = 0;
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) > 0)
		for (ssize_t i = 0; i < n; i++, at++)
			if (buf[i] != pattern(at)) {
				printf("FAIL byte %ld is wrong\n", at);
				failures++;
				close(fd);
				return;
			}
	if (n < 0 || at != total)
		fail("reading the big file back");
	close(fd);
}

/** Makes empty files and folders until that fails. @return how many */
static long
fill_names(void)
{
	char name[32];
	long n = 0;

	for (;; n++) {
		int r;

		snprintf(name, sizeof(name), "%s%ld", n % 8 ? "file" : "dir",
			 n);
		if (n % 8 == 0)
			r = mkdir(name, 0755);
		else if ((r = open(name, O_WRONLY | O_CREAT, 0644)) >= 0)
			close(r);
		if (r < 0)
			break;
	}
	if (errno != ENOSPC)
		fail("making a name on the full disk is not ENOSPC");
	return n;
}

static long
free_blocks(void)
{
	struct statfs fs;

	if (statfs(".", &fs) < 0) {
		fail("statfs");
		return 0;
	}
	return (long)fs.f_bfree;
}

/** A small tmpfs that nobody else sees. */
static void
mount_small(const char *folder)
{
	if (syscall(NR_unshare, CLONE_NEWNS) < 0 ||
	    mount("none", "/", "", MS_REC | (1 << 18) /* private */, NULL) <
		    0 ||
	    mount("tmpfs", folder, "tmpfs", 0, "size=4m,nr_inodes=500") < 0) {
		perror("fulldisk: no tmpfs of its own (it takes root; or name "
		       "a folder)");
		rmdir(folder);
		exit(2);
	}
}

static void
test(void)
{
	long before = free_blocks(), bytes, names, after;

	bytes = fill("big");
	names = fill_names();
	check_content("big", bytes);
	if (rename("big", "bigger") < 0 && errno != ENOSPC)
		fail("rename on the full disk");
	if (access("bigger", F_OK) < 0 && access("big", F_OK) < 0)
		fail("the big file is lost");
	remove_entries(".");
	sync(); /* what was still being written is freed when that is over */
	after = free_blocks();
	printf("fulldisk: %ld bytes and %ld names; blocks free %ld, then %ld\n",
	       bytes, names, before, after);
	/* the folder itself may have grown */
	if (after < before - 64) {
		printf("FAIL %ld blocks are lost\n", before - after);
		failures++;
	}
	if (bytes == 0 || fill("again") < bytes - 64 * 4096)
		fail("the second filling takes less");
}

int
main(int argc, char **argv)
{
	char folder[PATH_MAX];

	snprintf(folder, sizeof(folder), "%s/fulldisk.XXXXXX",
		 argc > 1 ? argv[1] : "/tmp");
	if (mkdtemp(folder) == NULL) {
		perror(folder);
		return 2;
	}
	if (argc == 1)
		mount_small(folder);
	if (chdir(folder) < 0) {
		perror(folder);
		return 2;
	}
	test();
	remove_entries(".");
	chdir("/");
	if (argc == 1)
		umount2(folder, 0);
	remove_tree(folder);
	printf("fulldisk: %d failures\n", failures);
	return failures != 0;
}
