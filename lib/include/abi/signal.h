/*
 * Signals of the Linux x86-64 ABI: numbers, sigaction as rt_sigaction takes it,
 * siginfo, and the frame (ucontext, sigcontext, FXSAVE area) that the kernel
 * builds on the user stack and rt_sigreturn reads back.
 */
#ifndef ABI_SIGNAL_H
#define ABI_SIGNAL_H

#include <stddef.h>
#include <stdint.h>

#define SIGHUP	  1
#define SIGINT	  2
#define SIGQUIT	  3
#define SIGILL	  4
#define SIGTRAP	  5
#define SIGABRT	  6
#define SIGIOT	  SIGABRT
#define SIGBUS	  7
#define SIGFPE	  8
#define SIGKILL	  9
#define SIGUSR1	  10
#define SIGSEGV	  11
#define SIGUSR2	  12
#define SIGPIPE	  13
#define SIGALRM	  14
#define SIGTERM	  15
#define SIGSTKFLT 16
#define SIGCHLD	  17
#define SIGCONT	  18
#define SIGSTOP	  19
#define SIGTSTP	  20
#define SIGTTIN	  21
#define SIGTTOU	  22
#define SIGURG	  23
#define SIGXCPU	  24
#define SIGXFSZ	  25
#define SIGVTALRM 26
#define SIGPROF	  27
#define SIGWINCH  28
#define SIGIO	  29
#define SIGPOLL	  SIGIO
#define SIGPWR	  30
#define SIGSYS	  31

/** Signals are 1 … NSIG-1; from KSIGRTMIN on they queue. */
#define NSIG	  65
#define KSIGRTMIN 32

/** A set of signals as the kernel takes it: signal n is bit n-1. */
typedef uint64_t ksigset_t;
#define KSIGMASK(sig) ((ksigset_t)1 << ((sig)-1))

/** rt_sigprocmask and rt_sigaction want this as their last argument. */
#define KSIGSET_SIZE	  8

#define SIG_BLOCK	  0
#define SIG_UNBLOCK	  1
#define SIG_SETMASK	  2

#define SIG_DFL		  ((void (*)(int))0)
#define SIG_IGN		  ((void (*)(int))1)
#define SIG_ERR		  ((void (*)(int)) - 1)

#define SA_NOCLDSTOP	  0x00000001u
#define SA_NOCLDWAIT	  0x00000002u
#define SA_SIGINFO	  0x00000004u
#define SA_UNSUPPORTED	  0x00000400u
#define SA_EXPOSE_TAGBITS 0x00000800u
#define SA_RESTORER	  0x04000000u
#define SA_ONSTACK	  0x08000000u
#define SA_RESTART	  0x10000000u
#define SA_NODEFER	  0x40000000u
#define SA_RESETHAND	  0x80000000u
#define SA_NOMASK	  SA_NODEFER
#define SA_ONESHOT	  SA_RESETHAND

/**
 * sigaction as rt_sigaction(2) takes it. x86-64 has no stack trampoline: the
 * handler returns to restorer, so SA_RESTORER must be set.
 */
struct ksigaction {
	void (*handler)(int);
	uint64_t flags;
	void (*restorer)(void);
	ksigset_t mask;
};

union sigval {
	int32_t sival_int;
	void *sival_ptr;
};

/** What a SA_SIGINFO handler learns: 128 bytes. */
typedef struct siginfo {
	int32_t si_signo;
	int32_t si_errno;
	int32_t si_code;
	int32_t si_pad0;
	union {
		int32_t pad[28];
		struct {
			int32_t pid;
			uint32_t uid;
			union sigval value;
		} kill; /* kill, tkill, sigqueue */
		struct {
			int32_t tid;
			int32_t overrun;
			union sigval value;
		} timer; /* timer_create */
		struct {
			int32_t pid;
			uint32_t uid;
			int32_t status; /* exit code, or signal */
			int64_t utime;
			int64_t stime;
		} chld;
		struct {
			void *addr;
			int16_t addr_lsb;
			void *lower;
			void *upper;
		} fault; /* SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP */
		struct {
			int64_t band;
			int32_t fd;
		} poll;
		struct {
			void *call_addr;
			int32_t syscall;
			uint32_t arch;
		} sys; /* SIGSYS */
	} si_u;
} siginfo_t;

_Static_assert(sizeof(siginfo_t) == 128, "siginfo_t is fixed by the ABI");

#define si_pid	   si_u.kill.pid
#define si_uid	   si_u.kill.uid
#define si_value   si_u.kill.value
#define si_int	   si_u.kill.value.sival_int
#define si_ptr	   si_u.kill.value.sival_ptr
#define si_timerid si_u.timer.tid
#define si_overrun si_u.timer.overrun
#define si_status  si_u.chld.status
#define si_utime   si_u.chld.utime
#define si_stime   si_u.chld.stime
#define si_addr	   si_u.fault.addr
#define si_band	   si_u.poll.band
#define si_fd	   si_u.poll.fd

/** What a timer of timer_create does when it goes off: 64 bytes. */
struct sigevent {
	union sigval sigev_value;
	int32_t sigev_signo;
	int32_t sigev_notify;
	union {
		int32_t sigev_tid; /**< SIGEV_THREAD_ID */
		int32_t pad[12];
	} sigev_u;
};

_Static_assert(sizeof(struct sigevent) == 64, "sigevent is fixed by the ABI");

#define SIGEV_SIGNAL	0
#define SIGEV_NONE	1
#define SIGEV_THREAD	2 /**< the library's: a signal to the kernel */
#define SIGEV_THREAD_ID 4

