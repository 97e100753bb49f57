/*
 * The ext2 host harness's way to the C library: see host.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>
#include "host.h"

void __asan_poison_memory_region(const volatile void *p, size_t size);

void
host_fail(const char *what)
{
	fflush(stdout);
	fprintf(stderr, "ext2_host: %s\n", what);
	abort();
}

void *
host_alloc(size_t size)
{
	void *p = calloc(1, size);

	if (!p)
		host_fail("no memory");
	return p;
}

void
host_free(void *p)
{
	free(p);
}

void
host_map(unsigned long address, size_t size)
{
	void *p = mmap((void *)address, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE |
			       MAP_NORESERVE,
		       -1, 0);

	if (p != (void *)address)
		host_fail("cannot map the page arena");
}

void *
host_load(const char *path, size_t *size)
{
	FILE *f = fopen(path, "rb");
	void *data;

	if (!f)
		host_fail("cannot open the image");
	fseek(f, 0, SEEK_END);
	*size = (size_t)ftell(f);
	rewind(f);
	data = host_alloc(*size);
	if (fread(data, 1, *size, f) != *size)
		host_fail("cannot read the image");
	fclose(f);
	return data;
}

void
host_save(const char *path, const void *data, size_t size)
{
	FILE *f = fopen(path, "wb");

	if (!f || fwrite(data, 1, size, f) != size || fclose(f))
		host_fail("cannot write the image");
}

void
host_append(const char *path, const void *data, size_t size)
{
	FILE *f = fopen(path, "ab");

	if (!f || fwrite(data, 1, size, f) != size || fclose(f))
		host_fail("cannot add to a file");
}

int
host_line(char *line, size_t size)
{
	if (!fgets(line, (int)size, stdin))
		return 0;
	line[strcspn(line, "\n")] = '\0';
	return 1;
}

void
host_write(const char *text)
{
	fputs(text, stdout);
	fflush(stdout);
}

void
host_message(const char *text)
{
	fputs(text, stderr);
}

void
host_time_limit(unsigned seconds)
{
	alarm(seconds);
}

unsigned long
host_number(const char *text)
{
	return strtoul(text, NULL, 0);
}

void
host_poison(const void *p, size_t size)
{
#ifdef __SANITIZE_ADDRESS__
	__asan_poison_memory_region(p, size);
#else
	(void)p;
	(void)size;
#endif
}

/* ---- The coroutine: the journal's thread ---- */

#define STACK_SIZE (1 << 20)

static ucontext_t contexts[2]; /* main's, and its */
static int running, alive;
static void (*entry)(void *arg);
static void *entry_arg;

static void
begin(void)
{
	entry(entry_arg);
	alive = 0;
	running = 0;
	setcontext(&contexts[0]);
}

void
host_coroutine(void (*fn)(void *arg), void *arg)
{
	static char *stack;

	if (alive)
		host_fail("two threads");
	if (!stack)
		stack = host_alloc(STACK_SIZE);
	entry = fn;
	entry_arg = arg;
	alive = 1;
	getcontext(&contexts[1]);
	contexts[1].uc_stack.ss_sp = stack;
	contexts[1].uc_stack.ss_size = STACK_SIZE;
	makecontext(&contexts[1], begin, 0);
}

int
host_switch(void)
{
	int from = running;

	if (!alive)
		return 0;
	running = !from;
	swapcontext(&contexts[from], &contexts[!from]);
	return 1;
}

int
host_in_coroutine(void)
{
	return running;
}

/* ---- What the disk is told ---- */

static FILE *record;

void
host_record(const char *path)
{
	record = fopen(path, "wb");
	if (!record)
		host_fail("cannot write the record");
}

void
host_record_write(unsigned long sector, const void *data, size_t len)
{
	if (!record)
		return;
	fprintf(record, "write %lu %zu\n", sector, len);
	fwrite(data, 1, len, record);
}

void
host_record_flush(void)
{
	if (record)
		fprintf(record, "flush\n");
}

void
host_record_mark(unsigned long number)
{
	if (record && (fprintf(record, "mark %lu\n", number) < 0 ||
		       fflush(record) != 0))
		host_fail("cannot write the record");
}
