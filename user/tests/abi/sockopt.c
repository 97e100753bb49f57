/*
 * Options of sockets: setsockopt(2), getsockopt(2), socket(7).
 */
#include "sockopt.h"

TEST(socket_switches)
{
	static const int switches[] = { SO_REUSEADDR, SO_KEEPALIVE,
					SO_BROADCAST, SO_DONTROUTE,
					SO_OOBINLINE, SO_PASSCRED,
					SO_DEBUG };

	pair(SOCK_STREAM);
	for (unsigned i = 0; i < sizeof(switches) / sizeof(int); i++) {
		CHECK_EQ(option(a[0], switches[i]), 0);
		CHECK_EQ(set(a[0], switches[i], 5), 0);
		CHECK_EQ(option(a[0], switches[i]), 1);
		CHECK_EQ(option(a[1], switches[i]), 0);
		CHECK_EQ(set(a[0], switches[i], 0), 0);
		CHECK_EQ(option(a[0], switches[i]), 0);
	}
	AS_USER(CHECK_ERR(set(a[0], SO_DEBUG, 1), EACCES));
}

TEST(socket_buffer_sizes)
{
	pair(SOCK_STREAM);
	CHECK_EQ(option(a[0], SO_SNDBUF), 212992);
	CHECK_EQ(set(a[0], SO_SNDBUF, 10000), 0);
	CHECK_EQ(option(a[0], SO_SNDBUF), 20000);
	CHECK_EQ(set(a[0], SO_SNDBUF, 1), 0);
	CHECK_EQ(option(a[0], SO_SNDBUF), 4608);
	CHECK_EQ(set(a[0], SO_RCVBUF, 10000), 0);
	CHECK_EQ(option(a[0], SO_RCVBUF), 20000);
	CHECK_EQ(set(a[0], SO_RCVBUF, 1), 0);
	CHECK_EQ(option(a[0], SO_RCVBUF), 2304);
	CHECK_EQ(set(a[0], SO_SNDBUF, -1), 0); /* as much as there may be */
	CHECK(option(a[0], SO_SNDBUF) > 300000);
	CHECK_EQ(set(a[0], SO_SNDBUFFORCE, 3000000), 0);
	CHECK_EQ(option(a[0], SO_SNDBUF), 6000000);
	CHECK_EQ(set(a[0], SO_RCVBUFFORCE, 3000000), 0);
	CHECK_EQ(option(a[0], SO_RCVBUF), 6000000);
	AS_USER(CHECK_ERR(set(a[0], SO_SNDBUFFORCE, 1), EPERM));
}

TEST(socket_other_options)
{
	struct linger l = { 1, 7 }, back;
	struct timeval tv;
	socklen_t len = sizeof(back);

	pair(SOCK_STREAM);
	CHECK_EQ(setsockopt(a[0], SOL_SOCKET, SO_LINGER, &l, sizeof(l)), 0);
	CHECK_EQ(getsockopt(a[0], SOL_SOCKET, SO_LINGER, &back, &len), 0);
	CHECK(back.l_onoff == 1 && back.l_linger == 7 && len == sizeof(back));
	CHECK_EQ(set(a[0], SO_PRIORITY, 6), 0);
	CHECK_EQ(option(a[0], SO_PRIORITY), 6);
	AS_USER(CHECK_ERR(set(a[0], SO_PRIORITY, 7), EPERM));
	CHECK_EQ(option(a[0], SO_RCVLOWAT), 1);
	CHECK_EQ(set(a[0], SO_RCVLOWAT, 0), 0);
	CHECK_EQ(option(a[0], SO_RCVLOWAT), 1);
	CHECK_EQ(set(a[0], SO_RCVLOWAT, -3), 0);
	CHECK_EQ(option(a[0], SO_RCVLOWAT), INT_MAX);
	CHECK_EQ(option(a[0], SO_SNDLOWAT), 1);
	CHECK_EQ(set_time(a[0], SO_RCVTIMEO, 3, 500000), 0);
	len = sizeof(tv);
	CHECK_EQ(getsockopt(a[0], SOL_SOCKET, SO_RCVTIMEO, &tv, &len), 0);
	CHECK(tv.tv_sec == 3 && tv.tv_usec == 500000 && len == sizeof(tv));
	CHECK_EQ(getsockopt(a[0], SOL_SOCKET, SO_SNDTIMEO, &tv, &len), 0);
	CHECK(tv.tv_sec == 0 && tv.tv_usec == 0);
}

TEST(socket_option_errors)
{
	int value = 1;
	socklen_t len = 4;
	struct linger l = { 0, 0 };

	pair(SOCK_STREAM);
	CHECK_ERR(set(a[0], SO_TYPE, 1), ENOPROTOOPT);
	CHECK_ERR(set(a[0], SO_ERROR, 1), ENOPROTOOPT);
	CHECK_ERR(set(a[0], SO_ACCEPTCONN, 1), ENOPROTOOPT);
	CHECK_ERR(set(a[0], SO_PEERCRED, 1), ENOPROTOOPT);
	CHECK_ERR(set(a[0], SO_SNDLOWAT, 1), ENOPROTOOPT);
	CHECK_ERR(set(a[0], SO_REUSEPORT, 1), EOPNOTSUPP);
	CHECK_EQ(set(a[0], SO_REUSEPORT, 0), 0);
	CHECK_ERR(set(a[0], 999, 1), ENOPROTOOPT);
	CHECK_ERR(setsockopt(a[0], SOL_SOCKET, SO_KEEPALIVE, &value, 3),
		  EINVAL);
	CHECK_ERR(setsockopt(a[0], SOL_SOCKET, SO_KEEPALIVE, &value, -1),
		  EINVAL);
	CHECK_ERR(setsockopt(a[0], SOL_SOCKET, SO_KEEPALIVE, BAD, 4), EFAULT);
	CHECK_ERR(setsockopt(a[0], SOL_SOCKET, SO_LINGER, &l, 4), EINVAL);
	CHECK_ERR(setsockopt(a[0], SOL_SOCKET, SO_RCVTIMEO, &l, 8), EINVAL);
	CHECK_ERR(set_time(a[0], SO_RCVTIMEO, 0, 1000000), EDOM);
	CHECK_ERR(set_time(a[0], SO_SNDTIMEO, 0, -1), EDOM);
	CHECK_ERR(setsockopt(a[0], 6, 1, &value, 4), EOPNOTSUPP);
	CHECK_ERR(getsockopt(a[0], SOL_SOCKET, 999, &value, &len), ENOPROTOOPT);
	CHECK_ERR(getsockopt(a[0], SOL_SOCKET, SO_TYPE, &value, BAD), EFAULT);
	CHECK_ERR(getsockopt(a[0], SOL_SOCKET, SO_TYPE, BAD, &len), EFAULT);
	CHECK_ERR(getsockopt(a[0], 6, 1, &value, &len), EOPNOTSUPP);
	len = (socklen_t)-1;
	CHECK_ERR(getsockopt(a[0], SOL_SOCKET, SO_TYPE, &value, &len), EINVAL);
	len = 1;
	value = 0;
	CHECK_EQ(getsockopt(a[0], SOL_SOCKET, SO_TYPE, &value, &len), 0);
	CHECK(len == 1 && value == SOCK_STREAM);
}
