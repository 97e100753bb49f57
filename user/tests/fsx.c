/*
 * Random operations on one file, compared with a model in memory after each:
 * read, write, at positions and appended, through a mapping, truncation up and
 * down, holes, room had beforehand, fsync, closing and opening again.
 *
 *	fsx FILE [OPERATIONS [SEED]]     leaves the file for others to look at
 *
 * Prints what it did and a sum of the contents; the first difference ends it
 * with status 1. The long run, on ext2 with a journal, on tmpfs and on Linux:
 *	scripts/run --timeout 900 -- /usr/lib/hardtack/tests/fsx /home/f 100000
 *1
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SIZE_MAX_FILE (384u << 10) /* into the trees of an inode */
#define LEN_MAX	      (48u << 10)
#define PAGE	      4096u
#define HISTORY	      20

static unsigned char model[SIZE_MAX_FILE], buffer[SIZE_MAX_FILE];
static size_t size; /* of the file, and of what of the model counts */
static const char *path;
static int fd;
static uint64_t random_state;
static unsigned long step;

/** The last operations, for the one that finds a difference. */
static struct {
	const char *what;
	size_t at, len;
} history[HISTORY];

/* xorshift64* (Vigna 2016) */
static uint32_t
random_below(uint32_t n)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return (uint32_t)((random_state * 0x2545f4914f6cdd1d) >> 32) % n;
}

__attribute__((noreturn)) static void
fail(const char *what, long got, long want)
{
	printf("fsx: step %lu: %s: %ld, not %ld (errno %d)\n", step, what, got,
	       want, errno);
	for (unsigned i = 0; i < HISTORY && i <= step; i++) {
		unsigned long s = step - i;

		printf("  %lu %s at %zu, %zu bytes\n", s,
		       history[s % HISTORY].what, history[s % HISTORY].at,
		       history[s % HISTORY].len);
	}
	exit(1);
}

static void
must(const char *what, long got, long want)
{
	if (got != want)
		fail(what, got, want);
}

static void
note(const char *what, size_t at, size_t len)
{
	history[step % HISTORY].what = what;
	history[step % HISTORY].at = at;
	history[step % HISTORY].len = len;
}

static void
compare(const char *what, const unsigned char *got, size_t at, size_t len)
{
	if (memcmp(got, model + at, len) == 0)
		return;
	for (size_t i = 0; i < len; i++)
		if (got[i] != model[at + i]) {
			printf("fsx: difference at %zu\n", at + i);
			fail(what, got[i], model[at + i]);
		}
}

static void
open_again(int flags)
{
	if (fd >= 0)
		must("close", close(fd), 0);
	fd = open(path, O_RDWR | flags, 0644);
	if (fd < 0)
		fail("open", fd, 0);
}

/* ---- Ranges ---- */

/** A position and a length that fit a file of max bytes; often at the borders
 * of blocks and pages, and small. */
static size_t
choose(size_t max, size_t *len)
{
	static const uint16_t aligns[] = { 1, 1, 512, 1024, PAGE };
	uint32_t align = aligns[random_below(5)];
	uint32_t most = random_below(4) ? LEN_MAX / 8 : LEN_MAX;
	size_t at = max ? random_below((uint32_t)max) / align * align : 0;

	*len = 1 + random_below(most);
	if (random_below(3) == 0)
		*len = (*len + align - 1) / align * align;
	if (*len > max - at)
		*len = max - at;
	return at;
}

static void
fill(unsigned char *p, size_t n)
{
	unsigned char c = (unsigned char)(1 + step % 251);

	for (size_t i = 0; i < n; i++)
		p[i] = (unsigned char)(c + i / 7);
}

/** The model's file reaches to end at least. */
static void
grow(size_t end)
{
	if (end > size)
		size = end;
}

/* ---- Operations ---- */

static void
do_read(void)
{
	size_t len, at = choose(SIZE_MAX_FILE, &len);
	size_t want = at >= size ? 0 : at + len > size ? size - at : len;

	note("read", at, len);
	if (random_below(2)) {
		must("pread", pread(fd, buffer, len, (off_t)at), (long)want);
	} else {
		must("lseek", lseek(fd, (off_t)at, SEEK_SET), (long)at);
		must("read", read(fd, buffer, len), (long)want);
	}
	compare("what was read", buffer, at, want);
}

static void
do_write(void)
{
	size_t len, at = choose(SIZE_MAX_FILE, &len);

	note("write", at, len);
	fill(buffer, len);
	if (random_below(2)) {
		must("pwrite", pwrite(fd, buffer, len, (off_t)at), (long)len);
	} else {
		must("lseek", lseek(fd, (off_t)at, SEEK_SET), (long)at);
		must("write", write(fd, buffer, len), (long)len);
	}
	memcpy(model + at, buffer, len);
	grow(at + len);
}

static void
do_append(void)
{
	size_t len = 1 + random_below(PAGE);

	if (size + len > SIZE_MAX_FILE)
		return;
	note("append", size, len);
	fill(buffer, len);
	must("F_SETFL", fcntl(fd, F_SETFL, O_APPEND), 0);
	must("append", write(fd, buffer, len), (long)len);
	must("F_SETFL", fcntl(fd, F_SETFL, 0), 0);
	memcpy(model + size, buffer, len);
	size += len;
}

static unsigned char *
map(size_t at, size_t len, int prot, size_t *whole)
{
	size_t start = at / PAGE * PAGE;
	void *p;

	*whole = at + len - start;
	p = mmap(NULL, *whole, prot, MAP_SHARED, fd, (off_t)start);
	if (p == MAP_FAILED)
		fail("mmap", -1, 0);
	return p;
}

