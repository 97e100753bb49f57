/*
 * A few calls on a file system of its own, on a disk that fails somewhere: says
 * what each call answered and what can be relied upon, and leaves the judging
 * to the host (scripts/faults). Usage: faults DEVICE FOLDER WORKLOAD
 * or, in a process that has touched no memory itself, faults memory
 *
 * Lines: "call NAME ERRNO" (0: good); "again ERRNO", of the same fsync a second
 * time; "have NAME SIZE SEED", "gone NAME", "maybe NAME": what a disk must show
 * that acknowledged it; "end". "memory HEAP FREE": bytes used of the heap, and
 * KiB free.
 */
#include <dirent.h>
#include <bits.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SIZE_MAX_BYTES 400000

static const char *device, *folder;
static char bytes[SIZE_MAX_BYTES], seen[SIZE_MAX_BYTES];

/** Tell the kernel's log where we are. */
static void
mark(const char *where)
{
	int fd = open("/dev/kmsg", O_WRONLY);
	char line[128];

	if (fd < 0)
		return;
	write(fd, line,
	      (size_t)snprintf(line, sizeof(line), "faults: %s %s\n", device,
			       where));
	close(fd);
}

/** Tell what a call answered. @return whether it was good */
static int
call(const char *name, long result)
{
	printf("%s call %s %d\n", device, name, result < 0 ? errno : 0);
	return result >= 0;
}

static void
fill(unsigned size, unsigned seed)
{
	unsigned i;

	for (i = 0; i < size; i++)
		bytes[i] = (char)(i * 7 + (i >> 8) + seed * 31);
}

static void
have(const char *name, unsigned size, unsigned seed)
{
	printf("%s have %s %u %u\n", device, name, size, seed);
}

static void
maybe(const char *name)
{
	printf("%s maybe %s\n", device, name);
}

/** Sync in one way or another; an error is told once. */
static int
sync_fd(const char *how, int number, int fd)
{
	int good = call(how, syscall(number, fd));

	if (!good)
		printf("%s again %d\n", device,
		       syscall(number, fd) < 0 ? errno : 0);
	return good;
}

static int
sync_folder(int number)
{
	int fd = open(".", O_RDONLY | O_DIRECTORY), good;

	if (!call("open", fd))
		return 0;
	good = sync_fd(number == NR_fsync ? "fsync" : "syncfs", number, fd);
	close(fd);
	return good;
}

/** Write a file and sync it. @return whether that was good */
static int
put(const char *name, unsigned size, unsigned seed)
{
	int fd, good;

	maybe(name);
	fill(size, seed);
	fd = open(name, O_WRONLY | O_CREAT, 0644);
	if (!call("open", fd))
		return 0;
	good = call("write", write(fd, bytes, size));
	good &= sync_fd("fsync", NR_fsync, fd);
	close(fd);
	if (good)
		have(name, size, seed);
	return good;
}

static const char *
numbered(const char *name, unsigned i)
{
	static char text[64];

	snprintf(text, sizeof(text), "%s%u", name, i);
	return text;
}

/* ---- The workloads ---- */

static void
files(void)
{
	unsigned i;

	for (i = 0; i < 4; i++)
		put(numbered("file", i), 3000 * (i + 1), i);
}

static void
folders(void)
{
	unsigned i;

	for (i = 0; i < 3; i++)
		if (call("mkdir", mkdir(numbered("d", i), 0755)))
			put(numbered("d0/in", i), 1000, i);
	if (sync_folder(NR_syncfs))
		call("rmdir", rmdir("d2"));
}

static void
renames(void)
{
	int good = put("old", 2000, 1) & put("new", 5000, 2);

	maybe("old");
	maybe("new");
	if (call("rename", rename("new", "old")) && sync_folder(NR_fsync) &&
	    good) {
		have("old", 5000, 2);
		printf("%s gone new\n", device);
	}
}

static void
appends(void)
{
	int fd = open("log", O_WRONLY | O_CREAT | O_APPEND, 0644);
	unsigned i, good = 1;

	if (!call("open", fd))
		return;
	fill(6 * 1500, 3);
	for (i = 0; i < 6 && good; i++) {
		maybe("log");
		good = call("write", write(fd, bytes + i * 1500, 1500));
		if (sync_fd("fdatasync", NR_fdatasync, fd) && good)
			have("log", (i + 1) * 1500, 3);
		else
			good = 0;
	}
	close(fd);
}

static void
unlinks(void)
{
	unsigned i;
	int good = 1;

	for (i = 0; i < 3; i++)
		put(numbered("u", i), 4000, i);
	for (i = 0; i < 3; i++) {
		maybe(numbered("u", i));
		good &= call("unlink", unlink(numbered("u", i)));
	}
	if (sync_folder(NR_syncfs) && good)
		for (i = 0; i < 3; i++)
			printf("%s gone u%u\n", device, i);
	put("after", 9000, 5);
}

