/*
 * The judge: good citizens beside a hog of each kind named, and what came of
 * it. Usage: heap [-b MS] [-l MS] [-a MS] SEED KIND...
 * -b: the citizens alone so long (100); -l: the hog at most so long (2000); -a:
 * and so long after its death (100). scripts/heap-experiment reads the report.
 * It runs on Linux as well, there as process 1 too. "heap kinds" names them.
 */
#include <abi/sched.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "heap.h"
#include "tree.h"

#define MS	1000000ul
#define STEP_NS MS
#define LAST_NS (10000 * MS) /* all that is asked for has happened by then */

struct board *board;
const char *program;

static uint64_t before_ns = 100 * MS, limit_ns = 2000 * MS, after_ns = 100 * MS;

uint64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 * MS + (uint64_t)ts.tv_nsec;
}

void
sleep_ns(uint64_t ns)
{
	struct timespec ts = { (time_t)(ns / (1000 * MS)),
			       (long)(ns % (1000 * MS)) };

	nanosleep(&ts, NULL);
}

void
set_name(const char *name)
{
	syscall(NR_prctl, PR_SET_NAME, name);
}

/* ---- The processes ---- */

static pid_t citizens[CITIZENS], hog;
static uint64_t ended_ns[CITIZENS]; /* 0: not yet */
static int status_of[CITIZENS], hog_status;
static uint64_t
	gone_ns; /* the last of the hog's family; 0: it had to be ended */

static void
note_end(pid_t pid, int status)
{
	uint64_t now = now_ns();

	if (pid == hog)
		hog_status = status;
	for (unsigned i = 0; i < CITIZENS; i++) {
		if (pid == citizens[i]) {
			ended_ns[i] = now;
			status_of[i] = status;
		}
	}
}

static void
reap(void)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		note_end(pid, status);
}

/* The kernel may be one whose calls fail when it is short. */
static pid_t
must_fork(void)
{
	pid_t pid;

	while ((pid = fork()) < 0)
		sleep_ns(STEP_NS);
	return pid;
}

static void
start_citizens(uint32_t seed)
{
	for (unsigned i = 0; i < CITIZENS; i++) {
		ended_ns[i] = 0;
		citizens[i] = must_fork();
		if (citizens[i] == 0)
			live(i, seed);
	}
	while (board->ready < CITIZENS)
		sleep_ns(STEP_NS);
	board->start_ns = now_ns();
}

static void
start_hog(const struct hog *h, uint32_t seed)
{
	hog_status = 0;
	gone_ns = 0;
	board->hog_ns = now_ns();
	hog = must_fork();
	if (hog == 0) {
		setpgid(0, 0);
		gorge(h, seed);
	}
	setpgid(hog, hog);
}

/** Whether the hog and all its relatives are gone. */
static bool
hog_is_gone(void)
{
	return kill(-hog, 0) < 0 && errno == ESRCH;
}

static void
watch(void)
{
	uint64_t until = now_ns() + limit_ns;

	while (now_ns() < until) {
		sleep_ns(STEP_NS);
		reap();
		if (gone_ns == 0 && hog_is_gone()) {
			gone_ns = now_ns();
			until = gone_ns + after_ns;
		}
	}
}

/** @return processes of the hog's that did not end */
static unsigned
end_hog(void)
{
	uint64_t until = now_ns() + LAST_NS;

	while (!hog_is_gone() && now_ns() < until) {
		kill(-hog, SIGKILL);
		sleep_ns(STEP_NS);
		reap();
	}
	return !hog_is_gone();
}

/** @return citizens that did not end */
static unsigned
end_citizens(void)
{
	uint64_t until = now_ns() + LAST_NS;
	unsigned left;

	board->stop = true;
	do {
		sleep_ns(STEP_NS);
		reap();
		left = 0;
		for (unsigned i = 0; i < CITIZENS; i++)
			left += ended_ns[i] == 0;
	} while (left > 0 && now_ns() < until);
	return left;
}

/* ---- The report ---- */

static uint64_t
ms_since_start(uint64_t ns)
{
	return ns > board->start_ns ? (ns - board->start_ns) / MS : 0;
}

static uint64_t
bucket_ns(unsigned i)
{
	return i < 16 ? i : (16ul + i % 16) << (i / 16 - 1);
}

static uint64_t
percentile(const struct latencies *l, unsigned percent)
{
	uint64_t seen = 0;

	for (unsigned i = 0; i < BUCKETS; i++) {
		seen += l->count[i];
		if (seen * 100 >= l->calls * percent && seen > 0)
			return bucket_ns(i);
	}
	return 0;
}

static void
add(struct latencies *sum, const struct latencies *l)
{
	for (unsigned i = 0; i < BUCKETS; i++)
		sum->count[i] += l->count[i];
	sum->calls += l->calls;
	if (l->most > sum->most)
		sum->most = l->most;
}

static void
report_latencies(const char *what, const struct latencies *l)
{
	printf("%s calls %lu p50 %lu p99 %lu max %lu\n", what, l->calls,
	       percentile(l, 50), percentile(l, 99), l->most);
}

