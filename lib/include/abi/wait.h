/*
 * wait4 and waitid of the Linux x86-64 ABI: options and the status word.
 * An exit status stands in bits 8-15; a killing signal in bits 0-6, with bit 7
 * for a core dump; a stop is 0x7f with the signal in bits 8-15.
 */
#ifndef ABI_WAIT_H
#define ABI_WAIT_H

#define WNOHANG		0x00000001
#define WUNTRACED	0x00000002
#define WSTOPPED	WUNTRACED
#define WEXITED		0x00000004
#define WCONTINUED	0x00000008
#define WNOWAIT		0x01000000
#define WNOTHREAD	0x20000000
#define WALL		0x40000000
#define WCLONE		0x80000000u

#define WEXITSTATUS(s)	(((s)&0xff00) >> 8)
#define WTERMSIG(s)	((s)&0x7f)
#define WSTOPSIG(s)	WEXITSTATUS(s)
#define WIFEXITED(s)	(WTERMSIG(s) == 0)
#define WIFSTOPPED(s)	(((s)&0xff) == 0x7f)
#define WIFSIGNALED(s)	(((s)&0xffff) - 1u < 0xffu)
#define WIFCONTINUED(s) ((s) == 0xffff)
#define WCOREDUMP(s)	((s)&0x80)

/* Building one */
#define W_EXITCODE(code, sig) ((((code)&0xff) << 8) | (sig))
#define W_STOPCODE(sig)	      (((sig) << 8) | 0x7f)
#define W_CONTINUED	      0xffff

/* waitid(2) */
#define P_ALL	0
#define P_PID	1
#define P_PGID	2
#define P_PIDFD 3

/** pidfd_open(2): waitid on it does not wait. */
#define PIDFD_NONBLOCK 04000

#endif
