/*
 * The ext2 host harness's way to the C library: see host.h.
 */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>
#include "host.h"

void __asan_poison_memory_region(const volatile void *p, size_t size);

char host_context[HOST_CONTEXT_SIZE];

void
host_fail(const char *what)
{
	fflush(stdout);
	fprintf(stderr, "ext2_host: %s %s\n", what, host_context);
	abort();
}

/* Called by the address sanitizer. */
void
__asan_on_error(void)
{
	fprintf(stderr, "ext2_host: %s\n", host_context);
}

void
host_exit(int status)
{
	fflush(stdout);
	_exit(status);
}

void *
host_alloc(size_t size)
{
	void *p = calloc(1, size);

	if (!p)
		host_fail("no memory");
	return p;
}

void *
host_grow(void *p, size_t size)
{
	p = realloc(p, size);
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

void *
host_map_file(const char *path, size_t size)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	void *p = MAP_FAILED;

	if (fd >= 0 && ftruncate(fd, (off_t)size) == 0)
		p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		host_fail("cannot map an image");
	close(fd);
	return p;
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

void
host_read(const char *path, void *data, size_t size)
{
	FILE *f = fopen(path, "rb");

	if (!f || fread(data, 1, size, f) != size)
		host_fail("cannot read the image");
	fclose(f);
}

int
host_e2fsck(const char *how, const char *path)
{
	static char *environment[] = { "E2FSCK_CONFIG=/dev/null", NULL };
	char *argv[] = { "e2fsck", (char *)how, (char *)path, NULL };
	posix_spawn_file_actions_t to;
	int status;
	pid_t pid;

	posix_spawn_file_actions_init(&to);
	posix_spawn_file_actions_addopen(&to, 1, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addopen(&to, 2, "/dev/null", O_WRONLY, 0);
	if (posix_spawn(&pid, "/sbin/e2fsck", &to, NULL, argv, environment))
		host_fail("cannot run e2fsck");
	posix_spawn_file_actions_destroy(&to);
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		host_fail("e2fsck does not end");
	return WEXITSTATUS(status);
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

/* ---- Coroutines ---- */

#define STACK_SIZE (256 << 10)

static ucontext_t contexts[HOST_THREADS];
static int alive[HOST_THREADS] = { 1 };
static unsigned running;
static void (*entries[HOST_THREADS])(void *arg);
static void *entry_args[HOST_THREADS];

static void
begin(void)
{
	entries[running](entry_args[running]);
	alive[running] = 0;
	running = 0;
	setcontext(&contexts[0]);
}

unsigned
host_thread(void (*fn)(void *arg), void *arg)
{
	static void *stacks[HOST_THREADS];
	unsigned i = 1;

	while (i < HOST_THREADS && alive[i])
		i++;
	if (i == HOST_THREADS)
		host_fail("too many threads");
	if (!stacks[i])
		stacks[i] = host_alloc(STACK_SIZE);
	entries[i] = fn;
	entry_args[i] = arg;
	alive[i] = 1;
	getcontext(&contexts[i]);
	contexts[i].uc_stack.ss_sp = stacks[i];
	contexts[i].uc_stack.ss_size = STACK_SIZE;
	makecontext(&contexts[i], begin, 0);
	return i;
}

void
host_switch(unsigned to)
{
	unsigned from = running;

	running = to;
	if (to != from)
		swapcontext(&contexts[from], &contexts[to]);
}

unsigned
host_running(void)
{
	return running;
}

int
host_alive(unsigned number)
{
	return alive[number];
}
