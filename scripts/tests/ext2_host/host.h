/*
 * What the ext2 host harness needs of the C library. The rest of the harness
 * is compiled with the kernel's headers, which do not mix with the host's.
 */
#ifndef HOST_H
#define HOST_H

#include <stddef.h>

void *host_alloc(size_t size); /**< zeroed; ends the program if there is none */
void host_free(void *p);
/** Map @p size bytes of zeros at @p address. */
void host_map(unsigned long address, size_t size);
/** Read a whole file. */
void *host_load(const char *path, size_t *size);
/** A new file of @p size bytes, as memory. */
void *host_map_file(const char *path, size_t size);
/** Write a whole file. */
void host_save(const char *path, const void *data, size_t size);
/** Add to the end of a file. */
void host_append(const char *path, const void *data, size_t size);
/** Read a line of standard input. @return 0 at its end */
int host_line(char *line, size_t size);
void host_write(const char *text);   /**< to standard output, at once */
void host_message(const char *text); /**< to standard error */
void host_fail(const char *what) __attribute__((noreturn));
void host_time_limit(unsigned seconds);
#define HOST_CONTEXT_SIZE 256
extern char host_context[HOST_CONTEXT_SIZE]; /**< told when the program fails */
void host_exit(int status) __attribute__((noreturn));
/** Read a file's first bytes. */
void host_read(const char *path, void *data, size_t size);
/** Run e2fsck on an image. @return its status */
int host_e2fsck(const char *how, const char *path);
unsigned long host_number(const char *text);
void *host_grow(void *p, size_t size);
#define HOST_THREADS 8 /**< coroutines; main is number 0 */
/** Make a coroutine; it runs from host_switch to host_switch. When it ends,
 * main runs. @return its number */
unsigned host_thread(void (*fn)(void *arg), void *arg);
void host_switch(unsigned to); /**< let it run */
unsigned host_running(void);
int host_alive(unsigned number);
/** Tell the address sanitizer that nothing may touch these bytes. */
void host_poison(const void *p, size_t size);
#endif
