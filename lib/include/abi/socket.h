/*
 * Sockets of the Linux x86-64 ABI: address families, types, flags, options,
 * messages with control data. Interface: socket(2), socket(7), unix(7),
 * cmsg(3).
 */
#ifndef ABI_SOCKET_H
#define ABI_SOCKET_H

#include <stddef.h>
#include <stdint.h>
#include "abi/time.h"
#include "abi/uio.h"

/* Families, and as many as there may be. */
#define AF_UNSPEC  0
#define AF_UNIX	   1
#define AF_LOCAL   AF_UNIX
#define AF_INET	   2
#define AF_INET6   10
#define AF_NETLINK 16
#define AF_PACKET  17
#define AF_MAX	   46

/* Types, and the flags that go with them. */
#define SOCK_STREAM    1
#define SOCK_DGRAM     2
#define SOCK_RAW       3
#define SOCK_RDM       4
#define SOCK_SEQPACKET 5
#define SOCK_DCCP      6
#define SOCK_PACKET    10
#define SOCK_TYPE_MASK 0xf
#define SOCK_CLOEXEC   02000000
#define SOCK_NONBLOCK  04000

#define SHUT_RD	       0
#define SHUT_WR	       1
#define SHUT_RDWR      2

/** listen's default bound (net.core.somaxconn). */
#define SOMAXCONN 4096

typedef uint16_t sa_family_t;
typedef uint32_t socklen_t;

struct sockaddr {
	sa_family_t sa_family;
	char sa_data[14];
};

/** Room for the address of any family. */
struct sockaddr_storage {
	sa_family_t ss_family;
	char ss_data[118];
	uint64_t ss_align;
};

#define UNIX_PATH_MAX 108

struct sockaddr_un {
	sa_family_t sun_family;
	char sun_path[UNIX_PATH_MAX];
};

struct msghdr {
	void *msg_name;
	socklen_t msg_namelen;
	struct iovec *msg_iov;
	size_t msg_iovlen;
	void *msg_control;
	size_t msg_controllen;
	int32_t msg_flags;
};

struct mmsghdr {
	struct msghdr msg_hdr;
	uint32_t msg_len;
};

/** One piece of control data; its bytes follow. */
struct cmsghdr {
	size_t cmsg_len; /**< with this header */
	int32_t cmsg_level;
	int32_t cmsg_type;
};

#define CMSG_ALIGN(len) (((len) + sizeof(size_t) - 1) & ~(sizeof(size_t) - 1))
#define CMSG_LEN(len)	(sizeof(struct cmsghdr) + (len))
#define CMSG_SPACE(len) (sizeof(struct cmsghdr) + CMSG_ALIGN(len))
#define CMSG_DATA(cmsg) ((unsigned char *)((struct cmsghdr *)(cmsg) + 1))
#define CMSG_FIRSTHDR(m)                                                       \
	((m)->msg_controllen >= sizeof(struct cmsghdr)                         \
		 ? (struct cmsghdr *)(m)->msg_control                          \
		 : (struct cmsghdr *)0)
#define CMSG_NXTHDR(m, cmsg)                                                   \
	((char *)(cmsg) + CMSG_ALIGN((cmsg)->cmsg_len) +                       \
				 sizeof(struct cmsghdr) >                      \
			 (char *)(m)->msg_control + (m)->msg_controllen        \
		 ? (struct cmsghdr *)0                                         \
		 : (struct cmsghdr *)((char *)(cmsg) +                         \
				      CMSG_ALIGN((cmsg)->cmsg_len)))

#define SCM_RIGHTS	1
#define SCM_CREDENTIALS 2
#define SCM_MAX_FD	253

struct ucred {
	int32_t pid;
	uint32_t uid;
	uint32_t gid;
};

struct linger {
	int32_t l_onoff;
	int32_t l_linger;
};

#define MSG_OOB		 0x1
#define MSG_PEEK	 0x2
#define MSG_DONTROUTE	 0x4
#define MSG_CTRUNC	 0x8
#define MSG_TRUNC	 0x20
#define MSG_DONTWAIT	 0x40
#define MSG_EOR		 0x80
#define MSG_WAITALL	 0x100
#define MSG_CONFIRM	 0x800
#define MSG_ERRQUEUE	 0x2000
#define MSG_NOSIGNAL	 0x4000
#define MSG_MORE	 0x8000
#define MSG_WAITFORONE	 0x10000
#define MSG_CMSG_CLOEXEC 0x40000000
#define MSG_CMSG_COMPAT	 0x80000000u

#define SOL_SOCKET	 1
#define SO_DEBUG	 1
#define SO_REUSEADDR	 2
#define SO_TYPE		 3
#define SO_ERROR	 4
#define SO_DONTROUTE	 5
#define SO_BROADCAST	 6
#define SO_SNDBUF	 7
#define SO_RCVBUF	 8
#define SO_KEEPALIVE	 9
#define SO_OOBINLINE	 10
#define SO_NO_CHECK	 11
#define SO_PRIORITY	 12
#define SO_LINGER	 13
#define SO_REUSEPORT	 15
#define SO_PASSCRED	 16
#define SO_PEERCRED	 17
#define SO_RCVLOWAT	 18
#define SO_SNDLOWAT	 19
#define SO_RCVTIMEO	 20
#define SO_SNDTIMEO	 21
#define SO_ACCEPTCONN	 30
#define SO_SNDBUFFORCE	 32
#define SO_RCVBUFFORCE	 33
#define SO_PROTOCOL	 38
#define SO_DOMAIN	 39

/* ioctl(2) */
#define SIOCOUTQ 0x5411

#endif
