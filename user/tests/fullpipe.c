/*
 * Fills pipes until there is no room for more: in each pipe, of descriptors,
 * and of memory, with many processes. Usage: fullpipe [PROCESSES]
 * Exits 0 if errors were the right ones, no byte was lost, and pipes work as
 * before when all is over.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PIPES_MAX 500

/** Counted by all processes. */
struct board {
	volatile long pipes, bytes, failures;
};

static struct board *board;

static void
add(volatile long *sum, long n)
{
	__atomic_add_fetch(sum, n, __ATOMIC_RELAXED);
}

static void
fail(const char *what)
{
	dprintf(1, "FAIL %s: %s\n", what, strerror(errno));
	add(&board->failures, 1);
}

/** Fills a pipe that does not block with its number. @return bytes */
static long
fill(int fd, int number)
{
	char buf[4096];
	long total = 0;
	ssize_t n;

	memset(buf, number, sizeof(buf));
	while ((n = write(fd, buf, sizeof(buf))) > 0)
		total += n;
	while ((n = write(fd, buf, 1)) > 0)
		total += n;
	if (n == 0 || (errno != EAGAIN && errno != ENOMEM))
		fail("write to a full pipe is not EAGAIN");
	return total;
}

static void
drain(int fd, int number, long total)
{
	char buf[4096];
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) > 0) {
		total -= n;
		for (ssize_t i = 0; i < n; i++)
			if (buf[i] != (char)number) {
				fail("a byte has changed");
				return;
			}
	}
	if (total != 0)
		fail("bytes were lost");
}

/** Opens and fills as many pipes as it may, waits for go, empties them. */
static void
work(int ready, int go)
{
	static int pipes[PIPES_MAX][2];
	static long bytes[PIPES_MAX];
	int count = 0;
	char c = 'r';

	while (count < PIPES_MAX && pipe2(pipes[count], O_NONBLOCK) == 0) {
		bytes[count] = fill(pipes[count][1], count);
		add(&board->bytes, bytes[count]);
		count++;
	}
	if (count < PIPES_MAX && errno != EMFILE && errno != ENFILE &&
	    errno != ENOMEM)
		fail("pipe beyond the limit");
	add(&board->pipes, count);
	write(ready, &c, 1);
	close(ready);	 /* so the parent sees the end when one is killed */
	read(go, &c, 1); /* nothing comes: until the other end is closed */
	for (int i = 0; i < count; i++)
		drain(pipes[i][0], i, bytes[i]);
	_exit(0);
}

/** Writers asleep on a full pipe must die of a signal, and wake by room. */
static void
test_sleepers(void)
{
	static char buf[1 << 20], in[1 << 16];
	struct timespec ts = { 0, 50000000 };
	long got = 0;
	pid_t killed, woken;
	int p[2], status;
	ssize_t n;

	if (pipe(p) < 0) {
		fail("pipe");
		return;
	}
	killed = fork();
	if (killed == 0)
		_exit(write(p[1], buf, sizeof(buf)) < 0);
	nanosleep(&ts, NULL);
	kill(killed, SIGTERM);
	if (waitpid(killed, &status, 0) != killed || !WIFSIGNALED(status))
		fail("a sleeping writer does not die");
	woken = fork();
	if (woken == 0)
		_exit(write(p[1], buf, sizeof(buf)) != sizeof(buf));
	close(p[1]);
	while ((n = read(p[0], in, sizeof(in))) > 0)
		got += n;
	if (waitpid(woken, &status, 0) != woken || status != 0)
		fail("a sleeping writer does not wake");
	if (got < (long)sizeof(buf))
		fail("too little came through");
	close(p[0]);
}

static void
fill_with_many(int processes)
{
	int ready[2], go[2], waiting = 0, started = 0, killed = 0, status;
	char c;

	if (pipe(ready) < 0 || pipe(go) < 0) {
		fail("pipe");
		return;
	}
	for (; started < processes; started++) {
		pid_t pid = fork();

		if (pid < 0)
			break;
		if (pid == 0) {
			close(go[1]);
			close(ready[0]);
			work(ready[1], go[0]);
		}
	}
	close(ready[1]);
	while (waiting < started && read(ready[0], &c, 1) == 1)
		waiting++;
	close(go[1]);
	while (waitpid(-1, &status, 0) > 0)
		killed += WIFSIGNALED(status);
	printf("fullpipe: %d processes, %d of them killed, %ld pipes, %ld "
	       "bytes in them\n",
	       started, killed, board->pipes, board->bytes);
	close(ready[0]);
	close(go[0]);
}

/** Who makes memory short may be ended, with all its children; not its parent,
 * who has nothing. */
static void
test_many(int processes)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		fill_with_many(processes);
		exit(0);
	}
	if (waitpid(pid, &status, 0) != pid)
		fail("waitpid");
	else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		printf("fullpipe: ended with all its processes\n");
	else if (status != 0)
		fail("an end without a cause");
}

int
main(int argc, char **argv)
{
	int processes = argc > 1 ? atoi(argv[1]) : 20;
	struct rlimit rl = { 256, 256 };

	board = mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (board == MAP_FAILED || setrlimit(RLIMIT_NOFILE, &rl) < 0) {
		perror("fullpipe");
		return 2;
	}
	test_sleepers();
	test_many(processes);
	test_sleepers(); /* as before */
	printf("fullpipe: %ld failures\n", board->failures);
	return board->failures != 0;
}
