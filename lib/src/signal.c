/*
 * signal.h, and the signal mask of sigsetjmp. The kernel needs to be told where
 * a handler returns to: sigrestore.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "internal.h"

int sigsetjmp_save(sigjmp_buf env);
__attribute__((noreturn)) void longjmp_registers(jmp_buf env, int value);

int
sigaction(int sig, const struct sigaction *act, struct sigaction *old)
{
	struct ksigaction kact, kold;

	if (act != NULL)
		kact = (struct ksigaction){
			.handler = act->sa_handler,
			.flags = act->sa_flags | SA_RESTORER,
			.restorer = sigrestore,
			.mask = act->sa_mask,
		};
	if (syscall(NR_rt_sigaction, sig, act != NULL ? &kact : NULL,
		    old != NULL ? &kold : NULL, KSIGSET_SIZE) < 0)
		return -1;
	if (old != NULL)
		*old = (struct sigaction){
			.sa_handler = kold.handler,
			.sa_mask = kold.mask,
			.sa_flags = (unsigned)kold.flags & ~SA_RESTORER,
		};
	return 0;
}

void (*signal(int sig, void (*handler)(int)))(int)
{
	struct sigaction act = { .sa_handler = handler,
				 .sa_flags = SA_RESTART };

	return sigaction(sig, &act, &act) < 0 ? SIG_ERR : act.sa_handler;
}

int
sigprocmask(int how, const sigset_t *set, sigset_t *old)
{
	return (int)syscall(NR_rt_sigprocmask, how, set, old, KSIGSET_SIZE);
}

int
sigsuspend(const sigset_t *set)
{
	return (int)syscall(NR_rt_sigsuspend, set, KSIGSET_SIZE);
}

int
sigpending(sigset_t *set)
{
	return (int)syscall(NR_rt_sigpending, set, KSIGSET_SIZE);
}

int
sigaltstack(const stack_t *set, stack_t *old)
{
	return (int)syscall(NR_sigaltstack, set, old);
}

int
kill(pid_t pid, int sig)
{
	return (int)syscall(NR_kill, pid, sig);
}

int
tgkill(pid_t pid, pid_t tid, int sig)
{
	return (int)syscall(NR_tgkill, pid, tid, sig);
}

int
raise(int sig)
{
	return tgkill(getpid(), gettid(), sig);
}

static int
check_signal(int sig)
{
	if (sig > 0 && sig < NSIG)
		return 0;
	errno = EINVAL;
	return -1;
}

int
sigemptyset(sigset_t *set)
{
	*set = 0;
	return 0;
}

int
sigfillset(sigset_t *set)
{
	*set = ~(sigset_t)0;
	return 0;
}

int
sigaddset(sigset_t *set, int sig)
{
	if (check_signal(sig) < 0)
		return -1;
	*set |= KSIGMASK(sig);
	return 0;
}

int
sigdelset(sigset_t *set, int sig)
{
	if (check_signal(sig) < 0)
		return -1;
	*set &= ~KSIGMASK(sig);
	return 0;
}

int
sigismember(const sigset_t *set, int sig)
{
	if (check_signal(sig) < 0)
		return -1;
	return (*set & KSIGMASK(sig)) != 0;
}

/** The end of sigsetjmp(env, 1): env[9] is the mask. */
int
sigsetjmp_save(sigjmp_buf env)
{
	sigprocmask(SIG_SETMASK, NULL, &env[9]);
	return 0;
}

void
siglongjmp(sigjmp_buf env, int value)
{
	if (env[8] != 0)
		sigprocmask(SIG_SETMASK, &env[9], NULL);
	longjmp_registers(env, value);
}

void
longjmp(jmp_buf env, int value)
{
	siglongjmp(env, value);
}
