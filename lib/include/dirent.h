/*
 * POSIX dirent.h.
 */
#ifndef DIRENT_H
#define DIRENT_H

#include "abi/dirent.h"
#include "sys/types.h"

/** The kernel's record, with a name of a declared size. */
struct dirent {
	uint64_t d_ino;
	int64_t d_off;
	uint16_t d_reclen;
	uint8_t d_type;
	char d_name[256];
};

typedef struct dir DIR;

DIR *opendir(const char *path);
DIR *fdopendir(int fd);
struct dirent *readdir(DIR *d);
void rewinddir(DIR *d);
int dirfd(DIR *d);
int closedir(DIR *d);

#endif
