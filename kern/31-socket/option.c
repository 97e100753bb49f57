/*
 * setsockopt and getsockopt, as far as all families have the options in common:
 * level SOL_SOCKET of socket(7). What else there is, the family is asked.
 */
#include "socket_internal.h"

#define USEC_PER_SEC 1000000

/* On or off, and nothing more to do about it here: the family looks. */
#define SWITCHES                                                               \
	(BIT(SO_REUSEADDR) | BIT(SO_DONTROUTE) | BIT(SO_BROADCAST) |           \
	 BIT(SO_KEEPALIVE) | BIT(SO_OOBINLINE) | BIT(SO_NO_CHECK) |            \
	 BIT(SO_PASSCRED))

static bool
is_switch(unsigned option)
{
	return option < 32 && SWITCHES >> option & 1;
}

/* What socket(7) has need CAP_NET_ADMIN: here root's alone. */
static bool
may_administer(void)
{
	return current_cred()->euid == 0;
}

/* ---- Setting ---- */

static void
set_switch(struct socket *s, unsigned option, bool on)
{
	if (on)
		atomic_fetch_or(&s->options, (uint32_t)BIT(option));
	else
		atomic_fetch_and(&s->options, ~(uint32_t)BIT(option));
}

/* Linux doubles what it is given, for what it needs beside the data, and has
 * getsockopt tell the double, socket(7). Beyond the maximum it gives the
 * maximum and no error; a negative size is one without a sign, and so beyond.
 * Only the privileged (@p forced) get more; to them a negative size is 0. */
static int32_t
buffer_size(int32_t value, int32_t min, bool forced)
{
	uint32_t size = value;

	if (forced)
		size = MIN(MAX(value, 0), INT32_MAX / 2);
	else
		size = MIN(size, (uint32_t)SOCKET_BUF_MAX);
	return MAX((int32_t)(size * 2), min);
}

/* 0 is for ever, socket(7); so is what 64 bits of nanoseconds cannot hold: 584
 * years. Microseconds out of their range are EDOM, POSIX.1-2017 setsockopt. */
static int
set_timeout(_Atomic uint64_t *ns, const void *value, unsigned len)
{
	struct timeval tv;
	uint64_t sum;

	if (len < sizeof(tv))
		return -EINVAL;
	memcpy(&tv, value, sizeof(tv));
	if (tv.tv_usec < 0 || tv.tv_usec >= USEC_PER_SEC)
		return -EDOM;
	if (tv.tv_sec < 0) { /* socket(7) does not say: at once, almost */
		*ns = 1;
		return 0;
	}
	if (__builtin_mul_overflow((uint64_t)tv.tv_sec, NS_PER_SEC, &sum) ||
	    __builtin_add_overflow(sum, tv.tv_usec * NS_PER_USEC, &sum))
		sum = 0; /* for ever */
	*ns = sum;
	return 0;
}

static int
set_linger(struct socket *s, const void *value, unsigned len)
{
	uint64_t linger;

	if (len < sizeof(struct linger))
		return -EINVAL;
	memcpy(&linger, value, sizeof(linger));
	s->linger = linger;
	return 0;
}

/* 0 to 6 are everybody's, socket(7). */
static int
set_priority(struct socket *s, int32_t value)
{
	if ((value < 0 || value > 6) && !may_administer())
		return -EPERM;
	s->priority = value;
	return 0;
}

static int
set_size(struct socket *s, int option, int32_t value)
{
	bool forced = option == SO_SNDBUFFORCE || option == SO_RCVBUFFORCE;

	if (forced && !may_administer())
		return -EPERM;
	if (option == SO_SNDBUF || option == SO_SNDBUFFORCE)
		s->sndbuf = buffer_size(value, SOCKET_SNDBUF_MIN, forced);
	else
		s->rcvbuf = buffer_size(value, SOCKET_RCVBUF_MIN, forced);
	if (s->ops->resized)
		s->ops->resized(s);
	return 0;
}

/* The value is read before it is known whether there is such an option: less
 * than an int is EINVAL even of one that nobody knows. What can only be asked
 * (SO_TYPE, SO_ERROR, SO_ACCEPTCONN...) is not known here.
 * @return -ENOPROTOOPT: ask the family */
static int
set_common(struct socket *s, int option, const void *data, unsigned len)
{
	int32_t value;

	if (len < sizeof(value))
		return -EINVAL;
	memcpy(&value, data, sizeof(value));
	if (is_switch(option)) {
		set_switch(s, option, value);
		return 0;
	}
	switch (option) {
	case SO_DEBUG:
		if (value && !may_administer())
			return -EACCES;
		set_switch(s, option, value);
		return 0;
	case SO_SNDBUF:
	case SO_RCVBUF:
	case SO_SNDBUFFORCE:
	case SO_RCVBUFFORCE:
		return set_size(s, option, value);
	case SO_PRIORITY:
		return set_priority(s, value);
	case SO_LINGER:
		return set_linger(s, data, len);
	case SO_RCVLOWAT:
		s->rcvlowat = value < 0 ? INT32_MAX : MAX(value, 1);
		return 0;
	case SO_REUSEPORT: /* no family's yet: off is what it is */
		return value ? -EOPNOTSUPP : 0;
	case SO_RCVTIMEO:
		return set_timeout(&s->rcvtimeo, data, len);
	case SO_SNDTIMEO:
		return set_timeout(&s->sndtimeo, data, len);
	default:
		return -ENOPROTOOPT;
	}
}

