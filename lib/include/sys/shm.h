/*
 * System V shared memory.
 */
#ifndef SYS_SHM_H
#define SYS_SHM_H

#include "abi/shm.h"
#include "sys/types.h"

typedef int key_t;

int shmget(key_t key, size_t size, int flags);
void *shmat(int id, const void *at, int flags);
int shmdt(const void *at);
int shmctl(int id, int command, struct shmid_ds *ds);

#endif