/** signalfd(2): what a read gives for each signal: 128 bytes. */
struct signalfd_siginfo {
	uint32_t ssi_signo;
	int32_t ssi_errno;
	int32_t ssi_code;
	uint32_t ssi_pid;
	uint32_t ssi_uid;
	int32_t ssi_fd;
	uint32_t ssi_tid;
	uint32_t ssi_band;
	uint32_t ssi_overrun;
	uint32_t ssi_trapno;
	int32_t ssi_status;
	int32_t ssi_int;
	uint64_t ssi_ptr;
	uint64_t ssi_utime;
	uint64_t ssi_stime;
	uint64_t ssi_addr;
	uint16_t ssi_addr_lsb;
	uint16_t ssi_pad2;
	int32_t ssi_syscall;
	uint64_t ssi_call_addr;
	uint32_t ssi_arch;
	uint8_t ssi_pad[28];
};

_Static_assert(sizeof(struct signalfd_siginfo) == 128, "signalfd_siginfo");

/* si_code: above 0 from the kernel for a reason, else sent by a process. */
#define SI_USER	      0
#define SI_KERNEL     0x80
#define SI_QUEUE      (-1)
#define SI_TIMER      (-2)
#define SI_MESGQ      (-3)
#define SI_ASYNCIO    (-4)
#define SI_SIGIO      (-5)
#define SI_TKILL      (-6)

#define ILL_ILLOPC    1
#define ILL_ILLOPN    2
#define ILL_ILLADR    3
#define ILL_ILLTRP    4
#define ILL_PRVOPC    5
#define ILL_PRVREG    6

#define FPE_INTDIV    1
#define FPE_INTOVF    2
#define FPE_FLTDIV    3
#define FPE_FLTOVF    4
#define FPE_FLTUND    5
#define FPE_FLTRES    6
#define FPE_FLTINV    7
#define FPE_FLTSUB    8

#define SEGV_MAPERR   1
#define SEGV_ACCERR   2
#define SEGV_BNDERR   3
#define SEGV_PKUERR   4

#define BUS_ADRALN    1
#define BUS_ADRERR    2
#define BUS_OBJERR    3

#define TRAP_BRKPT    1
#define TRAP_TRACE    2

#define CLD_EXITED    1
#define CLD_KILLED    2
#define CLD_DUMPED    3
#define CLD_TRAPPED   4
#define CLD_STOPPED   5
#define CLD_CONTINUED 6

#define POLL_IN	      1
#define POLL_OUT      2
#define POLL_MSG      3
#define POLL_ERR      4
#define POLL_PRI      5
#define POLL_HUP      6

/** sigaltstack(2) */
typedef struct sigaltstack {
	void *ss_sp;
	int32_t ss_flags;
	size_t ss_size;
} stack_t;

#define SS_ONSTACK    1
#define SS_DISABLE    2
#define SS_AUTODISARM (1u << 31)
#define MINSIGSTKSZ   2048
#define SIGSTKSZ      8192

/** The FXSAVE image: SDM vol. 1, section 10.5.1. 512 bytes, 16-aligned. */
struct fpstate {
	uint16_t cwd;
	uint16_t swd;
	uint16_t twd;
	uint16_t fop;
	uint64_t rip;
	uint64_t rdp;
	uint32_t mxcsr;
	uint32_t mxcsr_mask;
	uint32_t st[32];  /* 8 registers of 16 bytes */
	uint32_t xmm[64]; /* 16 registers of 16 bytes */
	uint32_t pad[12];
	struct {
		uint32_t magic1;	/* FP_XSTATE_MAGIC1: XSAVE follows */
		uint32_t extended_size; /* bytes, with the magic2 after it */
		uint64_t xfeatures;
		uint32_t xstate_size;
		uint32_t pad[7];
	} sw;
};

_Static_assert(sizeof(struct fpstate) == 512, "FXSAVE area");

#define FP_XSTATE_MAGIC1      0x46505853u
#define FP_XSTATE_MAGIC2      0x46505845u
#define FP_XSTATE_MAGIC2_SIZE 4

/** The user registers at the signal. */
struct sigcontext {
	uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
	uint64_t rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp;
	uint64_t rip;
	uint64_t eflags;
	uint16_t cs, gs, fs, ss;
	uint64_t err;
	uint64_t trapno;
	uint64_t oldmask;
	uint64_t cr2;
	struct fpstate *fpstate; /**< NULL: no FPU state is restored */
	uint64_t reserved[8];
};

_Static_assert(sizeof(struct sigcontext) == 256, "sigcontext");

/** uc_flags */
#define UC_FP_XSTATE	     1
#define UC_SIGCONTEXT_SS     2
#define UC_STRICT_RESTORE_SS 4

typedef struct ucontext {
	uint64_t uc_flags;
	struct ucontext *uc_link;
	stack_t uc_stack;
	struct sigcontext uc_mcontext;
	ksigset_t uc_sigmask;
} ucontext_t;

/**
 * The signal frame. The handler starts with rsp here, so pretcode is its return
 * address; rsp + 8 is 16-aligned, as after a call. rdi = signo, rsi = &info,
 * rdx = &uc. rt_sigreturn finds rsp just past pretcode.
 */
struct rt_sigframe {
	void (*pretcode)(void);
	ucontext_t uc;
	siginfo_t info;
	/* the fpstate stands above, 64-aligned for XSAVE */
};

#endif
