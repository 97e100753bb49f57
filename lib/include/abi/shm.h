/*
 * System V shared memory of the Linux x86-64 ABI: shmget(2), shmop(2),
 * shmctl(2).
 */
#ifndef ABI_SHM_H
#define ABI_SHM_H

#include <stdint.h>

#define IPC_PRIVATE 0
#define IPC_CREAT   01000
#define IPC_EXCL    02000
#define IPC_NOWAIT  04000

#define IPC_RMID    0
#define IPC_SET	    1
#define IPC_STAT    2
#define IPC_INFO    3

/* shmget */
#define SHM_HUGETLB   04000
#define SHM_NORESERVE 010000

/* shmat */
#define SHM_RDONLY 010000
#define SHM_RND	   020000
#define SHM_REMAP  040000
#define SHM_EXEC   0100000
#define SHMLBA	   4096

/* shmctl */
#define SHM_LOCK     11
#define SHM_UNLOCK   12
#define SHM_STAT     13
#define SHM_INFO     14
#define SHM_STAT_ANY 15

/* In the mode that IPC_STAT tells. */
#define SHM_DEST   01000
#define SHM_LOCKED 02000

struct ipc_perm {
	int32_t __key;
	uint32_t uid, gid;
	uint32_t cuid, cgid;
	uint32_t mode;
	uint16_t __seq, __pad2;
	uint64_t __unused1, __unused2;
};

struct shmid_ds {
	struct ipc_perm shm_perm;
	uint64_t shm_segsz;
	int64_t shm_atime, shm_dtime, shm_ctime;
	int32_t shm_cpid, shm_lpid;
	uint64_t shm_nattch;
	uint64_t __unused4, __unused5;
};

/** IPC_INFO */
struct shminfo {
	uint64_t shmmax, shmmin, shmmni, shmseg, shmall;
	uint64_t __unused[4];
};

/** SHM_INFO */
struct shm_info {
	int32_t used_ids;
	uint64_t shm_tot, shm_rss, shm_swp;
	uint64_t swap_attempts, swap_successes;
};

#endif
