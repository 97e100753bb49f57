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
unsigned long host_number(const char *text);
/** Make the one coroutine there is besides main; it runs from host_switch to
 * host_switch. Its end is a switch for good. */
void host_coroutine(void (*fn)(void *arg), void *arg);
/** Let the other one run. @return false: it has ended */
int host_switch(void);
/** Whether the coroutine runs. */
int host_in_coroutine(void);
/** Record what the disk is told in a file. */
void host_record(const char *path);
void host_record_write(unsigned long sector, const void *data, size_t len);
void host_record_flush(void);
void host_record_mark(unsigned long number);
/** Tell the address sanitizer that nothing may touch these bytes. */
void host_poison(const void *p, size_t size);
#endif
