/*
 * POSIX signal.h. The signal set is the kernel's, 64 bits.
 */
#ifndef SIGNAL_H
#define SIGNAL_H

#include "abi/signal.h"
#include "sys/types.h"

typedef ksigset_t sigset_t;
typedef int sig_atomic_t;

struct sigaction {
	union {
		void (*sa_handler)(int);
		void (*sa_sigaction)(int, siginfo_t *, void *);
	};
	sigset_t sa_mask;
	unsigned sa_flags;
};

#define SIGRTMIN 34 /* as elsewhere: two are left to a thread library */
#define SIGRTMAX 64

int sigaction(int sig, const struct sigaction *act, struct sigaction *old);
/** With SA_RESTART, as BSD's. */
void (*signal(int sig, void (*handler)(int)))(int);
int sigprocmask(int how, const sigset_t *set, sigset_t *old);
int sigsuspend(const sigset_t *set);
int sigpending(sigset_t *set);
int sigaltstack(const stack_t *set, stack_t *old);
int kill(pid_t pid, int sig);
int tgkill(pid_t pid, pid_t tid, int sig);
int raise(int sig);

int sigemptyset(sigset_t *set);
int sigfillset(sigset_t *set);
int sigaddset(sigset_t *set, int sig);
int sigdelset(sigset_t *set, int sig);
int sigismember(const sigset_t *set, int sig);

#endif
