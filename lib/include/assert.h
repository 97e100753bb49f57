/*
 * assert: says where it failed and aborts; nothing with NDEBUG.
 */
#undef assert
#ifdef NDEBUG
#define assert(e) ((void)0)
#else
#define assert(e)                                                              \
	((e) ? (void)0 : assert_failed(#e, __FILE__, __LINE__, __func__))
#endif

#ifndef ASSERT_H
#define ASSERT_H

#define static_assert _Static_assert

__attribute__((noreturn)) void assert_failed(const char *expr, const char *file,
					     int line, const char *func);

#endif
