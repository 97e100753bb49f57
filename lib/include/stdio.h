/*
 * C's and POSIX's stdio.h, without floating point, scanf and wide characters.
 * Files are fully buffered, a terminal by line, stderr not at all. No locks.
 */
#ifndef STDIO_H
#define STDIO_H

#include <stdarg.h>
#include <stddef.h>
#include "sys/types.h"
#include "abi/unistd.h"

#define EOF    (-1)
#define BUFSIZ 4096

#define _IOFBF 0
#define _IOLBF 1
#define _IONBF 2

typedef struct file FILE;

extern FILE *const stdin;
extern FILE *const stdout;
extern FILE *const stderr;

FILE *fopen(const char *path, const char *mode);
FILE *fdopen(int fd, const char *mode);
int fclose(FILE *f);
/** NULL: all files. */
int fflush(FILE *f);
/** buf is not used: each file has a buffer of its own. */
int setvbuf(FILE *f, char *buf, int mode, size_t size);
int fileno(FILE *f);
int feof(FILE *f);
int ferror(FILE *f);
void clearerr(FILE *f);

size_t fread(void *restrict p, size_t size, size_t count, FILE *restrict f);
size_t fwrite(const void *restrict p, size_t size, size_t count,
	      FILE *restrict f);
int fgetc(FILE *f);
int getc(FILE *f);
int getchar(void);
/** One character can be put back. */
int ungetc(int c, FILE *f);
char *fgets(char *restrict s, int size, FILE *restrict f);
ssize_t getline(char **restrict line, size_t *restrict size, FILE *restrict f);
int fputc(int c, FILE *f);
int putc(int c, FILE *f);
int putchar(int c);
int fputs(const char *restrict s, FILE *restrict f);
int puts(const char *s);
int fseek(FILE *f, long pos, int whence);
long ftell(FILE *f);
void rewind(FILE *f);

#define PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
int printf(const char *fmt, ...) PRINTF(1, 2);
int fprintf(FILE *f, const char *fmt, ...) PRINTF(2, 3);
int dprintf(int fd, const char *fmt, ...) PRINTF(2, 3);
int sprintf(char *buf, const char *fmt, ...) PRINTF(2, 3);
int snprintf(char *buf, size_t n, const char *fmt, ...) PRINTF(3, 4);
int vprintf(const char *fmt, va_list ap) PRINTF(1, 0);
int vfprintf(FILE *f, const char *fmt, va_list ap) PRINTF(2, 0);
int vdprintf(int fd, const char *fmt, va_list ap) PRINTF(2, 0);
int vsnprintf(char *buf, size_t n, const char *fmt, va_list ap) PRINTF(3, 0);
#undef PRINTF

void perror(const char *s);
int remove(const char *path);
int rename(const char *old, const char *name);
int renameat(int olddir, const char *old, int dir, const char *name);
int renameat2(int olddir, const char *old, int dir, const char *name,
	      unsigned flags);

#endif