/* A level that nobody has is EOPNOTSUPP, an option that a level does not have
 * ENOPROTOOPT: programs that try and fall back tell the two apart. */
static int
set_option(struct socket *s, int level, int option, const void *value,
	   unsigned len)
{
	int error = level == SOL_SOCKET ? set_common(s, option, value, len)
					: -ENOPROTOOPT;

	if (error != -ENOPROTOOPT)
		return error;
	if (s->ops->set_option)
		return s->ops->set_option(s, level, option, value, len);
	return level == SOL_SOCKET ? -ENOPROTOOPT : -EOPNOTSUPP;
}

/* The length comes before the descriptor, as on Linux; getsockopt, whose length
 * is in memory, has them the other way round. */
static int64_t
sys_setsockopt(int fd, int level, int option, const void *user, int len)
{
	char value[SOCKET_OPTION_MAX];
	struct borrowed b;
	int error;
	struct socket *s;

	if (len < 0)
		return -EINVAL;
	s = socket_get(fd, &b, &error);
	if (!s)
		return error;
	len = MIN(len, (int)sizeof(value));
	error = copyin(value, user, len);
	if (!error)
		error = set_option(s, level, option, value, len);
	fd_return(b);
	return error;
}
SYSCALL(NR_setsockopt, sys_setsockopt);

/* ---- Getting ---- */

static void
get_timeout(uint64_t ns, void *value, unsigned *len)
{
	struct timeval tv = {
		.tv_sec = ns / NS_PER_SEC,
		.tv_usec = ns % NS_PER_SEC / NS_PER_USEC,
	};

	*len = MIN(*len, (unsigned)sizeof(tv));
	memcpy(value, &tv, *len);
}

/* An option whose value is one number. SO_ERROR is taken by being asked for,
 * even if the answer then cannot be copied. SO_SNDLOWAT is always 1, socket(7);
 * SO_REUSEPORT is no family's yet. @return false: it is not one */
static bool
get_number(struct socket *s, int option, int32_t *value)
{
	if (is_switch(option) || option == SO_DEBUG) {
		*value = socket_option(s, option);
		return true;
	}
	switch (option) {
	case SO_TYPE:
		*value = s->type;
		return true;
	case SO_DOMAIN:
		*value = s->domain;
		return true;
	case SO_PROTOCOL:
		*value = s->protocol;
		return true;
	case SO_ERROR:
		*value = -socket_take_error(s);
		return true;
	case SO_SNDBUF:
		*value = s->sndbuf;
		return true;
	case SO_RCVBUF:
		*value = s->rcvbuf;
		return true;
	case SO_PRIORITY:
		*value = s->priority;
		return true;
	case SO_RCVLOWAT:
		*value = s->rcvlowat;
		return true;
	case SO_SNDLOWAT:
		*value = 1;
		return true;
	case SO_REUSEPORT:
		*value = 0;
		return true;
	case SO_ACCEPTCONN:
		*value = s->listening;
		return true;
	default:
		return false;
	}
}

/* Who has less room than the value gets the beginning of it, and no error. */
static int
get_common(struct socket *s, int option, void *value, unsigned *len)
{
	int32_t number;
	uint64_t linger;

	if (get_number(s, option, &number)) {
		*len = MIN(*len, (unsigned)sizeof(number));
		memcpy(value, &number, *len);
		return 0;
	}
	switch (option) {
	case SO_LINGER:
		linger = s->linger;
		*len = MIN(*len, (unsigned)sizeof(linger));
		memcpy(value, &linger, *len);
		return 0;
	case SO_RCVTIMEO:
		get_timeout(s->rcvtimeo, value, len);
		return 0;
	case SO_SNDTIMEO:
		get_timeout(s->sndtimeo, value, len);
		return 0;
	default:
		return -ENOPROTOOPT;
	}
}

static int
get_option(struct socket *s, int level, int option, void *value, unsigned *len)
{
	int error = level == SOL_SOCKET ? get_common(s, option, value, len)
					: -ENOPROTOOPT;

	if (error != -ENOPROTOOPT)
		return error;
	if (s->ops->get_option)
		return s->ops->get_option(s, level, option, value, len);
	return level == SOL_SOCKET ? -ENOPROTOOPT : -EOPNOTSUPP;
}

/* First the value, then its length, so that a length that is told is one of
 * bytes that are there. */
static int64_t
sys_getsockopt(int fd, int level, int option, void *user, int32_t *user_len)
{
	char value[SOCKET_OPTION_MAX];
	struct borrowed b;
	int error;
	struct socket *s = socket_get(fd, &b, &error);
	int32_t given; /* signed: a length of -1 is an error, no great room */
	unsigned len;

	if (!s)
		return error;
	error = copyin(&given, user_len, sizeof(given));
	if (!error && given < 0)
		error = -EINVAL;
	if (!error) {
		len = MIN((unsigned)given, (unsigned)sizeof(value));
		error = get_option(s, level, option, value, &len);
	}
	if (!error)
		error = copyout(user, value, len);
	if (!error)
		error = copyout(user_len, &len, sizeof(len));
	fd_return(b);
	return error;
}
SYSCALL(NR_getsockopt, sys_getsockopt);
