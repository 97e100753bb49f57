/*
 * The commands of the ext2 host harness: see commands.c.
 */
#ifndef COMMANDS_H
#define COMMANDS_H

#include "shim.h"

/** Do a line, which is torn into words. @return what was answered: a number,
 * or a negative error number */
int64_t command_run(char *line);
extern bool command_quiet; /**< answers are not written */
/** Give back what hold has taken. */
void command_drop_all(void);
/** The file that is held as @p path says, or NULL. */
struct vnode *command_held(const char *path);
/** Find a file; of @p last, if asked for, only the directory: then *last is the
 * last name. @return 0 and *result referenced, or an error */
int walk(const char *path, const char **last, struct vnode **result);

/* ---- names.c: 0 or an error ---- */

enum { MAKE_FILE, MAKE_DIR, MAKE_LINK };

int make(const char *path, int what, uint32_t mode, uint64_t rdev,
	 const char *target);
int remove_name(const char *path, bool directory);
int link_name(const char *from, const char *to);
int rename_name(const char *from, const char *to);
int exchange_names(const char *a, const char *b);

#endif
