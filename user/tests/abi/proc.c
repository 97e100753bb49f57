/*
 * Directories, links and files of /proc that a process finds on any Linux:
 * proc(5).
 */
#include "check.h"

TEST(processes_end)
{
	static const long positions[] = { 0x7fffffff, 0x8000ffff, 0x80010000,
					  0x10000ffff, 0x7fffffffffffffff };
	char buf[1024];
	int fd = open("/proc", O_RDONLY | O_DIRECTORY);

	for (unsigned i = 0; i < sizeof(positions) / sizeof(long); i++)
		if (lseek(fd, positions[i], SEEK_SET) >= 0)
			CHECK_EQ(syscall(NR_getdents64, fd, buf, sizeof(buf)),
				 0);
}

TEST(descriptors_end)
{
	static const long positions[] = { 0x7fffffff, 0x80000001, 0x100000001,
					  0x7fffffffffffffff };
	char buf[1024];
	int fd = open("/proc/self/fd", O_RDONLY | O_DIRECTORY);

	for (unsigned i = 0; i < sizeof(positions) / sizeof(long); i++)
		if (lseek(fd, positions[i], SEEK_SET) >= 0)
			CHECK_EQ(syscall(NR_getdents64, fd, buf, sizeof(buf)),
				 0);
}
