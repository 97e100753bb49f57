/*
 * All that a program can see below a directory, as a value: see tree.c.
 */
#ifndef TREE_H
#define TREE_H

#include "shim.h"

/** Bytes of a file, or a link's target; shared by trees. */
struct content {
	unsigned refs;
	uint64_t size, hash;
	uint8_t bytes[];
};

struct entry {
	char *path;
	uint64_t parent, ino; /**< not compared: which file it is */
	uint64_t size, rdev, meta;
	uint32_t mode, nlink, uid, gid;
	struct content *content; /**< NULL: of a directory or device */
};

struct tree {
	struct entry *e;
	unsigned n, room;
	uint64_t meta; /**< hash of all but the contents of files */
	uint64_t full; /**< of all */
};

/** A hash of @p len bytes, going on from @p h. */
uint64_t hash_bytes(uint64_t h, const void *data, size_t len);

/** Read what is below directory @p top. @param before  a tree with which to
 * share contents, or NULL. @return NULL: it cannot be read */
struct tree *tree_read(const char *top, const struct tree *before);
void tree_free(struct tree *t);
/** The first entry of this inode number or path, or NULL. */
const struct entry *tree_find_ino(const struct tree *t, uint64_t ino);
const struct entry *tree_find_path(const struct tree *t, const char *path);

#endif
