/*
 * The folder that the fuzzer's workers have for a root: how it is furnished,
 * and how what they leave in it, or outlives them elsewhere, is cleared away.
 */
#ifndef FUZZROOT_H
#define FUZZROOT_H

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define SEGMENTS 4096 /* of shared memory, most that there are */

/** Puts some of what is in any other root folder into the one where we are;
 * @p proc: /proc as well. */
static void
furnish(bool proc)
{
	mkdir("proc", 0755);
	mkdir("dev", 0755);
	mkdir("tmp", 01777);
	mknod("dev/null", S_IFCHR | 0666, makedev(1, 3));
	mknod("dev/zero", S_IFCHR | 0666, makedev(1, 5));
	mknod("dev/ptmx", S_IFCHR | 0666, makedev(5, 2));
	if (proc && mount("proc", "proc", "proc", 0, NULL) < 0)
		perror("fuzz: /proc");
}

/** Detaches the youngest mount that need not stay. @return whether it is off */
static bool
detach_one(bool (*stays)(const char *where))
{
	FILE *mounts = fopen("/proc/mounts", "r");
	char line[2 * PATH_MAX], found[2 * PATH_MAX] = "", *where, *rest;

	if (mounts == NULL)
		return false;
	while (fgets(line, sizeof(line), mounts)) {
		strtok_r(line, " ", &rest);
		where = strtok_r(NULL, " ", &rest);
		if (where != NULL && !stays(where))
			strcpy(found, where);
	}
	fclose(mounts);
	return found[0] != '\0' && umount2(found, MNT_DETACH) == 0;
}

/** Takes off what workers have mounted: where it is now, for folders are
 * renamed with what is mounted in them. */
static void
clear_mounts(bool (*stays)(const char *where))
{
	while (detach_one(stays))
		;
}

/** Segments of memory outlive who made them. */
static void
clear_segments(void)
{
	struct shmid_ds ds;
	long id;

	for (int i = 0; i < SEGMENTS; i++) {
		id = syscall(NR_shmctl, i, SHM_STAT, &ds);
		if (id >= 0)
			syscall(NR_shmctl, id, IPC_RMID, NULL);
	}
}

#endif