static void
do_map_read(void)
{
	size_t len, whole, at = choose(size, &len);
	unsigned char *p;

	if (size == 0 || len == 0)
		return;
	note("mapped read", at, len);
	p = map(at, len, PROT_READ, &whole);
	compare("what was mapped", p + at % PAGE, at, len);
	must("munmap", munmap(p, whole), 0);
}

/** Behind the end of file, in its last page, is nothing of the file. */
static void
do_map_write(void)
{
	size_t len, whole, at = choose(size, &len), past;
	unsigned char *p;

	if (size == 0 || len == 0)
		return;
	note("mapped write", at, len);
	p = map(at, len, PROT_READ | PROT_WRITE, &whole);
	fill(p + at % PAGE, len);
	memcpy(model + at, p + at % PAGE, len);
	past = (PAGE - size % PAGE) % PAGE;
	if (at + len == size && past > 0 && random_below(4) == 0)
		memset(p + whole, 0xee, past);
	if (random_below(2))
		must("msync", msync(p, whole, MS_SYNC), 0);
	must("munmap", munmap(p, whole), 0);
}

static void
do_truncate(void)
{
	size_t to = random_below(SIZE_MAX_FILE);

	if (random_below(3) == 0)
		to = to / PAGE * PAGE;
	note("truncate", to, 0);
	must("ftruncate", ftruncate(fd, (off_t)to), 0);
	if (to < size)
		memset(model + to, 0, size - to);
	size = to;
}

/** @return whether it was done; not every file system can */
static bool
change_room(const char *what, int mode, size_t at, size_t len)
{
	int error;

	if (len == 0)
		return false;
	note(what, at, len);
	error = fallocate(fd, mode, (off_t)at, (off_t)len);
	if (error < 0 && errno == EOPNOTSUPP)
		return false;
	must(what, error, 0);
	return true;
}

static void
do_punch(void)
{
	size_t len, at = choose(SIZE_MAX_FILE, &len), end;

	if (!change_room("punch", FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			 at, len))
		return;
	end = at + len > size ? size : at + len;
	if (at < end)
		memset(model + at, 0, end - at);
}

static void
do_allocate(void)
{
	size_t len, at = choose(SIZE_MAX_FILE, &len);

	if (change_room("allocate", 0, at, len))
		grow(at + len);
}

/** What SEEK_DATA passes over is zeros. */
static void
do_seek(void)
{
	size_t len, at = choose(size, &len);
	off_t data;

	if (at >= size)
		return;
	note("seek data", at, 0);
	data = lseek(fd, (off_t)at, SEEK_DATA);
	if (data < 0 && errno != ENXIO)
		fail("SEEK_DATA", data, 0);
	for (size_t end = data < 0 ? size : (size_t)data; at < end; at++)
		if (model[at])
			fail("a hole with data in it", (long)at, data);
}

static void
do_sync(void)
{
	note("sync", 0, 0);
	must("fsync", random_below(2) ? fsync(fd) : fdatasync(fd), 0);
}

static void
do_reopen(void)
{
	note("open again", 0, 0);
	open_again(0);
}

/** As often as the row says. */
static const struct {
	void (*run)(void);
	unsigned weight;
} operations[] = {
	{ do_read, 20 },     { do_write, 20 },	   { do_append, 6 },
	{ do_map_read, 10 }, { do_map_write, 12 }, { do_truncate, 8 },
	{ do_punch, 8 },     { do_allocate, 5 },   { do_seek, 5 },
	{ do_sync, 3 },	     { do_reopen, 3 },
};

static void
check_size(void)
{
	struct stat st;

	must("fstat", fstat(fd, &st), 0);
	must("the size", st.st_size, (long)size);
}

static void
one_step(void)
{
	unsigned i, r = random_below(100);

	note("nothing", 0, 0);
	for (i = 0; r >= operations[i].weight; i++)
		r -= operations[i].weight;
	operations[i].run();
	check_size();
}

static void
check_all(void)
{
	must("the whole", pread(fd, buffer, sizeof(buffer), 0), (long)size);
	compare("the whole", buffer, 0, size);
}

/** Of the contents: Fletcher's, as the host computes it, too. */
static uint32_t
sum(void)
{
	uint32_t a = 1, b = 0;

	for (size_t i = 0; i < size; i++) {
		a = (a + model[i]) % 65521;
		b = (b + a) % 65521;
	}
	return b << 16 | a;
}

int
main(int argc, char **argv)
{
	unsigned long steps = argc > 2 ? strtoul(argv[2], NULL, 0) : 10000;
	unsigned long seed = argc > 3 ? strtoul(argv[3], NULL, 0) : 1;

	if (argc < 2) {
		fprintf(stderr, "usage: fsx FILE [OPERATIONS [SEED]]\n");
		return 2;
	}
	path = argv[1];
	fd = -1;
	random_state = seed * 0x9e3779b97f4a7c15 + 1;
	open_again(O_CREAT | O_TRUNC);
	for (step = 0; step < steps; step++) {
		one_step();
		if (step % 512 == 511)
			check_all();
	}
	check_all();
	open_again(0);
	check_all();
	must("fsync", fsync(fd), 0);
	printf("fsx: %lu operations, seed %lu: %zu bytes, adler32 %08x\n",
	       steps, seed, size, sum());
	return 0;
}
