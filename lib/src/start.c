/*
 * From _start to main, and from main to the kernel: exit, atexit and abort.
 * A program's life in this library.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "internal.h"

#define ATEXIT_MAX 32

int main(int argc, char **argv, char **envp);
__attribute__((noreturn)) void start_c(long *stack);

int errno;
char **environ, **environ_at_start;
char *program_invocation_name = "";

static void (*exit_fns[ATEXIT_MAX])(void);
static int exit_count;

void
start_c(long *stack)
{
	int argc = (int)stack[0];
	char **argv = (char **)(stack + 1);

	environ = environ_at_start = argv + argc + 1;
	if (argc > 0)
		program_invocation_name = argv[0];
	exit(main(argc, argv, environ));
}

int
atexit(void (*fn)(void))
{
	if (exit_count == ATEXIT_MAX)
		return -1;
	exit_fns[exit_count++] = fn;
	return 0;
}

void
_exit(int status)
{
	for (;;)
		syscall(NR_exit_group, status);
}

void
exit(int status)
{
	while (exit_count > 0)
		exit_fns[--exit_count]();
	if (stdio_flush_all != NULL)
		stdio_flush_all();
	_exit(status);
}

void
abort(void)
{
	raise(SIGABRT);
	/* blocked, ignored or handled: none of these may stop it */
	signal(SIGABRT, SIG_DFL);
	sigprocmask(SIG_UNBLOCK, &(sigset_t){ KSIGMASK(SIGABRT) }, NULL);
	raise(SIGABRT);
	_exit(127);
}
