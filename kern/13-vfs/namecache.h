/*
 * The name cache's interface to the path walk: (directory, name) -> vnode, or
 * "there is no such name". It is a cache only: a miss says nothing.
 *
 * VFS2: an entry agrees with the directory. Entries are made and changed only
 * with the directory's lock held, by whoever looked the name up or changed it.
 */
#ifndef NAMECACHE_H
#define NAMECACHE_H

#include "vfs.h"

/** A name in a path: not terminated. The text stays its maker's: who keeps
 * it has a copy. */
struct name {
	const char *text;
	uint32_t len;
	uint32_t hash; /**< name_hash of the text */
};

/** Multiplier of the hash: 2^32 / golden ratio (Knuth, vol. 3, 6.4). */
#define NAME_HASH_STEP(hash, c) (((hash) ^ (uint8_t)(c)) * 0x9e3779b1u)

/** The name of @p len bytes at @p text, with its hash. Any context. */
struct name name_of(const char *text, size_t len);

enum name_state {
	NAME_MISS,     /**< not cached */
	NAME_POSITIVE, /**< *v is what the name leads to */
	NAME_NEGATIVE, /**< there is no such name */
};

/**
 * Look @p name up. Takes no lock: called in an RCU section, and *v is valid
 * until its end; it may be going away (vnode_try_get says).
 */
enum name_state namecache_lookup(const struct vnode *dir,
				 const struct name *name, struct vnode **v);

/** Note that @p name leads to @p v now, or (NULL) to nothing; replaces what was
 * noted. The directory's lock is held: for reading, if this is the result of a
 * look-up, which cannot differ from another's; else for writing. The caller has
 * references to both. Allocates an entry; does not sleep. Where the mount has
 * no_cache nothing is noted. */
void namecache_enter(struct vnode *dir, const struct name *name,
		     struct vnode *v);

/** Forget all entries of and to @p v: it goes away, its count is 0, and nobody
 * makes new ones. Does not sleep. */
void namecache_purge(struct vnode *v);

/** Whether @p dir has entries whose vnodes are in use: a hint, as they come and
 * go. Does not sleep. */
bool namecache_children_in_use(const struct vnode *dir);

/** A name that is noted for file @p v: its directory, referenced, and the name
 * in @p buf (NAME_MAX + 1 bytes), terminated. Of several it may be any. Does
 * not sleep. @return NULL: none */
struct vnode *namecache_reverse(struct vnode *v, char *buf);

/** The same, in a directory that is watched. */
struct vnode *namecache_watched(struct vnode *v, char *buf);

/** Entries now, negative ones too, for self-tests. */
unsigned namecache_count(void);

void namecache_init(void);

#endif
