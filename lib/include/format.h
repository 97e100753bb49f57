/*
 * printf's formatting, shared by the kernel's console and the library's stdio.
 * Conversions: d i u o x X c s p %; flags - + space # 0; width and precision,
 * also as *; lengths hh h l ll z j t. No floating point and no %n. An unknown
 * conversion is put out as it stands.
 */
#ifndef FORMAT_H
#define FORMAT_H

#include <stdarg.h>
#include <stddef.h>

/** Takes one character of the result. */
typedef void format_put(void *arg, char c);

/**
 * Formats to a function.
 * @param arg passed on to put
 * @return the number of characters put
 */
int format(format_put *put, void *arg, const char *fmt, va_list ap);

/**
 * Formats into a buffer of n bytes, cut to fit and always ended (n may be 0).
 * @return the length of the whole result, which is n or more if it was cut
 */
int vsnformat(char *buf, size_t n, const char *fmt, va_list ap)
	__attribute__((format(printf, 3, 0)));

/** The same with the arguments in place. */
int snformat(char *buf, size_t n, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
