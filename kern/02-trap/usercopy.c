/*
 * Copies to and from user memory: range checks around the instructions of
 * useraccess.S. A length or address from user space is checked here first.
 */
#include "trap.h"

/* useraccess.S; results as they stand there. */
size_t usercopy(void *to, const void *from, size_t len);
size_t userzero(void *to, size_t len);
int64_t userstring(char *to, const char *from, size_t size);
int usercmpxchg(uint32_t *at, uint32_t *old, uint32_t new);

int
copyin(void *to, const void *from, size_t len)
{
	return copyin_partial(to, from, len) ? -EFAULT : 0;
}

int
copyout(void *to, const void *from, size_t len)
{
	return copyout_partial(to, from, len) ? -EFAULT : 0;
}

size_t
copyin_partial(void *to, const void *from, size_t len)
{
	return user_range_ok(from, len) ? usercopy(to, from, len) : len;
}

size_t
copyout_partial(void *to, const void *from, size_t len)
{
	return user_range_ok(to, len) ? usercopy(to, from, len) : len;
}

int
user_zero(void *to, size_t len)
{
	if (!user_range_ok(to, len) || userzero(to, len))
		return -EFAULT;
	return 0;
}

/* A string's length is not known before it has been read, so what is checked is
 * the room up to the end of user space. A string that reaches it has no NUL. */
int64_t
copyin_string(char *to, const char *from, size_t size)
{
	uint64_t room;
	int64_t len;

	if ((uint64_t)from >= USER_TOP)
		return -EFAULT;
	room = USER_TOP - (uint64_t)from;
	len = userstring(to, from, MIN(size, room));
	if (len < 0 || (uint64_t)len == room)
		return -EFAULT;
	return (uint64_t)len == size ? -ENAMETOOLONG : len;
}

/* Aligned: a locked access across two cache lines would stop all CPUs. */
int
user_cmpxchg32(uint32_t *address, uint32_t *old, uint32_t new)
{
	if (!user_range_ok(address, sizeof(*address)) ||
	    (uint64_t)address % sizeof(*address) ||
	    usercmpxchg(address, old, new))
		return -EFAULT;
	return 0;
}
