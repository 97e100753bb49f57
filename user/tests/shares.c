/*
 * How CPU time is shared: for each argument a process that does nothing but
 * run, all on one CPU for 10 s. An argument is a nice value, or a real-time
 * policy and priority: f10 (SCHED_FIFO), r10 (SCHED_RR). Prints what each had,
 * in thousandths of all. The book's chapter on scheduling has tables of it.
 */
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MOST	40
#define SECONDS 10

static void
set_policy(int policy, int priority)
{
	struct sched_param param = { priority };

	if (syscall(NR_sched_setscheduler, 0, policy, &param) < 0) {
		perror("sched_setscheduler");
		_exit(2);
	}
}

static void
be_busy(const char *how)
{
	if (*how == 'f' || *how == 'r') {
		set_policy(*how == 'f' ? SCHED_FIFO : SCHED_RR, atoi(how + 1));
	} else {
		set_policy(SCHED_OTHER, 0);
		setpriority(PRIO_PROCESS, 0, atoi(how));
	}
	for (;;)
		;
}

static long
cpu_us(pid_t child)
{
	struct rusage usage;

	wait4(child, NULL, 0, &usage);
	return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000l +
	       usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
}

int
main(int argc, char **argv)
{
	unsigned long one = 1;
	pid_t children[MOST];
	long us[MOST], all = 0;
	int n = argc - 1;

	if (n < 1 || n > MOST ||
	    syscall(NR_sched_setaffinity, 0, sizeof(one), &one) < 0) {
		fprintf(stderr, "usage: shares NICE|fPRIORITY|rPRIORITY...\n");
		return 2;
	}
	set_policy(SCHED_FIFO, 99); /* no loop keeps it from ending them */
	for (int i = 0; i < n; i++) {
		children[i] = fork();
		if (children[i] == 0)
			be_busy(argv[1 + i]);
	}
	sleep(SECONDS);
	for (int i = 0; i < n; i++)
		kill(children[i], SIGKILL);
	for (int i = 0; i < n; i++)
		all += us[i] = cpu_us(children[i]);
	for (int i = 0; i < n; i++)
		printf("%s: %ld\n", argv[1 + i], us[i] * 1000 / all);
	return 0;
}