static void
big(void)
{
	put("big", SIZE_MAX_BYTES, 6);
	put("small", 10, 7);
}

static void
truncates(void)
{
	int fd, good = put("cut", 20000, 8);

	maybe("cut");
	fd = open("cut", O_RDWR);
	if (!call("open", fd))
		return;
	if (call("ftruncate", ftruncate(fd, 8192)) &&
	    sync_fd("fsync", NR_fsync, fd) && good)
		have("cut", 8192, 8);
	close(fd);
	put("behind", 12000, 9);
}

/** Read a file back, if it is there. */
static void
get(const char *name, unsigned size, unsigned seed)
{
	int fd = open(name, O_RDONLY);
	ssize_t n;

	if (!call("open", fd))
		return;
	fill(size, seed);
	n = read(fd, seen, size);
	if (call("read", n) &&
	    (n != (ssize_t)size || memcmp(seen, bytes, size) != 0))
		printf("%s wrong %s\n", device, name);
	close(fd);
}

static int
mounted(int wanted)
{
	mark(wanted ? "begin" : "umount");
	return wanted ? call("mount", mount(device, folder, "ext2", 0, "")) &&
				call("chdir", chdir(folder))
		      : chdir("/") == 0 && call("umount", umount2(folder, 0));
}

static void
reads(void)
{
	struct stat st;
	DIR *dir;
	int good[3];
	unsigned i;

	for (i = 0; i < 3; i++)
		good[i] = put(numbered("r", i), 30000, i);
	if (!mounted(0) || !mounted(1))
		return;
	dir = opendir(".");
	if (call("opendir", dir ? 0 : -1)) {
		while (readdir(dir))
			;
		closedir(dir);
	}
	for (i = 0; i < 3; i++)
		if (call("stat", stat(numbered("r", i), &st)) && good[i])
			get(numbered("r", i), 30000, i);
}

static void
links(void)
{
	int good = put("one", 1500, 4);

	good &= call("link", link("one", "two")) &&
		call("symlink", symlink("one", "three")) &&
		call("chmod", chmod("one", 0600)) &&
		call("mkdir", mkdir("sub", 0755)) &&
		call("rename", rename("three", "sub/four"));
	if (sync_folder(NR_syncfs) && good)
		have("two", 1500, 4);
}

/** Change more blocks, again and again, than the log has room for. */
static void
round_the_log(void)
{
	unsigned round, i;
	char name[32];

	for (i = 0; i < 40; i++)
		if (!call("mkdir", mkdir(numbered("m", i), 0755)))
			return;
	for (round = 0; round < 20; round++) {
		for (i = 0; i < 40; i++) {
			snprintf(name, sizeof(name), "m%u/f%u", i, round);
			if (mkdir(name, 0755) < 0) {
				call("mkdir", -1);
				return;
			}
			rmdir(name);
		}
		put(numbered("mark", round), 100, round);
	}
}

static void (*const workloads[])(void) = {
	files, folders,	  renames, appends, unlinks,
	big,   truncates, reads,   links,   round_the_log,
};

/** Bytes of the kernel's heap in objects: of the lines of three numbers, size
 * times objects. */
static long
heap_used(void)
{
	FILE *file = fopen("/proc/heap", "r");
	char line[128], *end;
	long size, total = 0;

	while (file && fgets(line, sizeof(line), file)) {
		size = strtol(line, &end, 10);
		total += size * strtol(end, NULL, 10);
	}
	if (file)
		fclose(file);
	return total;
}

/** Free memory in KiB. */
static long
memory_free(void)
{
	FILE *file = fopen("/proc/meminfo", "r");
	long free = 0;
	char line[128];

	while (file && fgets(line, sizeof(line), file))
		if (strncmp(line, "MemFree:", 8) == 0)
			free = atol(line + 8);
	if (file)
		fclose(file);
	return free;
}

/** What has been freed just now may have to wait until no one can see it: the
 * least of some readings. */
static void
tell_memory(void)
{
	long heap = LONG_MAX, free = 0;
	int i;

	for (i = 0; i < 10; i++) {
		heap = MIN(heap, heap_used());
		free = MAX(free, memory_free());
		usleep(10000);
	}
	printf("memory %ld %ld\n", heap, free);
}

int
main(int argc, char **argv)
{
	unsigned number = argc == 4 ? (unsigned)atoi(argv[3]) : ~0u;

	if (argc == 2 && strcmp(argv[1], "memory") == 0) {
		tell_memory();
		return 0;
	}
	if (number >= sizeof(workloads) / sizeof(workloads[0])) {
		fprintf(stderr, "usage: faults DEVICE FOLDER WORKLOAD (0-9), "
				"or faults memory\n");
		return 2;
	}
	device = argv[1];
	folder = argv[2];
	if (mounted(1)) {
		workloads[number]();
		mounted(0);
	}
	mark("end");
	printf("%s end\n", device);
	return 0;
}
