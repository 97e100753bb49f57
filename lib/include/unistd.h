/*
 * POSIX unistd.h: processes, descriptors, names. Each function is its manual
 * page's; nearly all are a system call of the same name.
 */
#ifndef UNISTD_H
#define UNISTD_H

#include "abi/unistd.h"
#include "sys/types.h"

extern char **environ;

ssize_t read(int fd, void *buf, size_t n);
ssize_t write(int fd, const void *buf, size_t n);
ssize_t pread(int fd, void *buf, size_t n, off_t pos);
ssize_t pwrite(int fd, const void *buf, size_t n, off_t pos);
off_t lseek(int fd, off_t pos, int whence);
int close(int fd);
int dup(int fd);
int dup2(int fd, int to);
int dup3(int fd, int to, int flags);
int pipe(int fd[2]);
int pipe2(int fd[2], int flags);
int ftruncate(int fd, off_t size);
int truncate(const char *path, off_t size);
int fsync(int fd);
int fdatasync(int fd);
void sync(void);
int syncfs(int fd);
ssize_t copy_file_range(int in, off_t *in_pos, int out, off_t *out_pos,
			size_t len, unsigned flags);
int close_range(unsigned first, unsigned last, int flags);
int isatty(int fd);

int access(const char *path, int mode);
int faccessat(int dir, const char *path, int mode, int flags);
int chdir(const char *path);
int fchdir(int fd);
char *getcwd(char *buf, size_t size);
int chown(const char *path, uid_t uid, gid_t gid);
int fchown(int fd, uid_t uid, gid_t gid);
int lchown(const char *path, uid_t uid, gid_t gid);
int fchownat(int dir, const char *path, uid_t uid, gid_t gid, int flags);
int link(const char *old, const char *name);
int linkat(int olddir, const char *old, int dir, const char *name, int flags);
int symlink(const char *target, const char *name);
int symlinkat(const char *target, int dir, const char *name);
ssize_t readlink(const char *path, char *buf, size_t size);
ssize_t readlinkat(int dir, const char *path, char *buf, size_t size);
int unlink(const char *path);
int unlinkat(int dir, const char *path, int flags);
int rmdir(const char *path);
int chroot(const char *path);

pid_t fork(void);
pid_t vfork(void) __attribute__((returns_twice));
int execve(const char *path, char *const argv[], char *const envp[]);
int execv(const char *path, char *const argv[]);
/** Looks for a name without a slash in $PATH. */
int execvp(const char *name, char *const argv[]);
int execl(const char *path, const char *arg, ...) __attribute__((sentinel));
__attribute__((noreturn)) void _exit(int status);
pid_t getpid(void);
pid_t getppid(void);
pid_t gettid(void);
pid_t getpgrp(void);
pid_t getpgid(pid_t pid);
int setpgid(pid_t pid, pid_t pgid);
pid_t setsid(void);
pid_t getsid(pid_t pid);
uid_t getuid(void);
uid_t geteuid(void);
gid_t getgid(void);
gid_t getegid(void);
int setuid(uid_t uid);
int setgid(gid_t gid);
int setresuid(uid_t real, uid_t effective, uid_t saved);
int setresgid(gid_t real, gid_t effective, gid_t saved);
int getgroups(int size, gid_t list[]);
int setgroups(size_t size, const gid_t *list);
int nice(int by);
int brk(void *end);
void *sbrk(intptr_t by);

int pause(void);
unsigned alarm(unsigned seconds);
unsigned sleep(unsigned seconds);
int usleep(useconds_t us);
pid_t tcgetpgrp(int fd);
int tcsetpgrp(int fd, pid_t pgrp);
int gethostname(char *buf, size_t size);
int sethostname(const char *name, size_t size);

/* getopt(3), short options only */
extern char *optarg;
extern int optind, opterr, optopt;
int getopt(int argc, char *const argv[], const char *options);

#endif
