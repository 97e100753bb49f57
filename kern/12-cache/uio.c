/*
 * Moving bytes between a file and its caller: user or kernel memory, in one
 * piece or in many. User copies may fault and sleep; a copy that faults for
 * good ends short, and the call reports what was moved.
 */
#include "cache.h"
#include "string.h"

/* Pieces of user_zero: it does not say how far it came, so a piece that faults
 * counts as not zeroed at all. */
#define ZERO_PIECE 65536ul

enum direction { TO_CALLER, FROM_CALLER, ZERO_CALLER };

/* What follows is inlined into each of the three copies, where the direction is
 * a constant. */
#define INLINE static inline __attribute__((always_inline))

/* Move up to the end of the current piece. @return bytes not moved */
INLINE size_t
move(const struct uio *u, void *mem, size_t n, enum direction direction)
{
	char *at = (char *)u->iov->iov_base + u->offset;

	switch (direction) {
	case TO_CALLER:
		if (u->user)
			return copyout_partial(at, mem, n);
		memcpy(at, mem, n);
		return 0;
	case FROM_CALLER:
		if (u->user)
			return copyin_partial(mem, at, n);
		memcpy(mem, at, n);
		return 0;
	case ZERO_CALLER:
		if (u->user)
			return user_zero(at, n) ? n : 0;
		memset(at, 0, n);
		return 0;
	}
	return n;
}

/* Several pieces. One that is used up is left behind only when the next one is
 * needed, so the common case need not look. There is a next one, as len is at
 * most u->left. Empty pieces, which readv(2) allows, are passed over in the
 * same way. @p mem is NULL to zero. */
static size_t
transfer_pieces(struct uio *u, char *mem, size_t len, enum direction direction)
{
	size_t done = 0, n, missing;

	while (done < len) {
		if (u->offset == u->iov->iov_len) {
			u->iov++;
			u->niov--;
			u->offset = 0;
			continue;
		}
		n = MIN(len - done, u->iov->iov_len - u->offset);
		if (direction == ZERO_CALLER)
			n = MIN(n, ZERO_PIECE);
		missing = move(u, mem ? mem + done : NULL, n, direction);
		u->offset += n - missing;
		u->left -= n - missing;
		done += n - missing;
		if (missing)
			break;
	}
	return done;
}

/* The common case: all of it lies in the current piece. Nothing is looked at
 * but what has to be; a piece that ends here is left to the next call. */
INLINE size_t
transfer(struct uio *u, char *mem, size_t len, enum direction direction)
{
	size_t done;

	ASSERT(len <= u->left);
	if (__builtin_expect(
		    len > u->iov->iov_len - u->offset ||
			    (direction == ZERO_CALLER && len > ZERO_PIECE),
		    0))
		return transfer_pieces(u, mem, len, direction);
	done = len - move(u, mem, len, direction);
	u->offset += done;
	u->left -= done;
	return done;
}

size_t
uio_copy_to(struct uio *u, const void *from, size_t len)
{
	return transfer(u, (char *)from, len, TO_CALLER);
}

size_t
uio_copy_from(struct uio *u, void *to, size_t len)
{
	return transfer(u, to, len, FROM_CALLER);
}

size_t
uio_zero(struct uio *u, size_t len)
{
	return transfer(u, NULL, len, ZERO_CALLER);
}
