/*
 * Signals from faults, the frame of a handler (rt_sigreturn), and the stack it
 * runs on (sigaltstack): signal(7), sigreturn(2), sigaltstack(2).
 */
#include <sched.h>
#include <setjmp.h>
#include "check.h"

static volatile int caught, caught_sig;
static volatile siginfo_t info;

static void
install(int sig, void (*handler)(int), unsigned flags)
{
	struct sigaction act = { .sa_handler = handler, .sa_flags = flags };

	REQUIRE(sigaction(sig, &act, NULL) == 0);
}

static char *handler_stack;

static void
note_stack(int sig)
{
	(void)sig;
	handler_stack = __builtin_frame_address(0);
}

static sigjmp_buf back;

static void
jump_back(int sig, siginfo_t *si, void *context)
{
	(void)context;
	caught_sig = sig;
	info = *si;
	siglongjmp(back, 1);
}

/** Does what faults; the signal's facts are in info. */
#define FAULT(statement)                                                       \
	do {                                                                   \
		caught_sig = 0;                                                \
		if (sigsetjmp(back, 1) == 0)                                   \
			statement;                                             \
	} while (0)

static void
install_jump(int sig)
{
	struct sigaction act = { .sa_sigaction = jump_back,
				 .sa_flags = SA_SIGINFO };

	REQUIRE(sigaction(sig, &act, NULL) == 0);
}

TEST(siginfo_of_faults)
{
	volatile int zero = 0, *bad = BAD, *volatile low = (int *)0x10;

	install_jump(SIGSEGV);
	install_jump(SIGFPE);
	install_jump(SIGILL);
	install_jump(SIGTRAP);
	FAULT(*bad = 1);
	CHECK_EQ(caught_sig, SIGSEGV);
	CHECK_EQ(info.si_code, SEGV_ACCERR);
	CHECK_EQ(info.si_addr, bad);
	FAULT(*low = 1);
	CHECK_EQ(info.si_code, SEGV_MAPERR);
	CHECK_EQ(info.si_addr, 0x10);
	FAULT(caught = 100 / zero);
	CHECK_EQ(caught_sig, SIGFPE);
	CHECK_EQ(info.si_code, FPE_INTDIV);
	FAULT(__asm__ volatile("ud2"));
	CHECK_EQ(caught_sig, SIGILL);
	CHECK_EQ(info.si_code, ILL_ILLOPN);
	FAULT(__asm__ volatile("int3"));
	CHECK_EQ(caught_sig, SIGTRAP);
	FAULT(__asm__ volatile("hlt")); /* a privileged instruction */
	CHECK_EQ(caught_sig, SIGSEGV);
	CHECK_EQ(info.si_code, SI_KERNEL);
}

TEST(blocked_fault_kills)
{
	volatile int *bad = BAD;
	sigset_t set = KSIGMASK(SIGSEGV);

	install(SIGSEGV, note_stack, 0);
	CHECK_EQ(WTERMSIG(IN_CHILD(sigprocmask(SIG_BLOCK, &set, NULL);
				   *bad = 1)),
		 SIGSEGV);
	signal(SIGSEGV, SIG_IGN);
	CHECK_EQ(WTERMSIG(IN_CHILD(*bad = 1)), SIGSEGV);
}

static void
change_context(int sig, siginfo_t *si, void *context)
{
	ucontext_t *uc = context;

	(void)sig;
	(void)si;
	uc->uc_mcontext.rbx = 0x1234;
	uc->uc_sigmask |= KSIGMASK(SIGUSR2);
}

TEST(sigreturn_restores_the_frame)
{
	struct sigaction act = { .sa_sigaction = change_context,
				 .sa_flags = SA_SIGINFO };
	unsigned long rbx = 0, r12 = 77, flags = 0;
	sigset_t now;
	pid_t pid = getpid();

	CHECK_EQ(sigaction(SIGUSR1, &act, NULL), 0);
	/* stc: a flag that must survive; the handler changes rbx */
	__asm__ volatile("mov $1, %%rbx; mov $77, %%r12\n"
			 "mov $62, %%eax; mov $10, %%esi\n"
			 "std; syscall; pushfq; cld; pop %2\n"
			 "mov %%rbx, %0; mov %%r12, %1"
			 : "=m"(rbx), "=m"(r12), "=&r"(flags)
			 : "D"(pid)
			 : "rax", "rbx", "rcx", "rsi", "r11", "r12", "memory",
			   "cc");
	CHECK_EQ(rbx, 0x1234);
	CHECK_EQ(r12, 77);
	CHECK_EQ(flags & 0x400, 0x400); /* DF */
	CHECK_EQ(sigprocmask(0, NULL, &now), 0);
	CHECK_EQ(now, KSIGMASK(SIGUSR2));
}

static void
spoil_vectors(int sig)
{
	static const double other[2] = { 9, 9 };

	(void)sig;
	__asm__ volatile("movupd %0, %%xmm9" : : "m"(other) : "xmm9");
}

TEST(vector_registers_survive_a_handler)
{
	static const double in[2] = { 1.5, -2.25 };
	double out[2] = { 0, 0 };
	long result;
	pid_t pid = getpid();

	install(SIGUSR1, spoil_vectors, 0);
	__asm__ volatile("movupd %2, %%xmm9; syscall; movupd %%xmm9, %1"
			 : "=a"(result), "=m"(out)
			 : "m"(in), "0"((long)NR_kill), "D"(pid), "S"(SIGUSR1)
			 : "rcx", "r11", "memory", "xmm9");
	CHECK_EQ(result, 0);
	CHECK(memcmp(in, out, sizeof(in)) == 0);
}

