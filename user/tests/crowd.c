/*
 * Many busy processes on all CPUs: COUNT of them for SECONDS. Prints what the
 * one that had least and the one that had most had, in ms, and an equal share;
 * of eight or fewer, what each had. The book's chapter on scheduling has a
 * table of it.
 */
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MOST 400
#define FEW  8

static long
cpu_ms(pid_t child)
{
	struct rusage usage;

	wait4(child, NULL, 0, &usage);
	return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000 +
	       (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1000;
}

/* Before all others, so that it ends them in time. */
static void
set_policy(int policy, int priority)
{
	struct sched_param param = { priority };

	if (syscall(NR_sched_setscheduler, 0, policy, &param) < 0) {
		perror("sched_setscheduler");
		_exit(2);
	}
}

int
main(int argc, char **argv)
{
	int n = argc == 3 ? atoi(argv[1]) : 0;
	long least = 1L << 60, most = 0, all = 0, ms;
	pid_t children[MOST];

	if (n < 1 || n > MOST) {
		fprintf(stderr, "usage: crowd COUNT SECONDS\n");
		return 2;
	}
	set_policy(SCHED_FIFO, 99);
	for (int i = 0; i < n; i++) {
		children[i] = fork();
		if (children[i] == 0) {
			set_policy(SCHED_OTHER, 0);
			for (;;)
				;
		}
	}
	sleep((unsigned)atoi(argv[2]));
	for (int i = 0; i < n; i++)
		kill(children[i], SIGKILL);
	for (int i = 0; i < n; i++) {
		ms = cpu_ms(children[i]);
		all += ms;
		least = ms < least ? ms : least;
		most = ms > most ? ms : most;
		if (n <= FEW)
			printf("%ld ", ms);
	}
	printf("least %ld, most %ld, an equal share %ld\n", least, most,
	       all / n);
	return 0;
}
