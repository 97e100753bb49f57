/*
 * tails FOLDER: files that end within a page are mapped, written to through the
 * mapping, and grown, so that the same dirty page has room for more; what is
 * written there then has no blocks until it is written back. With a journal
 * that is full all the time. Afterwards all must be in the files.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define FILES  300
#define ROUNDS 5
#define PAGE   4096
#define SHORT  100

static void
check(int is_true, const char *what)
{
	if (is_true)
		return;
	perror(what);
	exit(1);
}

static const char *
name_of(int i)
{
	static char name[16];

	snprintf(name, sizeof(name), "tail%d", i);
	return name;
}

static void
write_through(int i)
{
	int fd = open(name_of(i), O_CREAT | O_TRUNC | O_RDWR, 0600);
	char *m;

	check(fd >= 0 && ftruncate(fd, SHORT) == 0, "ftruncate");
	m = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	check(m != MAP_FAILED, "mmap");
	m[SHORT / 2] = 1;
	check(ftruncate(fd, PAGE) == 0, "ftruncate");
	m[PAGE - SHORT] = 2;
	if (i % 4 == 0)
		check(fsync(fd) == 0, "fsync");
	munmap(m, PAGE);
	close(fd);
}

static void
look(int i)
{
	char page[PAGE];
	int fd = open(name_of(i), O_RDONLY);

	check(fd >= 0 && read(fd, page, PAGE) == PAGE, "read");
	check(page[SHORT / 2] == 1 && page[PAGE - SHORT] == 2, "contents");
	close(fd);
}

int
main(int argc, char **argv)
{
	int fd;

	check(argc == 2 && chdir(argv[1]) == 0, "tails FOLDER");
	for (int i = 0; i < FILES * ROUNDS; i++)
		write_through(i % FILES);
	sync();
	fd = open("/proc/sys/vm/drop_caches", O_WRONLY);
	check(fd < 0 || write(fd, "3", 1) == 1, "drop_caches");
	for (int i = 0; i < FILES; i++) {
		look(i);
		check(unlink(name_of(i)) == 0, "unlink");
	}
	return 0;
}
