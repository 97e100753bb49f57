/*
 * What the files of chapter exec share: a file that is to be run, the strings
 * on their way to the new stack, and what the loader found out.
 */
#ifndef EXEC_INTERNAL_H
#define EXEC_INTERNAL_H

#include "abi/elf.h"
#include "abi/syscall.h"
#include "exec.h"

/* ---- The file (exec.c) ---- */

/** Bytes of a file that tell what it is: an ELF header, or a script's line. */
#define IMAGE_HEAD 256

/** A program file, opened for execution. */
struct image {
	struct vnode *vnode; /**< referenced; no one may write it meanwhile */
	uint8_t head[IMAGE_HEAD]; /**< its first bytes, zeros past the end */
};

/** Open @p path from @p dirfd ("": that itself) for execution; of @p at_flags,
 * AT_SYMLINK_NOFOLLOW is honoured. 0, -EACCES, -ENOENT, -ETXTBSY... */
int image_open(int dirfd, const char *path, unsigned at_flags,
	       struct image *image);
void image_close(struct image *image);

/* ---- Its rights (cred.c) ---- */

/** The effective IDs that a file's set-user-ID bits ask for; -1: none. */
struct set_ids {
	uint32_t uid, gid;
};

/** Those of @p image, as far as the running process may have them. May sleep.
 */
void image_set_ids(const struct image *image, struct set_ids *ids);
/** Make @p cred those with which a program of @p ids runs.
 * @return whether they are not its user's own (AT_SECURE) */
bool cred_exec(struct cred *cred, const struct set_ids *ids);

/* ---- Its places (layout.c) ---- */

/** Where the parts of a program go that can be anywhere. Page-aligned. */
struct layout {
	vaddr_t vdso;	   /**< vdso_size() bytes */
	vaddr_t stack_top; /**< the stack's end */
	vaddr_t mmap_top;  /**< mappings are below */
	vaddr_t pie;	   /**< a program that can be anywhere */
	uint64_t brk_gap;  /**< bytes between a program and its heap */
};

/** Choose them: at random, unless that is switched off, for all or (but for
 * @p secure programs) by personality(2). */
void layout_choose(struct layout *l, bool secure);
void layout_init(void);

/* ---- The library that the kernel gives it (vdso.c) ---- */

/** Bytes of the clock's page and the vDSO behind it. */
size_t vdso_size(void);
/** Map both at @p at, where room is. 0 or -ENOMEM */
int vdso_map(struct vmspace *vm, vaddr_t at);
void vdso_init(void);

/* ---- Its segments (elf.c) ---- */

/** What the loader found out, for the auxiliary vector and the registers. */
struct elf_info {
	vaddr_t entry;	    /**< where to begin: the interpreter's, if any */
	vaddr_t prog_entry; /**< of the program itself */
	vaddr_t base;	    /**< the interpreter's, 0 without */
	vaddr_t phdr;	    /**< its program headers in memory */
	unsigned phnum;
	bool exec_stack;
	vaddr_t vdso; /**< the clock's page; the ELF header is in the next */
};

/** Map the ELF file @p image, and its interpreter, into @p vm. @return 0, or
 * -ENOEXEC: it is none, or a damaged one; -ELIBBAD, -ENOMEM, -EIO... */
int elf_load(struct vmspace *vm, struct image *image, const struct layout *l,
	     struct elf_info *info);

/* ---- Its strings, its stack (args.c) ---- */

/** The strings of execve on their way to the new stack: pages that hold its
 * top end, [0] the topmost; filled downwards. */
#define ARG_PAGES_MAX 512

struct exec_args {
	struct page **pages; /**< in one page of its own */
	unsigned npages;
	unsigned max_pages; /**< from RLIMIT_STACK */
	vaddr_t top;	    /**< where the stack will end; see args_place */
	size_t used;	    /**< bytes, from the top */
	unsigned argc, envc;
	vaddr_t exec_fn; /**< address of the path */
	vaddr_t strings; /**< lowest string: argv[0] */
};

/** Where an argument list comes from. */
struct arg_source {
	const char *const *kernel; /**< kernel strings, ended by NULL; or */
	const char *const *user;   /**< user memory */
};

/** Free bytes that a new stack has below what is in it. */
#define STACK_ROOM 0x20000

int args_init(struct exec_args *a);
void args_free(struct exec_args *a);
/** Count a list. @return the number, or -EFAULT, -E2BIG */
int args_count(const struct arg_source *s);
/** Push the strings of a list, the last one first. 0, -EFAULT, -E2BIG,
 * -ENOMEM */
int args_push_list(struct exec_args *a, const struct arg_source *s, unsigned n);
/** Push one kernel string, or bytes. */
int args_push(struct exec_args *a, const char *text);
int args_push_bytes(struct exec_args *a, const void *bytes, size_t len);
/** Move the bottom down by @p len bytes of zeros; then write within them. */
int args_reserve(struct exec_args *a, size_t len);
void args_write(struct exec_args *a, vaddr_t to, const void *from, size_t len);
/** Take the first string (argv[0]) off again. */
void args_pop(struct exec_args *a);
/** All strings are there: the stack will end at @p top. Until then it is as if
 * it ended at USER_TOP. */
void args_place(struct exec_args *a, vaddr_t top);

/** Build the stack of a new program in @p vm from its strings; the pages of
 * @p a become its. *@p rsp receives the stack pointer. */
int stack_build(struct vmspace *vm, struct exec_args *a,
		const struct elf_info *info, const struct cred *c, bool secure,
		vaddr_t *rsp);

#endif
