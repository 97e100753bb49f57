/*
 * Processes, users, limits, memory maps, and what the kernel says of itself:
 * one system call each. exec and getopt, which are more, are in exec.c.
 */
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/random.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

pid_t
fork(void)
{
	return (pid_t)syscall(NR_fork);
}

int
execve(const char *path, char *const argv[], char *const envp[])
{
	return (int)syscall(NR_execve, path, argv, envp);
}

pid_t
wait4(pid_t pid, int *status, int options, struct rusage *ru)
{
	return (pid_t)syscall(NR_wait4, pid, status, options, ru);
}

pid_t
getpid(void)
{
	return (pid_t)syscall(NR_getpid);
}

pid_t
getppid(void)
{
	return (pid_t)syscall(NR_getppid);
}

pid_t
gettid(void)
{
	return (pid_t)syscall(NR_gettid);
}

pid_t
getpgrp(void)
{
	return (pid_t)syscall(NR_getpgrp);
}

pid_t
getpgid(pid_t pid)
{
	return (pid_t)syscall(NR_getpgid, pid);
}

int
setpgid(pid_t pid, pid_t pgid)
{
	return (int)syscall(NR_setpgid, pid, pgid);
}

pid_t
setsid(void)
{
	return (pid_t)syscall(NR_setsid);
}

pid_t
getsid(pid_t pid)
{
	return (pid_t)syscall(NR_getsid, pid);
}

uid_t
getuid(void)
{
	return (uid_t)syscall(NR_getuid);
}

uid_t
geteuid(void)
{
	return (uid_t)syscall(NR_geteuid);
}

gid_t
getgid(void)
{
	return (gid_t)syscall(NR_getgid);
}

gid_t
getegid(void)
{
	return (gid_t)syscall(NR_getegid);
}

int
setuid(uid_t uid)
{
	return (int)syscall(NR_setuid, uid);
}

int
setgid(gid_t gid)
{
	return (int)syscall(NR_setgid, gid);
}

int
setresuid(uid_t real, uid_t effective, uid_t saved)
{
	return (int)syscall(NR_setresuid, real, effective, saved);
}

int
setresgid(gid_t real, gid_t effective, gid_t saved)
{
	return (int)syscall(NR_setresgid, real, effective, saved);
}

int
getgroups(int size, gid_t list[])
{
	return (int)syscall(NR_getgroups, size, list);
}

int
setgroups(size_t size, const gid_t *list)
{
	return (int)syscall(NR_setgroups, size, list);
}

int
setpriority(int which, int who, int nice)
{
	return (int)syscall(NR_setpriority, which, who, nice);
}

int
getrusage(int who, struct rusage *ru)
{
	return (int)syscall(NR_getrusage, who, ru);
}

int
prlimit(pid_t pid, int resource, const struct rlimit *set, struct rlimit *old)
{
	return (int)syscall(NR_prlimit64, pid, resource, set, old);
}

int
sched_yield(void)
{
	return (int)syscall(NR_sched_yield);
}

int
munmap(void *at, size_t len)
{
	return (int)syscall(NR_munmap, at, len);
}

int
mprotect(void *at, size_t len, int prot)
{
	return (int)syscall(NR_mprotect, at, len, prot);
}

int
msync(void *at, size_t len, int flags)
{
	return (int)syscall(NR_msync, at, len, flags);
}

int
madvise(void *at, size_t len, int advice)
{
	return (int)syscall(NR_madvise, at, len, advice);
}

int
poll(struct pollfd *fds, nfds_t n, int ms)
{
	return (int)syscall(NR_poll, fds, n, ms);
}

int
select(int n, fd_set *rd, fd_set *wr, fd_set *ex, struct timeval *tv)
{
	return (int)syscall(NR_select, n, rd, wr, ex, tv);
}

ssize_t
getrandom(void *buf, size_t n, unsigned flags)
{
	return syscall(NR_getrandom, buf, n, flags);
}

int
uname(struct utsname *u)
{
	return (int)syscall(NR_uname, u);
}

int
statfs(const char *path, struct statfs *fs)
{
	return (int)syscall(NR_statfs, path, fs);
}

int
fstatfs(int fd, struct statfs *fs)
{
	return (int)syscall(NR_fstatfs, fd, fs);
}

int
sysinfo(struct sysinfo *info)
{
	return (int)syscall(NR_sysinfo, info);
}

int
mount(const char *source, const char *target, const char *type,
      unsigned long flags, const void *data)
{
	return (int)syscall(NR_mount, source, target, type, flags, data);
}

int
umount2(const char *target, int flags)
{
	return (int)syscall(NR_umount2, target, flags);
}

int
sethostname(const char *name, size_t size)
{
	return (int)syscall(NR_sethostname, name, size);
}

pid_t
wait(int *status)
{
	return wait4(-1, status, 0, NULL);
}

pid_t
waitpid(pid_t pid, int *status, int options)
{
	return wait4(pid, status, options, NULL);
}

int
getrlimit(int resource, struct rlimit *rl)
{
	return prlimit(0, resource, NULL, rl);
}

int
setrlimit(int resource, const struct rlimit *rl)
{
	return prlimit(0, resource, rl, NULL);
}

int
getpriority(int which, int who)
{
	long result = syscall(NR_getpriority, which, who);

	/* the kernel says 20 - nice, so as never to say a negative number */
	return result < 0 ? -1 : (int)(20 - result);
}

int
nice(int by)
{
	int now;

	errno = 0;
	now = getpriority(PRIO_PROCESS, 0);
	if (now == -1 && errno != 0)
		return -1;
	if (setpriority(PRIO_PROCESS, 0, now + by) < 0)
		return -1;
	return getpriority(PRIO_PROCESS, 0);
}

void *
mmap(void *at, size_t len, int prot, int flags, int fd, off_t pos)
{
	return (void *)syscall(NR_mmap, at, len, prot, flags, fd, pos);
}

void *
mremap(void *at, size_t oldlen, size_t newlen, int flags, ...)
{
	va_list ap;
	void *to;

	va_start(ap, flags);
	to = va_arg(ap, void *);
	va_end(ap);
	return (void *)syscall(NR_mremap, at, oldlen, newlen, flags, to);
}

/* The kernel answers with the break as it now is, whatever was asked. */
int
brk(void *end)
{
	if ((void *)syscall(NR_brk, end) == end)
		return 0;
	errno = ENOMEM;
	return -1;
}

void *
sbrk(intptr_t by)
{
	char *now = (char *)syscall(NR_brk, 0);

	if (by != 0 && brk(now + by) < 0)
		return (void *)-1;
	return now;
}

int
gethostname(char *buf, size_t size)
{
	struct utsname u;

	if (uname(&u) < 0)
		return -1;
	if (strlcpy(buf, u.nodename, size) < size)
		return 0;
	errno = ENAMETOOLONG;
	return -1;
}

int
reboot(unsigned cmd)
{
	return (int)syscall(NR_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2,
			    cmd, NULL);
}
