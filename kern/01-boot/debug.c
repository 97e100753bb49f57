/*
 * What the debug build's checks call when they find something: of undefined
 * behaviour, of the stack, of lists. Each says what is wrong, and panics. The
 * interface of the first two is the compilers' (gcc and clang agree); the data
 * structures begin with the source location.
 *
 * Source: LLVM compiler-rt, ubsan_handlers.h (the interface only).
 */
#ifdef DEBUG
#include "boot.h"
#include "list.h"

/* What the compiler passes first: where in the source. */
struct location {
	const char *file;
	uint32_t line;
	uint32_t column;
};

/* The real handlers take more (types, values); by the calling convention what
 * is not declared is not looked at. */
#define HANDLER(name, what, ...)                                               \
	void __ubsan_handle_##name(const struct location *at, ##__VA_ARGS__);  \
	void __ubsan_handle_##name(const struct location *at, ##__VA_ARGS__)   \
	{                                                                      \
		panic("%s:%u:%u: undefined behaviour: %s", at->file, at->line, \
		      at->column, what);                                       \
	}

HANDLER(add_overflow, "signed addition overflows")
HANDLER(sub_overflow, "signed subtraction overflows")
HANDLER(mul_overflow, "signed multiplication overflows")
HANDLER(negate_overflow, "signed negation overflows")
HANDLER(divrem_overflow, "division by zero, or it overflows")
HANDLER(shift_out_of_bounds, "shift by too much, or of a negative number")
HANDLER(out_of_bounds, "array index out of bounds")
HANDLER(vla_bound_not_positive, "variable array of no size")
HANDLER(load_invalid_value, "value that its type does not have")
HANDLER(pointer_overflow, "pointer arithmetic overflows")
HANDLER(type_mismatch_v1, "null, misaligned or too small object")
HANDLER(nonnull_arg, "null pointer for a nonnull argument")
HANDLER(builtin_unreachable, "unreachable code reached")
HANDLER(invalid_builtin, "clz or ctz of zero")

/* -fstack-protector: the canary, and what a smashed stack calls. The canary is
 * a constant, since it is to find mistakes, not to stop an attacker; its lowest
 * byte is not 0, so strings that run over change it. */
uintptr_t __stack_chk_guard = 0x57ac4ca9a47e00ff;

void __stack_chk_fail(void);

void
__stack_chk_fail(void)
{
	panic("stack smashed: a canary was overwritten");
}

/* lib's list.h calls it: an element's neighbours do not point back to it. */
void
list_corrupted(const struct list *l)
{
	panic("list corrupted: %p has next %p (whose prev is %p) and prev %p "
	      "(whose next is %p)",
	      (const void *)l, (void *)l->next, (void *)l->next->prev,
	      (void *)l->prev, (void *)l->prev->next);
}
#endif
