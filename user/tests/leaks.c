/*
 * leaks [-k KIB] [-w WARM-UP] COMMAND [ARGUMENT...]: whether a command leaves
 * anything in the kernel: pages, heap objects, threads. Empties the caches and
 * counts, runs the command, and counts again; what there is more of is printed.
 * WARM-UP (of sh) runs first: what is made once and kept, at the first use, is
 * no leak; KIB of pages may be (0), as page tables of kernel stacks are.
 * Status: the command's own; 1 if that was 0 and something is left.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROWS	128
#define SETTLED 5   /* counts that must be the same, one after the other */
#define TRIES	300 /* counts at most */
#define WAIT_US 20000
#define PAGES	"KiB of pages in use"

static long kept;  /* -k */
static long total; /* KiB */

/** What is counted: more of it is worse. */
struct row {
	char name[80];
	long n;
};

struct count {
	struct row rows[ROWS];
	int n;
};

static void
add(struct count *c, const char *name, long n)
{
	if (c->n < ROWS) {
		snprintf(c->rows[c->n].name, sizeof(c->rows[0].name), "%s",
			 name);
		c->rows[c->n++].n = n;
	}
}

static FILE *
must_open(const char *name)
{
	FILE *file = fopen(name, "r");

	if (file == NULL) {
		perror(name);
		exit(2);
	}
	return file;
}

/** The heap's objects, by size; and by who has made them, where it is told. */
static void
count_heap(struct count *c)
{
	FILE *file = must_open("/proc/heap");
	char line[128], name[80], *end;
	long size, last = 0, objects;

	while (fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		size = strtol(line, &end, 10);
		objects = strtol(end, &end, 10);
		if (size > 0 && *end == ' ') {
			snprintf(name, sizeof(name), "objects of %ld bytes%s",
				 size, size == last ? ", whole pages" : "");
			last = size;
			add(c, name, objects);
		} else if (strncmp(line, "live ", 5) == 0) {
			objects = strtol(line + 5, &end, 10);
			add(c, end + 1, objects);
		}
	}
	fclose(file);
}

static void
count_pages(struct count *c)
{
	FILE *file = must_open("/proc/meminfo");
	char line[128];

	while (fgets(line, sizeof(line), file)) {
		if (strncmp(line, "MemTotal:", 9) == 0)
			total = atol(line + 9);
		if (strncmp(line, "MemFree:", 8) == 0)
			add(c, PAGES, total - atol(line + 8));
		if (strncmp(line, "Cached:", 7) == 0)
			add(c, "KiB of files", atol(line + 7));
	}
	fclose(file);
}

static void
count_threads(struct count *c)
{
	FILE *file = must_open("/proc/loadavg");
	char line[128], *slash;

	if (fgets(line, sizeof(line), file) && (slash = strchr(line, '/')))
		add(c, "threads", atol(slash + 1));
	fclose(file);
}

static void
drop_caches(void)
{
	int fd = open("/proc/sys/vm/drop_caches", O_WRONLY);

	sync();
	if (fd < 0 || write(fd, "3", 1) != 1) {
		perror("leaks: /proc/sys/vm/drop_caches");
		exit(2);
	}
	close(fd);
}

/** Counts until nothing changes any more: what was freed just now may have to
 * wait until nobody can see it. */
static void
count(struct count *c)
{
	struct count last;
	int same = 0;

	memset(c, 0, sizeof(*c));
	for (int i = 0; i < TRIES && same < SETTLED; i++) {
		last = *c;
		memset(c, 0, sizeof(*c));
		drop_caches();
		usleep(WAIT_US);
		count_pages(c);
		count_threads(c);
		count_heap(c);
		same = memcmp(c, &last, sizeof(last)) == 0 ? same + 1 : 0;
	}
	if (same < SETTLED)
		printf("leaks: the counts do not come to rest\n");
}

static int
run(char **argv)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		execvp(argv[0], argv);
		perror(argv[0]);
		_exit(127);
	}
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR) {
			perror("leaks: waitpid");
			exit(2);
		}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static long
before_of(const struct count *c, const char *name)
{
	for (int i = 0; i < c->n; i++)
		if (strcmp(c->rows[i].name, name) == 0)
			return c->rows[i].n;
	return 0;
}

/** @return whether there is more of anything */
static int
compare(const struct count *before, const struct count *after)
{
	int worse = 0;

	for (int i = 0; i < after->n; i++) {
		const struct row *r = &after->rows[i];
		long n = before_of(before, r->name);
		long more = strcmp(r->name, PAGES) == 0 ? kept : 0;

		if (r->n > n + more) {
			printf("leaks: %s: %ld, then %ld\n", r->name, n, r->n);
			worse = 1;
		}
	}
	return worse;
}

/** Who is still there may be why. */
static void
print_processes(void)
{
	char name[64], line[200];
	FILE *file;

	for (int pid = 2; pid < 32768; pid++) {
		snprintf(name, sizeof(name), "/proc/%d/stat", pid);
		file = pid == getpid() ? NULL : fopen(name, "r");
		if (file == NULL)
			continue;
		if (fgets(line, sizeof(line), file))
			printf("leaks: there is process %.60s...\n", line);
		fclose(file);
	}
}

int
main(int argc, char **argv)
{
	static struct count before, after;
	int status;

	argv++;
	if (argc > 2 && strcmp(argv[0], "-k") == 0) {
		kept = atol(argv[1]);
		argv += 2;
		argc -= 2;
	}
	if (argc > 2 && strcmp(argv[0], "-w") == 0) {
		run((char *[]){ "/bin/sh", "-c", argv[1], NULL });
		argv += 2;
	}
	if (*argv == NULL) {
		fprintf(stderr,
			"usage: leaks [-k KIB] [-w WARM-UP] COMMAND...\n");
		return 2;
	}
	count(&before);
	status = run(argv);
	count(&after);
	if (!compare(&before, &after))
		return status;
	print_processes();
	return status == 0 ? 1 : status;
}