TEST(red_zone_survives_a_handler)
{
	long got = 0, result;
	pid_t pid = getpid();

	install(SIGUSR1, note_stack, 0);
	__asm__ volatile("movq $0x5a5a, -128(%%rsp); syscall\n"
			 "movq -128(%%rsp), %1"
			 : "=a"(result), "=r"(got)
			 : "0"((long)NR_kill), "D"(pid), "S"(SIGUSR1)
			 : "rcx", "r11", "memory");
	CHECK_EQ(got, 0x5a5a);
}

TEST(bad_sigreturn_kills_only_its_caller)
{
	CHECK_EQ(WTERMSIG(IN_CHILD({
			 __asm__ volatile("mov %0, %%rsp; mov $15, %%eax\n"
					  "syscall; ud2"
					  :
					  : "r"((char *)BAD + 2048));
		 })),
		 SIGSEGV);
}

TEST(sigaltstack)
{
	static char alt[65536];
	stack_t now, set = { .ss_sp = alt, .ss_size = sizeof(alt) };

	CHECK_EQ(sigaltstack(NULL, &now), 0);
	CHECK_EQ(now.ss_flags, SS_DISABLE);
	CHECK_EQ(sigaltstack(&set, NULL), 0);
	CHECK_EQ(sigaltstack(NULL, &now), 0);
	CHECK(now.ss_sp == alt && now.ss_size == sizeof(alt));
	CHECK_EQ(now.ss_flags, 0);
	install(SIGUSR1, note_stack, SA_ONSTACK);
	raise(SIGUSR1);
	CHECK(handler_stack >= alt && handler_stack < alt + sizeof(alt));
	install(SIGUSR1, note_stack, 0);
	raise(SIGUSR1);
	CHECK(handler_stack < alt || handler_stack >= alt + sizeof(alt));
	set.ss_flags = SS_DISABLE;
	CHECK_EQ(sigaltstack(&set, NULL), 0);
}

static int
tell_altstack(void *flags)
{
	stack_t now;

	sigaltstack(NULL, &now);
	*(int *)flags = now.ss_flags;
	return 0;
}

static int
altstack_of_child(int flags)
{
	static char stack[16384];
	int found = -1;
	pid_t child = clone(tell_altstack, stack + sizeof(stack),
			    flags | SIGCHLD, &found, NULL, NULL, NULL);

	REQUIRE(waitpid(child, NULL, 0) == child);
	return found;
}

/* Two that run in one memory must not use the same one. */
TEST(sigaltstack_is_not_shared)
{
	static char alt[65536];
	stack_t set = { .ss_sp = alt, .ss_size = sizeof(alt) };

	CHECK_EQ(sigaltstack(&set, NULL), 0);
	CHECK_EQ(altstack_of_child(CLONE_VM), SS_DISABLE);
	CHECK_EQ(altstack_of_child(CLONE_VM | CLONE_VFORK), 0);
	CHECK_EQ(IN_CHILD(tell_altstack(&set.ss_flags); _exit(set.ss_flags)),
		 0);
}

TEST(sigaltstack_errors)
{
	static char alt[65536];
	stack_t set = { .ss_sp = alt, .ss_size = sizeof(alt), .ss_flags = 55 };

	CHECK_ERR(sigaltstack(&set, NULL), EINVAL);
	set.ss_flags = 0;
	set.ss_size = 100;
	CHECK_ERR(sigaltstack(&set, NULL), ENOMEM);
	CHECK_ERR(sigaltstack(BAD, NULL), EFAULT);
	CHECK_ERR(sigaltstack(NULL, BAD), EFAULT);
}

static int set_errno;

static void
set_stack_on_it(int sig)
{
	stack_t set = { .ss_flags = SS_DISABLE };

	(void)sig;
	set_errno = sigaltstack(&set, NULL) < 0 ? errno : 0;
}

TEST(the_stack_in_use_is_kept)
{
	static char alt[65536];
	stack_t set = { .ss_sp = alt, .ss_size = sizeof(alt) };
	struct sigaction act = { .sa_handler = set_stack_on_it,
				 .sa_flags = SA_ONSTACK };

	CHECK_EQ(sigaltstack(&set, NULL), 0);
	CHECK_EQ(sigaction(SIGUSR1, &act, NULL), 0);
	CHECK_EQ(raise(SIGUSR1), 0);
	CHECK_EQ(set_errno, EPERM);
}

TEST(stack_overflow_is_caught_on_the_other_stack)
{
	static char alt[65536];
	stack_t set = { .ss_sp = alt, .ss_size = sizeof(alt) };
	struct sigaction act = { .sa_sigaction = jump_back,
				 .sa_flags = SA_SIGINFO | SA_ONSTACK };

	CHECK_EQ(sigaltstack(&set, NULL), 0);
	CHECK_EQ(sigaction(SIGSEGV, &act, NULL), 0);
	FAULT(__asm__ volatile("1: push %rax; jmp 1b"));
	CHECK_EQ(caught_sig, SIGSEGV);
}

TEST(overflow_without_other_stack_kills)
{
	install(SIGSEGV, note_stack, 0);
	CHECK_EQ(WTERMSIG(IN_CHILD(__asm__ volatile("1: push %rax; jmp 1b"))),
		 SIGSEGV);
}
