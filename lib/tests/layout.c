/*
 * Prints the size of every structure of lib/include/abi and the place of its
 * fields. Built twice, against our headers and (-DHOST) against the host's;
 * the two outputs must be the same, which is how we know the ABI.
 */
#ifdef HOST
#define _GNU_SOURCE
#include <stdint.h>
#include <asm/termbits.h>
#include <asm/ioctls.h>
#include <dirent.h>
#include <elf.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/shm.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <time.h>
#include <utime.h>
#define linux_dirent64 dirent64
#define sigaltstack_t  stack_t
struct winsize {
	unsigned short ws_row, ws_col, ws_xpixel, ws_ypixel;
};
#else
#include <stddef.h>
#include "abi/dirent.h"
#include "abi/elf.h"
#include "abi/fcntl.h"
#include "abi/futex.h"
#include "abi/inotify.h"
#include "abi/poll.h"
#include "abi/resource.h"
#include "abi/sched.h"
#include "abi/signal.h"
#include "abi/socket.h"
#include "abi/stat.h"
#include "abi/statfs.h"
#include "abi/shm.h"
#include "abi/sysinfo.h"
#include "abi/termios.h"
#include "abi/time.h"
#include "abi/uio.h"
#include "abi/utsname.h"
int printf(const char *, ...);
#endif
#ifdef HOST
#include <stddef.h>
#include <stdio.h>
#endif

#define SIZE(type) printf("%s %d\n", #type, (int)sizeof(type))
#define FIELD(type, f)                                                         \
	printf("%s.%s %d %d\n", #type, #f, (int)offsetof(type, f),             \
	       (int)sizeof(((type *)0)->f))

static void
print_files(void)
{
	SIZE(struct stat);
	FIELD(struct stat, st_dev);
	FIELD(struct stat, st_ino);
	FIELD(struct stat, st_nlink);
	FIELD(struct stat, st_mode);
	FIELD(struct stat, st_uid);
	FIELD(struct stat, st_gid);
	FIELD(struct stat, st_rdev);
	FIELD(struct stat, st_size);
	FIELD(struct stat, st_blksize);
	FIELD(struct stat, st_blocks);
	FIELD(struct stat, st_atim);
	FIELD(struct stat, st_mtime);
	FIELD(struct stat, st_ctim);
	SIZE(struct flock);
	FIELD(struct flock, l_whence);
	FIELD(struct flock, l_start);
	FIELD(struct flock, l_len);
	FIELD(struct flock, l_pid);
	FIELD(struct linux_dirent64, d_ino);
	FIELD(struct linux_dirent64, d_off);
	FIELD(struct linux_dirent64, d_reclen);
	FIELD(struct linux_dirent64, d_type);
	printf("d_name %d\n", (int)offsetof(struct linux_dirent64, d_name));
	SIZE(struct statx);
	FIELD(struct statx, stx_mask);
	FIELD(struct statx, stx_attributes);
	FIELD(struct statx, stx_nlink);
	FIELD(struct statx, stx_mode);
	FIELD(struct statx, stx_ino);
	FIELD(struct statx, stx_blocks);
	FIELD(struct statx, stx_attributes_mask);
	FIELD(struct statx, stx_atime);
	FIELD(struct statx, stx_btime);
	FIELD(struct statx, stx_mtime);
	FIELD(struct statx, stx_rdev_major);
	FIELD(struct statx, stx_dev_minor);
	FIELD(struct statx, stx_mnt_id);
	SIZE(struct statfs);
	FIELD(struct statfs, f_type);
	FIELD(struct statfs, f_blocks);
	FIELD(struct statfs, f_ffree);
	FIELD(struct statfs, f_fsid);
	FIELD(struct statfs, f_namelen);
	FIELD(struct statfs, f_flags);
	SIZE(struct iovec);
	SIZE(struct pollfd);
	FIELD(struct pollfd, revents);
	SIZE(struct inotify_event);
	FIELD(struct inotify_event, cookie);
	FIELD(struct inotify_event, len);
	SIZE(struct epoll_event);
	FIELD(struct epoll_event, data);
	SIZE(fd_set);
}

static void
print_sockets(void)
{
	SIZE(struct sockaddr);
	SIZE(struct sockaddr_storage);
	SIZE(struct sockaddr_un);
	FIELD(struct sockaddr_un, sun_family);
	FIELD(struct sockaddr_un, sun_path);
	SIZE(struct msghdr);
	FIELD(struct msghdr, msg_name);
	FIELD(struct msghdr, msg_namelen);
	FIELD(struct msghdr, msg_iov);
	FIELD(struct msghdr, msg_iovlen);
	FIELD(struct msghdr, msg_control);
	FIELD(struct msghdr, msg_controllen);
	FIELD(struct msghdr, msg_flags);
	SIZE(struct mmsghdr);
	FIELD(struct mmsghdr, msg_len);
	SIZE(struct cmsghdr);
	FIELD(struct cmsghdr, cmsg_len);
	FIELD(struct cmsghdr, cmsg_level);
	FIELD(struct cmsghdr, cmsg_type);
	SIZE(struct ucred);
	FIELD(struct ucred, uid);
	FIELD(struct ucred, gid);
	SIZE(struct linger);
}

