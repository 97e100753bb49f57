/*
 * clone flags and scheduling policies of the Linux x86-64 ABI.
 */
#ifndef ABI_SCHED_H
#define ABI_SCHED_H

#include <stdint.h>

/* The low byte of clone's flags is the signal sent at exit. */
#define CSIGNAL		     0x000000ff
#define CLONE_VM	     0x00000100
#define CLONE_FS	     0x00000200
#define CLONE_FILES	     0x00000400
#define CLONE_SIGHAND	     0x00000800
#define CLONE_PIDFD	     0x00001000
#define CLONE_PTRACE	     0x00002000
#define CLONE_VFORK	     0x00004000
#define CLONE_PARENT	     0x00008000
#define CLONE_THREAD	     0x00010000
#define CLONE_NEWNS	     0x00020000
#define CLONE_SYSVSEM	     0x00040000
#define CLONE_SETTLS	     0x00080000
#define CLONE_PARENT_SETTID  0x00100000
#define CLONE_CHILD_CLEARTID 0x00200000
#define CLONE_DETACHED	     0x00400000
#define CLONE_UNTRACED	     0x00800000
#define CLONE_CHILD_SETTID   0x01000000
#define CLONE_NEWCGROUP	     0x02000000
#define CLONE_NEWUTS	     0x04000000
#define CLONE_NEWIPC	     0x08000000
#define CLONE_NEWUSER	     0x10000000
#define CLONE_NEWPID	     0x20000000
#define CLONE_NEWNET	     0x40000000
#define CLONE_IO	     0x80000000u

/* clone3 only */
#define CLONE_CLEAR_SIGHAND  0x100000000ul
#define CLONE_INTO_CGROUP    0x200000000ul

/** clone3(2) */
struct clone_args {
	uint64_t flags;
	uint64_t pidfd;
	uint64_t child_tid;
	uint64_t parent_tid;
	uint64_t exit_signal;
	uint64_t stack; /* its lowest byte */
	uint64_t stack_size;
	uint64_t tls;
	uint64_t set_tid;
	uint64_t set_tid_size;
	uint64_t cgroup;
};
#define CLONE_ARGS_SIZE_VER0 64

#define SCHED_OTHER	     0
#define SCHED_FIFO	     1
#define SCHED_RR	     2
#define SCHED_BATCH	     3
#define SCHED_IDLE	     5

/** Or-ed to the policy: children begin with SCHED_OTHER. */
#define SCHED_RESET_ON_FORK  0x40000000

struct sched_param {
	int32_t sched_priority;
};

/* sched_setattr(2), sched_getattr(2) */
#define SCHED_FLAG_RESET_ON_FORK 0x01
#define SCHED_FLAG_KEEP_POLICY	 0x08
#define SCHED_FLAG_KEEP_PARAMS	 0x10

struct sched_attr {
	uint32_t size; /**< of what the caller knows of this */
	uint32_t sched_policy;
	uint64_t sched_flags;
	int32_t sched_nice;
	uint32_t sched_priority;
	/* Of SCHED_DEADLINE. */
	uint64_t sched_runtime;
	uint64_t sched_deadline;
	uint64_t sched_period;
};
#define SCHED_ATTR_SIZE_VER0 48

/* arch_prctl(2) */
#define ARCH_SET_GS    0x1001
#define ARCH_SET_FS    0x1002
#define ARCH_GET_FS    0x1003
#define ARCH_GET_GS    0x1004
#define ARCH_GET_CPUID 0x1011
#define ARCH_SET_CPUID 0x1012

/* prctl(2) */
#define PR_SET_PDEATHSIG       1
#define PR_GET_PDEATHSIG       2
#define PR_GET_DUMPABLE	       3
#define PR_SET_DUMPABLE	       4
#define PR_GET_KEEPCAPS	       7
#define PR_SET_KEEPCAPS	       8
#define PR_SET_NAME	       15
#define PR_GET_NAME	       16
#define PR_CAPBSET_READ	       23
#define PR_CAPBSET_DROP	       24
#define PR_GET_SECUREBITS      27
#define PR_SET_SECUREBITS      28
#define PR_SET_CHILD_SUBREAPER 36
#define PR_GET_CHILD_SUBREAPER 37
#define PR_SET_NO_NEW_PRIVS    38
#define PR_GET_NO_NEW_PRIVS    39
#define PR_CAP_AMBIENT	       47

/* PR_CAP_AMBIENT's second argument */
#define PR_CAP_AMBIENT_IS_SET	 1
#define PR_CAP_AMBIENT_RAISE	 2
#define PR_CAP_AMBIENT_LOWER	 3
#define PR_CAP_AMBIENT_CLEAR_ALL 4

/** A thread's name (PR_SET_NAME), with its ending 0 byte. */
#define TASK_COMM_LEN 16

/* personality(2), as far as Hardtack has any. */
#define PER_LINUX	  0
#define ADDR_NO_RANDOMIZE 0x0040000

#endif
