/*
 * glibc's threads, in the forms that rest on the kernel: clone3, futexes of all
 * kinds, a thread's stack and end, a mutex whose owner has died (robust lists),
 * mutexes between processes, exec and exit among threads.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define N 8

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static long counter;
static int turn;

static void *
count(void *arg)
{
	for (int i = 0; i < 2000; i++) {
		pthread_mutex_lock(&mutex);
		counter++;
		pthread_mutex_unlock(&mutex);
	}
	return (char *)arg + 1;
}

static void *
take_turns(void *arg)
{
	long me = (long)arg;

	for (int i = 0; i < 50; i++) {
		pthread_mutex_lock(&mutex);
		while (turn != me)
			pthread_cond_wait(&condition, &mutex);
		turn = (turn + 1) % N;
		pthread_cond_broadcast(&condition);
		pthread_mutex_unlock(&mutex);
	}
	return NULL;
}

static void
run_all(void *(*fn)(void *))
{
	pthread_t t[N];
	void *result;
	long sum = 0;

	for (long i = 0; i < N; i++)
		if (pthread_create(&t[i], NULL, fn, (void *)i))
			puts("cannot create");
	for (int i = 0; i < N; i++) {
		pthread_join(t[i], &result);
		sum += (long)result;
	}
	printf("joined, sum %ld\n", sum);
}

/* ---- A mutex whose owner has died ---- */

static pthread_mutex_t *shared;

static void *
die_with_it(void *arg)
{
	pthread_mutex_lock(shared);
	return arg;
}

static void
take_over(const char *who)
{
	int error = pthread_mutex_lock(shared);

	printf("%s: %s\n", who,
	       error == EOWNERDEAD ? "owner dead" : strerror(error));
	if (error == EOWNERDEAD)
		pthread_mutex_consistent(shared);
	pthread_mutex_unlock(shared);
}

static void
robust(void)
{
	pthread_mutexattr_t attr;
	pthread_t t;
	pid_t pid;
	int ready[2];
	char c;

	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutex_init(shared, &attr);
	pthread_create(&t, NULL, die_with_it, NULL);
	pthread_join(t, NULL);
	take_over("after a thread");
	for (int how = 0; how < 3; how++) {
		pipe(ready);
		pid = fork();
		if (pid == 0) {
			pthread_mutex_lock(shared);
			write(ready[1], "x", 1);
			if (how == 0)
				_exit(0);
			usleep(50000); /* the parent waits for it by now */
			if (how == 1)
				raise(SIGKILL);
			execl("/bin/true", "true", NULL);
		}
		read(ready[0], &c, 1);
		take_over(how == 0   ? "after a process"
			  : how == 1 ? "after a kill"
				     : "after an exec");
		waitpid(pid, NULL, 0);
		close(ready[0]);
		close(ready[1]);
	}
	take_over("after all");
}

/* ---- The rest ---- */

static void
between_processes(void)
{
	sem_t *sem = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct timespec t;

	sem_init(sem, 1, 0);
	if (fork() == 0) {
		for (int i = 0; i < 100; i++)
			sem_post(sem);
		_exit(0);
	}
	for (int i = 0; i < 100; i++)
		sem_wait(sem);
	wait(NULL);
	clock_gettime(CLOCK_REALTIME, &t);
	t.tv_nsec += 20000000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_nsec -= 1000000000;
		t.tv_sec++;
	}
	puts(sem_timedwait(sem, &t) && errno == ETIMEDOUT ? "timed out" : "?");
	puts(sem_clockwait(sem, CLOCK_MONOTONIC, &(struct timespec){ 0, 1 }) &&
			     errno == ETIMEDOUT
		     ? "timed out"
		     : "?");
}

static void *
wait_for_ever(void *arg)
{
	for (;;)
		pause();
	return arg;
}

static void
cleanup(void *arg)
{
	puts(arg);
}

static void *
cancelled(void *arg)
{
	pthread_cleanup_push(cleanup, "cleaned up");
	wait_for_ever(arg);
	pthread_cleanup_pop(0);
	return NULL;
}

static int
status_of(pid_t pid)
{
	int status;

	waitpid(pid, &status, 0);
	return status;
}

static void *
exec_true(void *arg)
{
	execl("/bin/sh", "sh", "-c", "echo new program; exit 4", NULL);
	return arg;
}

static void *
exit_all(void *arg)
{
	exit(6);
	return arg;
}

static pid_t
crowd(void *(*fn)(void *))
{
	pid_t pid;
	pthread_t t;

	fflush(stdout);
	pid = fork();
	if (pid)
		return pid;
	for (int i = 0; i < N; i++)
		pthread_create(&t, NULL, wait_for_ever, NULL);
	pthread_create(&t, NULL, fn, NULL);
	wait_for_ever(NULL);
	return 0;
}

static void *
deep(void *arg)
{
	volatile char buf[200000];

	memset((char *)buf, 1, sizeof(buf));
	return (void *)(long)buf[sizeof(buf) - 1];
}

int
main(void)
{
	pthread_attr_t attr;
	void *result;
	pthread_t t;
	pid_t pid;

	setvbuf(stdout, NULL, _IOLBF, 0);
	run_all(count);
	printf("counted %ld\n", counter);
	run_all(take_turns);
	robust();
	between_processes();
	pthread_create(&t, NULL, cancelled, NULL);
	pthread_cancel(t);
	pthread_join(t, &result);
	puts(result == PTHREAD_CANCELED ? "cancelled" : "?");
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 256 * 1024);
	pthread_create(&t, &attr, deep, NULL);
	pthread_join(t, &result);
	printf("deep %ld\n", (long)result);
	printf("exec %#x\n", status_of(crowd(exec_true)));
	printf("exit %#x\n", status_of(crowd(exit_all)));
	pid = crowd(wait_for_ever);
	kill(pid, SIGTERM);
	printf("kill %#x\n", status_of(pid));
	return 0;
}
