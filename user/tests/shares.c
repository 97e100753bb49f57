/*
 * How CPU time is shared: for each nice value among the arguments a process
 * that does nothing but run, all on one CPU for 10 s. Prints what each had, in
 * thousandths of all. The book's chapter on scheduling has a table of it.
 */
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
be_busy(int nice)
{
	setpriority(PRIO_PROCESS, 0, nice);
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
		fprintf(stderr, "usage: shares NICE...\n");
		return 2;
	}
	for (int i = 0; i < n; i++) {
		children[i] = fork();
		if (children[i] == 0)
			be_busy(atoi(argv[1 + i]));
	}
	sleep(SECONDS);
	for (int i = 0; i < n; i++)
		kill(children[i], SIGKILL);
	for (int i = 0; i < n; i++)
		all += us[i] = cpu_us(children[i]);
	for (int i = 0; i < n; i++)
		printf("nice %s: %ld\n", argv[1 + i], us[i] * 1000 / all);
	return 0;
}
