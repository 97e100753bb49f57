/*
 * diskfile DISK: a disk is mapped, as a file, and closed for the last time: the
 * mapping can be written on, and shows.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE 4096

static const char *disk;

static void
check(int is_true, const char *what)
{
	if (is_true)
		return;
	printf("diskfile: %s\n", what);
	exit(1);
}

static int
open_disk(void)
{
	int fd = open(disk, O_RDWR);

	check(fd >= 0, "open");
	return fd;
}

static int
byte_at(off_t at)
{
	int fd = open_disk();
	unsigned char c;

	check(pread(fd, &c, 1, at) == 1, "pread");
	close(fd);
	return c;
}

static void
map_and_close(void)
{
	int fd = open_disk();
	volatile char *m =
		mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	check(m != MAP_FAILED, "mmap");
	m[0] = 'a';
	close(fd);
	m[0] = 'b';
	m[PAGE] = 'c';
	check(byte_at(0) == 'b' && byte_at(PAGE) == 'c', "mapped is shown");
	m[0] = 'd';
	munmap((void *)m, 2 * PAGE);
	check(byte_at(0) == 'd', "mapped is kept");
}

int
main(int argc, char **argv)
{
	check(argc == 2, "usage: diskfile DISK");
	disk = argv[1];
	map_and_close();
	printf("diskfile: done\n");
	return 0;
}
