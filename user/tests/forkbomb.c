/*
 * A fork bomb: every process forks for ever. The system must stay up, and be as
 * before once the bomb is ended. Usage: forkbomb [--all] [SECONDS]
 * Without --all as a user of its own with at most 200 processes, for a host;
 * with it as root without a limit. Prints how far it came; exits 0 if all of
 * its processes could be ended and fork works again.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define USER_ID	  12345
#define LIMIT	  200
#define REFUSALS  1000 /* so many failed forks are enough */
#define LAST_WAIT 30   /* seconds for the dying to be gone */

/** Counted by all processes. */
struct board {
	volatile long started, refused;
	volatile int error; /* errno of the last refusal */
	volatile bool stop;
};

static struct board *board;

/** What each of the bomb's processes does. */
__attribute__((noreturn)) static void
explode(void)
{
	while (!board->stop) {
		pid_t pid = fork();

		if (pid == 0) {
			__atomic_add_fetch(&board->started, 1,
					   __ATOMIC_RELAXED);
		} else if (pid < 0) {
			board->error = errno;
			__atomic_add_fetch(&board->refused, 1,
					   __ATOMIC_RELAXED);
			sched_yield();
		}
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	}
	_exit(0);
}

static void
limit_bomb(void)
{
	struct rlimit rl = { LIMIT, LIMIT };

	if (setrlimit(RLIMIT_NPROC, &rl) < 0 ||
	    setresgid(USER_ID, USER_ID, USER_ID) < 0 ||
	    setresuid(USER_ID, USER_ID, USER_ID) < 0)
		_exit(1);
}

static void
sleep_ms(long ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&ts, NULL);
}

/** Lets the bomb go on until it is refused often, or for some seconds. */
static void
watch(long seconds)
{
	for (long i = 0; i < seconds * 20 && board->refused < REFUSALS; i++)
		sleep_ms(50);
}

/** Ends the group. @return whether all of it is gone */
static bool
end_bomb(pid_t group)
{
	board->stop = true;
	for (int i = 0; i < LAST_WAIT * 20; i++) {
		if (kill(-group, SIGKILL) < 0 && errno == ESRCH)
			return true;
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		sleep_ms(50);
	}
	return false;
}

static bool
fork_works(void)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0)
		_exit(7);
	return pid > 0 && waitpid(pid, &status, 0) == pid &&
	       WEXITSTATUS(status) == 7;
}

int
main(int argc, char **argv)
{
	bool all = argc > 1 && strcmp(argv[1], "--all") == 0, gone, works;
	long seconds = argc > 1 + all ? atol(argv[1 + all]) : 10;
	pid_t bomb;

	board = mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (board == MAP_FAILED || (bomb = fork()) < 0) {
		perror("forkbomb");
		return 2;
	}
	if (bomb == 0) {
		setpgid(0, 0);
		if (!all)
			limit_bomb();
		explode();
	}
	setpgid(bomb, bomb);
	watch(seconds);
	gone = end_bomb(bomb);
	works = fork_works();
	printf("forkbomb: %ld processes started, fork refused %ld times (%s)\n",
	       board->started, board->refused,
	       board->refused > 0 ? strerror(board->error) : "never");
	printf("forkbomb: %s, %s\n", gone ? "all gone" : "some would not die",
	       works ? "fork works" : "fork does not work");
	return !(gone && works && board->started > 0);
}
