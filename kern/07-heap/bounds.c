/*
 * The most kernel heap that each system call can hold, in pages; found in the source
 * by scripts/maxlive, which see. Generated: do not edit; type scripts/maxlive.
 */
#include "heap_internal.h"
#include "abi/syscall.h"

#ifdef DEBUG
#define PAGES(release, debug) debug
#else
#define PAGES(release, debug) release
#endif

const uint16_t heap_call_bounds[SYSCALLS_MAX] = {
	[NR_accept] = PAGES(3, 3), /* 4864 bytes */
	[NR_accept4] = PAGES(3, 3), /* 4864 bytes */
	[NR_access] = PAGES(5, 5), /* 9024 bytes */
	[NR_bind] = PAGES(12, 13), /* 36960 bytes */
	[NR_brk] = PAGES(1, 1), /* 256 bytes */
	[NR_chdir] = PAGES(5, 5), /* 9024 bytes */
	[NR_chmod] = PAGES(5, 5), /* 9024 bytes */
	[NR_chown] = PAGES(5, 5), /* 9024 bytes */
	[NR_chroot] = PAGES(5, 5), /* 9024 bytes */
	[NR_clone] = PAGES(37, 37), /* 124160 bytes */
	[NR_clone3] = PAGES(37, 37), /* 124160 bytes */
	[NR_close_range] = PAGES(25, 25), /* 96896 bytes */
	[NR_connect] = PAGES(6, 7), /* 9600 bytes */
	[NR_copy_file_range] = PAGES(9, 10), /* 13792 bytes */
	[NR_creat] = PAGES(15, 16), /* 43520 bytes */
	[NR_dup] = PAGES(2, 2), /* 4672 bytes */
	[NR_dup2] = PAGES(2, 2), /* 4672 bytes */
	[NR_dup3] = PAGES(2, 2), /* 4672 bytes */
	[NR_epoll_create] = PAGES(3, 4), /* 5056 bytes */
	[NR_epoll_create1] = PAGES(3, 4), /* 5056 bytes */
	[NR_epoll_ctl] = PAGES(1, 1), /* 256 bytes */
	[NR_eventfd] = PAGES(3, 4), /* 5056 bytes */
	[NR_eventfd2] = PAGES(3, 4), /* 5056 bytes */
	[NR_execve] = PAGES(36, 36), /* 125312 bytes */
	[NR_execveat] = PAGES(36, 36), /* 125312 bytes */
	[NR_faccessat] = PAGES(5, 5), /* 9024 bytes */
	[NR_faccessat2] = PAGES(5, 5), /* 9024 bytes */
	[NR_fchmodat] = PAGES(5, 5), /* 9024 bytes */
	[NR_fchmodat2] = PAGES(5, 5), /* 9024 bytes */
	[NR_fchownat] = PAGES(5, 5), /* 9024 bytes */
	[NR_fcntl] = PAGES(4, 4), /* 4960 bytes */
	[NR_flock] = PAGES(2, 2), /* 288 bytes */
	[NR_fork] = PAGES(37, 37), /* 124160 bytes */
	[NR_futimesat] = PAGES(5, 5), /* 9024 bytes */
	[NR_getcwd] = PAGES(1, 1), /* 4096 bytes */
	[NR_getxattr] = PAGES(5, 5), /* 9024 bytes */
	[NR_inotify_add_watch] = PAGES(6, 6), /* 9152 bytes */
	[NR_inotify_init] = PAGES(4, 4), /* 4992 bytes */
	[NR_inotify_init1] = PAGES(4, 4), /* 4992 bytes */
	[NR_ioctl] = PAGES(12, 13), /* 28544 bytes */
	[NR_kill] = PAGES(5, 5), /* 16512 bytes */
	[NR_lchown] = PAGES(5, 5), /* 9024 bytes */
	[NR_lgetxattr] = PAGES(5, 5), /* 9024 bytes */
	[NR_link] = PAGES(13, 13), /* 41056 bytes */
	[NR_linkat] = PAGES(13, 13), /* 41056 bytes */
	[NR_listxattr] = PAGES(5, 5), /* 9024 bytes */
	[NR_llistxattr] = PAGES(5, 5), /* 9024 bytes */
	[NR_lremovexattr] = PAGES(5, 5), /* 9024 bytes */
	[NR_lsetxattr] = PAGES(5, 5), /* 9024 bytes */
	[NR_lstat] = PAGES(5, 5), /* 9024 bytes */
	[NR_madvise] = PAGES(1, 1), /* 256 bytes */
	[NR_memfd_create] = PAGES(12, 13), /* 30400 bytes */
	[NR_mkdir] = PAGES(12, 12), /* 36960 bytes */
	[NR_mkdirat] = PAGES(12, 12), /* 36960 bytes */
	[NR_mknod] = PAGES(12, 12), /* 36960 bytes */
	[NR_mknodat] = PAGES(12, 12), /* 36960 bytes */
	[NR_mlock] = PAGES(1, 1), /* 256 bytes */
	[NR_mlock2] = PAGES(1, 1), /* 256 bytes */
	[NR_mmap] = PAGES(3, 3), /* 960 bytes */
	[NR_mount] = PAGES(42, 43), /* 148448 bytes */
	[NR_mprotect] = PAGES(1, 1), /* 256 bytes */
	[NR_mremap] = PAGES(1, 1), /* 640 bytes */
	[NR_munlock] = PAGES(1, 1), /* 256 bytes */
	[NR_munmap] = PAGES(1, 1), /* 256 bytes */
	[NR_newfstatat] = PAGES(5, 5), /* 9024 bytes */
	[NR_open] = PAGES(15, 16), /* 43520 bytes */
	[NR_openat] = PAGES(15, 16), /* 43520 bytes */
	[NR_pidfd_open] = PAGES(3, 3), /* 4864 bytes */
	[NR_pidfd_send_signal] = PAGES(1, 1), /* 128 bytes */
	[NR_pipe] = PAGES(5, 5), /* 10112 bytes */
	[NR_pipe2] = PAGES(5, 5), /* 10112 bytes */
	[NR_pread64] = PAGES(3, 3), /* 8768 bytes */
	[NR_preadv] = PAGES(3, 3), /* 8768 bytes */
	[NR_preadv2] = PAGES(3, 3), /* 8768 bytes */
	[NR_pwrite64] = PAGES(7, 8), /* 9120 bytes */
	[NR_pwritev] = PAGES(7, 8), /* 9120 bytes */
	[NR_pwritev2] = PAGES(7, 8), /* 9120 bytes */
	[NR_read] = PAGES(3, 3), /* 8768 bytes */
	[NR_readlink] = PAGES(5, 5), /* 9024 bytes */
	[NR_readlinkat] = PAGES(5, 5), /* 9024 bytes */
	[NR_readv] = PAGES(3, 3), /* 8768 bytes */
	[NR_recvfrom] = PAGES(3, 3), /* 8768 bytes */
	[NR_recvmmsg] = PAGES(3, 3), /* 8768 bytes */
	[NR_recvmsg] = PAGES(3, 3), /* 8768 bytes */
	[NR_removexattr] = PAGES(5, 5), /* 9024 bytes */
	[NR_rename] = PAGES(14, 14), /* 47552 bytes */
	[NR_renameat] = PAGES(14, 14), /* 47552 bytes */
	[NR_renameat2] = PAGES(14, 14), /* 47552 bytes */
	[NR_rmdir] = PAGES(9, 9), /* 26240 bytes */
	[NR_rt_sigqueueinfo] = PAGES(1, 1), /* 128 bytes */
	[NR_rt_tgsigqueueinfo] = PAGES(1, 1), /* 128 bytes */
	[NR_sendfile] = PAGES(9, 10), /* 13792 bytes */
	[NR_sendmmsg] = PAGES(7, 8), /* 9120 bytes */
	[NR_sendmsg] = PAGES(7, 8), /* 9120 bytes */
	[NR_sendto] = PAGES(7, 8), /* 9120 bytes */
	[NR_setxattr] = PAGES(5, 5), /* 9024 bytes */
	[NR_shmat] = PAGES(1, 1), /* 384 bytes */
	[NR_shmget] = PAGES(5, 5), /* 6720 bytes */
	[NR_signalfd] = PAGES(4, 4), /* 4880 bytes */
	[NR_signalfd4] = PAGES(4, 4), /* 4880 bytes */
	[NR_socket] = PAGES(3, 4), /* 5440 bytes */
	[NR_socketpair] = PAGES(4, 5), /* 10880 bytes */
	[NR_splice] = PAGES(9, 10), /* 13792 bytes */
	[NR_stat] = PAGES(5, 5), /* 9024 bytes */
	[NR_statfs] = PAGES(5, 5), /* 9024 bytes */
	[NR_statx] = PAGES(5, 5), /* 9024 bytes */
	[NR_symlink] = PAGES(12, 12), /* 36960 bytes */
	[NR_symlinkat] = PAGES(12, 12), /* 36960 bytes */
	[NR_tgkill] = PAGES(1, 1), /* 128 bytes */
	[NR_timer_create] = PAGES(1, 1), /* 320 bytes */
	[NR_timerfd_create] = PAGES(3, 4), /* 5056 bytes */
	[NR_tkill] = PAGES(1, 1), /* 128 bytes */
	[NR_truncate] = PAGES(5, 5), /* 9024 bytes */
	[NR_umount2] = PAGES(5, 5), /* 9024 bytes */
	[NR_unlink] = PAGES(9, 9), /* 26240 bytes */
	[NR_unlinkat] = PAGES(9, 9), /* 26240 bytes */
	[NR_utime] = PAGES(5, 5), /* 9024 bytes */
	[NR_utimensat] = PAGES(5, 5), /* 9024 bytes */
	[NR_utimes] = PAGES(5, 5), /* 9024 bytes */
	[NR_vfork] = PAGES(37, 37), /* 124160 bytes */
	[NR_vmsplice] = PAGES(9, 10), /* 13792 bytes */
	[NR_write] = PAGES(7, 8), /* 9120 bytes */
	[NR_writev] = PAGES(7, 8), /* 9120 bytes */
};
