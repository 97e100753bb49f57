/*
 * Limits of the Linux ABI: bytes unless said otherwise.
 */
#ifndef ABI_LIMITS_H
#define ABI_LIMITS_H

#define NAME_MAX       255    /* a file name, without the ending 0 byte */
#define PATH_MAX       4096   /* a path, with it */
#define SYMLINKS_MAX   40     /* symbolic links followed in one look-up */
#define ARG_MAX	       131072 /* the least; really a quarter of the stack */
#define ARG_STRLEN_MAX 131072 /* one argument string of execve */
#define PIPE_BUF       4096   /* a write up to this long is not interleaved */
#define NGROUPS_MAX    65536  /* supplementary groups */
#define LINK_MAX       127

#endif
