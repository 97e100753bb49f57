/*
 * Mounts damaged disks: each is a good image with some sectors changed, is
 * written to a device, mounted, walked, read and changed. All that may come of
 * it is an error. Usage: damaged IMAGE DAMAGE DEVICE FOLDER
 * DAMAGE has for each disk the number of sectors, and each sector's number and
 * contents; scripts/tests/ext2_host makes it. Exits 0 when all were tried and
 * could be unmounted.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>
#include "bits.h"
#include "tree.h"

#define SECTOR	    512
#define DEPTH_MAX   12
#define ENTRIES_MAX 400 /* of a folder, looked at */
#define FOLDERS_MAX 40

struct file {
	char *data;
	size_t size;
};

static uint64_t seed;
static unsigned folders;
static char buf[16384];

static unsigned
choose(unsigned below)
{
	seed = seed * 6364136223846793005 + 1442695040888963407;
	return (unsigned)(seed >> 33) % below;
}

static void
die(const char *what)
{
	printf("FAIL %s: %s\n", what, strerror(errno));
	exit(1);
}

static struct file
load(const char *path)
{
	int fd = open(path, O_RDONLY);
	struct file f;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		die(path);
	f.size = (size_t)st.st_size;
	f.data = mmap(NULL, f.size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	if (f.data == MAP_FAILED)
		die("mmap");
	close(fd);
	return f;
}

/* ---- Use: what fails, fails ---- */

static void
use_file(const char *path, long size)
{
	int fd = open(path, choose(4) ? O_RDWR : O_RDONLY);
	char *p;

	if (fd < 0)
		return;
	read(fd, buf, sizeof(buf));
	pread(fd, buf, sizeof(buf), size > 70000 ? size - 9000 : 0);
	if (choose(3) == 0)
		pwrite(fd, buf, 5000, choose(20000));
	if (choose(4) == 0)
		pwrite(fd, buf, 3000, size > 1 << 20 ? size / 2 : size);
	if (choose(6) == 0)
		ftruncate(fd, choose(2) ? choose(30000) : size / 2);
	if (choose(6) == 0)
		fsync(fd);
	p = mmap(NULL, SECTOR, PROT_READ, MAP_SHARED, fd, 0);
	if (p != MAP_FAILED)
		munmap(p, SECTOR);
	close(fd);
}

static void
change(const char *folder, const char *path)
{
	char other[PATH_MAX];

	snprintf(other, sizeof(other), "%s/new%u", folder, choose(1000));
	switch (choose(8)) {
	case 0:
		unlink(path);
		break;
	case 1:
		rmdir(path);
		break;
	case 2:
		link(path, other);
		break;
	case 3:
		rename(path, other);
		break;
	case 4:
		mkdir(other, 0755);
		break;
	case 5:
		close(open(other, O_CREAT | O_WRONLY, 0644));
		break;
	case 6:
		symlink("a-target-that-is-longer-than-fits-into-an-inode-so-"
			"that-it-takes-a-block",
			other);
	}
}

static void use_folder(const char *folder, unsigned depth);

static void
use(const char *folder, const char *name, unsigned depth)
{
	char path[PATH_MAX];
	struct stat st;

	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return;
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	if (lstat(path, &st) < 0)
		return;
	if (S_ISDIR(st.st_mode))
		use_folder(path, depth + 1);
	else if (S_ISREG(st.st_mode))
		use_file(path, (long)st.st_size);
	else if (S_ISLNK(st.st_mode))
		readlink(path, buf, sizeof(buf));
	change(folder, path);
}

static void
use_folder(const char *folder, unsigned depth)
{
	unsigned seen = 0;
	struct dirent *e;
	DIR *d;

	if (depth > DEPTH_MAX || ++folders > FOLDERS_MAX)
		return;
	d = opendir(folder);
	while (d != NULL && seen++ < ENTRIES_MAX && (e = readdir(d)) != NULL)
		use(folder, e->d_name, depth);
	if (d != NULL)
		closedir(d);
}

/* ---- One disk ---- */

/** Puts the changed sectors into the image. @return what follows them */
static const char *
damage(struct file *image, const char *at)
{
	uint32_t n, sector;

	memcpy(&n, at, sizeof(n));
	for (at += sizeof(n); n > 0; n--, at += SECTOR) {
		memcpy(&sector, at, sizeof(sector));
		at += sizeof(sector);
		memcpy(image->data + (size_t)sector * SECTOR, at, SECTOR);
	}
	return at;
}

/** @return whether it could be mounted */
static bool
try_disk(const struct file *image, const char *device, const char *folder)
{
	int fd = open(device, O_WRONLY);

	if (fd < 0 ||
	    pwrite(fd, image->data, image->size, 0) != (ssize_t)image->size)
		die(device);
	close(fd);
	folders = 0;
	if (mount(device, folder, "ext2", choose(8) ? 0 : MS_RDONLY, "") < 0)
		return false;
	use_folder(folder, 0);
	if (choose(2))
		sync();
	use_folder(folder, 0);
	if (umount2(folder, 0) < 0)
		die("umount2");
	return true;
}

int
main(int argc, char **argv)
{
	unsigned n = 0, mounted = 0;
	struct file good, image, damages;
	const char *at;

	if (argc != 5) {
		fprintf(stderr, "usage: damaged IMAGE DAMAGE DEVICE FOLDER\n");
		return 2;
	}
	good = load(argv[1]);
	image = load(argv[1]);
	damages = load(argv[2]);
	for (at = damages.data; at < damages.data + damages.size; n++) {
		printf("%u\n", n);
		seed = n;
		memcpy(image.data, good.data, good.size);
		at = damage(&image, at);
		mounted += try_disk(&image, argv[3], argv[4]);
	}
	printf("done: %u disks, %u mounted\n", n, mounted);
	return 0;
}
