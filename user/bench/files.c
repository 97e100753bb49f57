/*
 * Names, folders, reading and writing.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "bench.h"

static long
open_close(long n, const char *path)
{
	return TIMED(n, close(open(path, O_RDONLY)));
}

static long
open_close_depth1(long n)
{
	return open_close(n, "/tmp");
}

static long
open_close_depth4(long n)
{
	mkdir("d", 0755);
	mkdir("d/d", 0755);
	mkdir("d/d/d", 0755);
	close(open_file("d/d/d/f", O_WRONLY | O_CREAT));
	return open_close(n, "d/d/d/f");
}

static long
stat_depth1(long n)
{
	struct stat st;

	return TIMED(n, stat("/tmp", &st));
}

static long
fstat_file(long n)
{
	struct stat st;
	int fd = open_file("f", O_RDWR | O_CREAT);
	long t = TIMED(n, fstat(fd, &st));

	close(fd);
	return t;
}

static void
create_once(void)
{
	int fd = open_file("new", O_WRONLY | O_CREAT);

	write(fd, buf, 1024);
	close(fd);
	unlink("new");
}

static long
create_write1k_unlink(long n)
{
	return TIMED(n, create_once());
}

static void
create_fsync_once(void)
{
	int fd = open_file("new", O_WRONLY | O_CREAT);

	write(fd, buf, 1024);
	need(fsync(fd));
	close(fd);
	unlink("new");
}

static long
create_write1k_fsync_unlink(long n)
{
	return TIMED(n, create_fsync_once());
}

/* One small file, written over and made to last. */
static long
pwrite_fsync_1k(long n)
{
	int fd = cached_file(1);
	long t = TIMED(n, (pwrite(fd, buf, 1024, 0), need(fsync(fd))));

	close(fd);
	return t;
}

static long
mkdir_rmdir(long n)
{
	need(mkdir("newdir", 0755));
	need(rmdir("newdir"));
	return TIMED(n, (mkdir("newdir", 0755), rmdir("newdir")));
}

static long
rename_pair(long n)
{
	close(open_file("r1", O_WRONLY | O_CREAT));
	need(rename("r1", "r2"));
	need(rename("r2", "r1"));
	return TIMED(n, (rename("r1", "r2"), rename("r2", "r1")));
}

static long
getdents_100(long n)
{
	char name[16];
	int fd;
	long t;

	mkdir("many", 0755);
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "many/%d", i);
		close(open_file(name, O_WRONLY | O_CREAT));
	}
	fd = open_file("many", O_RDONLY);
	t = TIMED(n, ({
			  lseek(fd, 0, SEEK_SET);
			  while (syscall(NR_getdents64, fd, buf, sizeof(buf)) >
				 0)
				  ;
		  }));
	close(fd);
	return t;
}

static long
pread_4k(long n)
{
	int fd = cached_file(1);
	long t = TIMED(n, pread(fd, buf, PAGE, 0));

	close(fd);
	return t;
}

static long
pwrite_4k(long n)
{
	int fd = cached_file(1);
	long t = TIMED(n, pwrite(fd, buf, PAGE, 0));

	close(fd);
	return t;
}

static long
seq_write_8m(long n)
{
	int fd = open_file("seq", O_WRONLY | O_CREAT | O_TRUNC);
	long t = TIMED(n, need(write(fd, buf, sizeof(buf))));

	close(fd);
	return t;
}

static long
seq_read_8m(long n)
{
	int fd;
	long t;

	seq_write_8m(n);
	fd = open_file("seq", O_RDONLY);
	t = TIMED(n, need(read(fd, buf, sizeof(buf))));
	close(fd);
	unlink("seq");
	return t;
}

const struct item file_items[] = {
	{ "open_close_depth1", open_close_depth1, 500, 0 },
	{ "open_close_depth4", open_close_depth4, 500, 0 },
	{ "stat", stat_depth1, 1000, 0 },
	{ "fstat", fstat_file, 1000, 0 },
	{ "create_write1k_unlink", create_write1k_unlink, 200, 0 },
	{ "create_write1k_fsync_unlink", create_write1k_fsync_unlink, 50, 0 },
	{ "pwrite_fsync_1k", pwrite_fsync_1k, 50, 0 },
	{ "mkdir_rmdir", mkdir_rmdir, 200, 0 },
	{ "rename_pair", rename_pair, 200, 0 },
	{ "getdents_100", getdents_100, 50, 0 },
	{ "pread_4k", pread_4k, 1000, 0 },
	{ "pwrite_4k", pwrite_4k, 1000, 0 },
	{ "seq_write_8m", seq_write_8m, 128, 65536 },
	{ "seq_read_8m", seq_read_8m, 128, 65536 },
	{ 0 },
};
