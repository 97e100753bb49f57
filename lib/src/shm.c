/*
 * Shared memory: System V's calls; POSIX's, which are files in a folder that is
 * in memory.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <unistd.h>

int
shmget(key_t key, size_t size, int flags)
{
	return (int)syscall(NR_shmget, key, size, flags);
}

void *
shmat(int id, const void *at, int flags)
{
	return (void *)syscall(NR_shmat, id, at, flags);
}

int
shmdt(const void *at)
{
	return (int)syscall(NR_shmdt, at);
}

int
shmctl(int id, int command, struct shmid_ds *ds)
{
	return (int)syscall(NR_shmctl, id, command, ds);
}

/** The file of an object; its name may begin with slashes and holds no others.
 * @return 0, or -1 with errno set */
static int
object_path(char path[PATH_MAX], const char *name)
{
	while (*name == '/')
		name++;
	if (*name == '\0' || strchr(name, '/') != NULL) {
		errno = EINVAL;
		return -1;
	}
	if (snprintf(path, PATH_MAX, "/dev/shm/%s", name) >= PATH_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return 0;
}

int
shm_open(const char *name, int flags, mode_t mode)
{
	char path[PATH_MAX];

	if (object_path(path, name) < 0)
		return -1;
	return open(path, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, mode);
}

int
shm_unlink(const char *name)
{
	char path[PATH_MAX];

	return object_path(path, name) < 0 ? -1 : unlink(path);
}
