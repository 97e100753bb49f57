/*
 * lseek, access and a few other small constants of the Linux ABI.
 */
#ifndef ABI_UNISTD_H
#define ABI_UNISTD_H

#define STDIN_FILENO  0
#define STDOUT_FILENO 1
#define STDERR_FILENO 2

#define SEEK_SET      0
#define SEEK_CUR      1
#define SEEK_END      2
#define SEEK_DATA     3
#define SEEK_HOLE     4

#define F_OK	      0
#define X_OK	      1
#define W_OK	      2
#define R_OK	      4

/* close_range(2) */
#define CLOSE_RANGE_UNSHARE 2
#define CLOSE_RANGE_CLOEXEC 4

/* getrandom(2) */
#define GRND_NONBLOCK 1
#define GRND_RANDOM   2
#define GRND_INSECURE 4

#endif