static void
print_system(void)
{
	SIZE(struct timespec);
	SIZE(struct timeval);
	SIZE(struct itimerval);
	SIZE(struct itimerspec);
	FIELD(struct itimerspec, it_value);
	SIZE(struct tms);
	FIELD(struct tms, tms_cstime);
	SIZE(struct utimbuf);
	SIZE(struct rlimit);
	SIZE(struct rusage);
	FIELD(struct rusage, ru_stime);
	FIELD(struct rusage, ru_maxrss);
	FIELD(struct rusage, ru_minflt);
	FIELD(struct rusage, ru_nivcsw);
	SIZE(struct shmid_ds);
	FIELD(struct shmid_ds, shm_perm.mode);
	FIELD(struct shmid_ds, shm_segsz);
	FIELD(struct shmid_ds, shm_atime);
	FIELD(struct shmid_ds, shm_lpid);
	FIELD(struct shmid_ds, shm_nattch);
	SIZE(struct shminfo);
	SIZE(struct shm_info);
	FIELD(struct shm_info, shm_rss);
	SIZE(struct sysinfo);
	FIELD(struct sysinfo, loads);
	FIELD(struct sysinfo, totalram);
	FIELD(struct sysinfo, procs);
	FIELD(struct sysinfo, mem_unit);
	SIZE(struct utsname);
	FIELD(struct utsname, machine);
	SIZE(struct termios);
	FIELD(struct termios, c_lflag);
	FIELD(struct termios, c_line);
	FIELD(struct termios, c_cc);
	SIZE(struct winsize);
	FIELD(struct winsize, ws_col);
	SIZE(struct sched_param);
	SIZE(struct robust_list_head);
	FIELD(struct robust_list_head, futex_offset);
	FIELD(struct robust_list_head, list_op_pending);
}

static void
print_signals(void)
{
	SIZE(struct sigevent);
	FIELD(struct sigevent, sigev_signo);
	FIELD(struct sigevent, sigev_notify);
	SIZE(struct signalfd_siginfo);
	FIELD(struct signalfd_siginfo, ssi_overrun);
	FIELD(struct signalfd_siginfo, ssi_status);
	FIELD(struct signalfd_siginfo, ssi_ptr);
	FIELD(struct signalfd_siginfo, ssi_stime);
	FIELD(struct signalfd_siginfo, ssi_addr_lsb);
	SIZE(siginfo_t);
	FIELD(siginfo_t, si_signo);
	FIELD(siginfo_t, si_errno);
	FIELD(siginfo_t, si_code);
	FIELD(siginfo_t, si_pid);
	FIELD(siginfo_t, si_uid);
	FIELD(siginfo_t, si_value);
	FIELD(siginfo_t, si_status);
	FIELD(siginfo_t, si_utime);
	FIELD(siginfo_t, si_stime);
	FIELD(siginfo_t, si_addr);
	FIELD(siginfo_t, si_overrun);
	FIELD(siginfo_t, si_band);
	FIELD(siginfo_t, si_fd);
	SIZE(stack_t);
	FIELD(stack_t, ss_flags);
	FIELD(stack_t, ss_size);
	FIELD(ucontext_t, uc_link);
	FIELD(ucontext_t, uc_stack);
	printf("mcontext %d\n", (int)offsetof(ucontext_t, uc_mcontext));
	printf("sigmask %d\n", (int)offsetof(ucontext_t, uc_sigmask));
}

/* The host's library calls the registers gregs[], in the kernel's order. */
#ifdef HOST
#define REG(name, index)                                                       \
	printf("%s %d\n", #name, (int)offsetof(mcontext_t, gregs[index]))
#define FPSTATE ((int)offsetof(mcontext_t, fpregs))
#define FPTYPE	struct _libc_fpstate
#define FPXMM	_xmm
#define FPST	_st
#else
#define REG(name, index)                                                       \
	printf("%s %d\n", #name, (int)offsetof(struct sigcontext, name))
#define FPSTATE ((int)offsetof(struct sigcontext, fpstate))
#define FPTYPE	struct fpstate
#define FPXMM	xmm
#define FPST	st
#endif

static void
print_context(void)
{
	REG(r8, REG_R8);
	REG(r15, REG_R15);
	REG(rdi, REG_RDI);
	REG(rsi, REG_RSI);
	REG(rbp, REG_RBP);
	REG(rbx, REG_RBX);
	REG(rdx, REG_RDX);
	REG(rax, REG_RAX);
	REG(rcx, REG_RCX);
	REG(rsp, REG_RSP);
	REG(rip, REG_RIP);
	REG(eflags, REG_EFL);
	REG(cs, REG_CSGSFS);
	REG(err, REG_ERR);
	REG(trapno, REG_TRAPNO);
	REG(oldmask, REG_OLDMASK);
	REG(cr2, REG_CR2);
	printf("fpstate %d\n", FPSTATE);
	printf("fp %d %d %d %d\n", (int)sizeof(FPTYPE),
	       (int)offsetof(FPTYPE, mxcsr), (int)offsetof(FPTYPE, FPST),
	       (int)offsetof(FPTYPE, FPXMM));
}

static void
print_elf(void)
{
	SIZE(Elf64_Ehdr);
	FIELD(Elf64_Ehdr, e_entry);
	FIELD(Elf64_Ehdr, e_phentsize);
	FIELD(Elf64_Ehdr, e_shstrndx);
	SIZE(Elf64_Phdr);
	FIELD(Elf64_Phdr, p_flags);
	FIELD(Elf64_Phdr, p_vaddr);
	FIELD(Elf64_Phdr, p_align);
	SIZE(Elf64_Shdr);
	FIELD(Elf64_Shdr, sh_entsize);
	SIZE(Elf64_Sym);
	FIELD(Elf64_Sym, st_value);
	SIZE(Elf64_Nhdr);
	SIZE(Elf64_auxv_t);
}

int
main(void)
{
	print_files();
	print_sockets();
	print_system();
	print_signals();
	print_context();
	print_elf();
	return 0;
}