static void
report_citizens(void)
{
	static struct latencies before, during;
	const struct tally *slowest = &board->tally[0];

	memset(&before, 0, sizeof(before));
	memset(&during, 0, sizeof(during));
	for (unsigned i = 0; i < CITIZENS; i++) {
		const struct tally *t = &board->tally[i];

		printf("citizen %u pid %d rounds %lu failures %u signal %d\n",
		       i, citizens[i], t->rounds, t->failures,
		       ended_ns[i] ? WTERMSIG(status_of[i]) : 0);
		add(&before, &t->before);
		add(&during, &t->during);
		if (t->during.most > slowest->during.most)
			slowest = t;
	}
	report_latencies("before", &before);
	report_latencies("during", &during);
	if (slowest->slowest != NULL)
		printf("slowest %s\n", slowest->slowest);
	for (unsigned i = 0; i < board->nfailures && i < FAILURES; i++)
		printf("failure %lu error %d %s\n", board->failures[i].ns / MS,
		       board->failures[i].error, board->failures[i].what);
}

static void
report_rounds(uint64_t end)
{
	unsigned slots = (unsigned)((end - board->start_ns) / SLOT_NS);

	printf("rounds");
	for (unsigned s = 0; s < slots && s < SLOTS; s++) {
		unsigned n = 0;

		for (unsigned i = 0; i < CITIZENS; i++)
			n += board->tally[i].slots[s];
		printf(" %u", n);
	}
	printf("\n");
}

/** The first lines of /proc/heap, which are the gate's, each after a word. */
static void
report_heap(const char *when)
{
	char line[200];
	FILE *f = fopen("/proc/heap", "r");

	while (f != NULL && fgets(line, sizeof(line), f) && line[0] != '\n')
		printf("%s %s", when, line);
	if (f != NULL)
		fclose(f);
}

/* ---- A run ---- */

static void
make_folders(void)
{
	mkdir("/tmp", 0755);
	mkdir(TMPFS_FOLDER, 0700);
	mkdir("/home", 0755);
	mkdir(DISK_FOLDER, 0700);
	mount("hog", TMPFS_FOLDER, "tmpfs", 0, NULL);
}

static void
remove_folders(void)
{
	umount2(TMPFS_FOLDER, MNT_DETACH);
	rmdir(TMPFS_FOLDER);
	remove_tree(DISK_FOLDER);
}

static void
run(const struct hog *h, uint32_t seed)
{
	unsigned hogs_left, citizens_left;
	uint64_t end;

	memset(board, 0, sizeof(*board));
	make_folders();
	printf("run %s seed %u\n", h->name, seed);
	report_heap("heap-before");
	fflush(stdout);
	start_citizens(seed);
	sleep_ns(before_ns);
	start_hog(h, seed);
	watch();
	end = now_ns();
	citizens_left = end_citizens();
	hogs_left = end_hog();
	printf("hog pid %d from %lu taken %lu refused %lu errno %d ", hog,
	       ms_since_start(board->hog_ns), board->taken, board->refused,
	       board->refusal);
	printf("gone %lu signal %d\n", ms_since_start(gone_ns),
	       WTERMSIG(hog_status));
	report_citizens();
	report_rounds(end);
	remove_folders();
	report_heap("heap-after");
	printf("end %lu stuck %u hogs %u\n", ms_since_start(end), citizens_left,
	       hogs_left);
	fflush(stdout);
}

/* ---- Options, and being process 1 ---- */

static void
become_init(void)
{
	int fd;

	mkdir("/proc", 0755);
	mkdir("/dev", 0755);
	mkdir("/tmp", 0755);
	mount("proc", "/proc", "proc", 0, NULL);
	mount("dev", "/dev", "devtmpfs", 0, NULL);
	mount("tmp", "/tmp", "tmpfs", 0, NULL);
	fd = open("/dev/ttyS1", O_WRONLY | O_NOCTTY);
	if (fd >= 0)
		dup2(fd, STDOUT_FILENO);
}

static int
usage(void)
{
	fprintf(stderr, "usage: heap [-b MS] [-l MS] [-a MS] SEED KIND...\n");
	return 2;
}

static int
judge(int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "b:l:a:")) >= 0) {
		uint64_t ns = optarg ? strtoul(optarg, NULL, 10) * MS : 0;

		if (option == 'b')
			before_ns = ns;
		else if (option == 'l')
			limit_ns = ns;
		else if (option == 'a')
			after_ns = ns;
		else
			return usage();
	}
	if (argc - optind < 2)
		return usage();
	for (int i = optind + 1; i < argc; i++) {
		const struct hog *h = find_hog(argv[i]);

		if (h == NULL) {
			fprintf(stderr, "heap: no hog %s\n", argv[i]);
			return 2;
		}
		run(h, (uint32_t)atoi(argv[optind]));
	}
	return 0;
}

int
main(int argc, char **argv)
{
	int status;

	if (argc == 3 && strcmp(argv[1], "exit") == 0)
		return atoi(argv[2]); /* the program that citizens run */
	if (argc == 2 && strcmp(argv[1], "kinds") == 0) {
		for (const struct hog *h = hogs; h->name != NULL; h++)
			puts(h->name);
		return 0;
	}
	program = argv[0];
	if (getpid() == 1)
		become_init();
	set_name("judge");
	board = mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (board == MAP_FAILED) {
		perror("heap");
		return 2;
	}
	status = judge(argc, argv);
	if (getpid() == 1) {
		sync();
		reboot(LINUX_REBOOT_CMD_POWER_OFF);
	}
	return status;
}
