/*
 * What the files of chapter vfs know of each other.
 */
#ifndef VFS_INTERNAL_H
#define VFS_INTERNAL_H

#include "notify.h"
#include "string.h"
#include "walk.h"

void vnode_init(void);

#endif
