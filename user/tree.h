/*
 * Removing a folder with all that is in it, for tests that clean up.
 */
#ifndef TREE_H
#define TREE_H

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void remove_tree(const char *path);

static inline void
remove_entries(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *e;
	char name[PATH_MAX];

	while (d != NULL && (e = readdir(d)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, e->d_name);
		remove_tree(name);
	}
	if (d != NULL)
		closedir(d);
}

/** Removes a file, or a folder and all in it, as far as that is allowed. */
static void
remove_tree(const char *path)
{
	struct stat st;

	if (lstat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
		chmod(path, 0700);
		remove_entries(path);
		rmdir(path);
	} else {
		unlink(path);
	}
}

#endif
