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

/** Bytes of a file that tell what it is: an ELF header, or a script's line,
 * which execve(2) limits to 255 characters on Linux since 5.1. */
#define IMAGE_HEAD 256

/** A program file, opened for execution. */
struct image {
	/** Referenced, and denied to writers (vnode_deny_write); NULL: closed,
	 * or both have gone to the process's struct program. */
	struct vnode *vnode;
	uint8_t head[IMAGE_HEAD]; /**< its first bytes, zeros past the end */
};

/** Open @p path, a kernel string, from @p dirfd ("": that itself) for
 * execution; of @p at_flags, AT_SYMLINK_NOFOLLOW is honoured: the link itself
 * is -ELOOP then. No locks held; may sleep.
 * @return 0: image_close it; -EACCES: no regular file, no right, a mount
 * without execution; -ETXTBSY: somebody may write it; -EIO, or an error of the
 * path. On failure there is nothing to close */
int image_open(int dirfd, const char *path, unsigned at_flags,
	       struct image *image);
/** Let others write it again, and give the vnode back. Nothing to do where
 * vnode is NULL. No locks held; may sleep. */
void image_close(struct image *image);

/* ---- Its rights (cred.c) ---- */

/** The effective IDs that a file's set-user-ID bits ask for; -1: none. */
struct set_ids {
	uint32_t uid, gid;
};

/** Those of @p image, as far as the running process may have them: not from a
 * mount with MS_NOSUID, nor with no_new_privs. Takes the vnode's lock; may
 * sleep. */
void image_set_ids(const struct image *image, struct set_ids *ids);
/** Make @p cred those with which a program of @p ids runs. The real IDs stay;
 * the saved ones and those for files become the effective ones, whether these
 * change or not (POSIX.1-2017, exec). Does not sleep; where @p cred is a
 * process's its lock is held.
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
 * @p secure programs, whose caller must not learn their places) by
 * personality(2). The room for the stack follows RLIMIT_STACK of the running
 * process. Does not sleep. */
void layout_choose(struct layout *l, bool secure);
/** Read `norandmaps` from the command line. */
void layout_init(void);

/* ---- The library that the kernel gives it (vdso.c) ---- */

/** Bytes of the clock's page and the vDSO behind it. */
size_t vdso_size(void);
/** Map both at @p at, page-aligned, where room is: the clock's page to be read,
 * the vDSO to be executed as well. May sleep. @return 0 or -ENOMEM; the first
 * may be mapped then, which goes with @p vm */
int vdso_map(struct vmspace *vm, vaddr_t at);
/** Make vdso_object from the image in the kernel, and have the clock write its
 * page from now on. At start-up; panics without memory. */
void vdso_init(void);

/* ---- Its segments (elf.c) ---- */

/** What the loader found out, for the auxiliary vector and the registers. */
struct elf_info {
	vaddr_t entry;	    /**< where to begin: the interpreter's, if any */
	vaddr_t prog_entry; /**< of the program itself */
	vaddr_t base;	    /**< the interpreter's, 0 without */
	vaddr_t phdr;	    /**< its program headers in memory */
	unsigned phnum;
	bool exec_stack; /**< PT_GNU_STACK asks for it; without one: no */
	vaddr_t vdso;	 /**< the clock's page; the ELF header is in the next */
};

/** Map the ELF file @p image, and its interpreter, into @p vm, and set where
 * its code, data and heap are. @p vm is the caller's alone, and may be filled
 * in part on failure. No locks held; sleeps.
 * @param info  written anew; vdso is 0, and the caller's to set
 * @return 0, or -ENOEXEC: it is none, or a damaged one; -ELIBBAD: its
 * interpreter is; -EINTR: the thread is to die; -ENOMEM, -EIO, or an error of
 * the interpreter's path */
int elf_load(struct vmspace *vm, struct image *image, const struct layout *l,
	     struct elf_info *info);

/* ---- Its strings, its stack (args.c) ---- */

/** The strings of execve on their way to the new stack: pages that hold its
 * top end, [0] the topmost; filled downwards. As many as one page has pointers:
 * 2 MiB, {ARG_MAX} as Linux has it with a stack of 8 MiB. */
#define ARG_PAGES_MAX 512

struct exec_args {
	/** In one page of its own; NULL: args_init has failed. An entry is
	 * NULL once its page is the new address space's (EXEC3). */
	struct page **pages;
	unsigned npages;
	unsigned max_pages; /**< from RLIMIT_STACK */
	vaddr_t top;	    /**< where the stack will end; see args_place */
	size_t used;	    /**< bytes, from the top */
	unsigned argc, envc;
	vaddr_t exec_fn; /**< address of the path: above all other strings */
	vaddr_t strings; /**< lowest string: argv[0]; set by args_place */
};

/** Where an argument list comes from: one of the two. Both NULL: an empty list.
 */
struct arg_source {
	const char *const *kernel; /**< kernel strings, ended by NULL; or */
	const char *const *user;   /**< user memory */
};

/** Free bytes that a new stack has mapped below what is in it, 128 KiB: more
 * comes by growing. */
#define STACK_ROOM 0x20000

/** Begin without strings; at most a quarter of RLIMIT_STACK, or ARG_PAGES_MAX
 * pages. @return 0 or -ENOMEM; args_free in either case */
int args_init(struct exec_args *a);
/** Free what of the pages has not gone to an address space. Does not sleep. */
void args_free(struct exec_args *a);
/** Count a list, up to its NULL. Another thread may change it meanwhile, so the
 * number is a limit from now on, and not a fact. May sleep.
 * @return the number, or -EFAULT, -E2BIG; -EINTR: the thread is to die */
int args_count(const struct arg_source *s);
/** Push the strings of a list of @p n, the last one first, so that they lie in
 * order. May sleep. 0, -EFAULT (also: the list has become shorter), -E2BIG:
 * all together, or one string of more than ARG_STRLEN_MAX bytes; -ENOMEM,
 * -EINTR */
int args_push_list(struct exec_args *a, const struct arg_source *s, unsigned n);
/** Push one kernel string with its 0, or bytes; they are not aligned. May
 * sleep, waiting for memory. 0, -E2BIG, -ENOMEM. */
int args_push(struct exec_args *a, const char *text);
int args_push_bytes(struct exec_args *a, const void *bytes, size_t len);
/** Move the bottom down by @p len bytes, which the caller writes then: they are
 * zeros only where no string has been on its way (push_user). May sleep. 0,
 * -E2BIG, -ENOMEM.
 * args_write: copy @p len bytes to @p to, which lies within what has been
 * reserved, by the new program's addresses. Does not sleep. */
int args_reserve(struct exec_args *a, size_t len);
void args_write(struct exec_args *a, vaddr_t to, const void *from, size_t len);
/** Take the first string (argv[0]) off again. The pages stay. */
void args_pop(struct exec_args *a);
/** All strings are there: the stack will end at @p top, page-aligned. Until
 * then it is as if it ended at USER_TOP. Once only; the strings do not move,
 * only their addresses. */
void args_place(struct exec_args *a, vaddr_t top);

/** Build the stack of a new program in @p vm from its strings, whose addresses
 * are known: push what the ABI puts below them, map the stack, and give it the
 * pages of @p a, which become its. Sets what @p vm tells of arguments and
 * stack. No locks held; may sleep.
 * @param c       the IDs that the program is told
 * @param secure  AT_SECURE
 * @param rsp     receives the stack pointer: argc is there, 16-aligned
 * @return 0, -E2BIG: no room for the vectors; -ENOMEM. Some pages may be
 * @p vm's then; both are to be thrown away */
int stack_build(struct vmspace *vm, struct exec_args *a,
		const struct elf_info *info, const struct cred *c, bool secure,
		vaddr_t *rsp);

#endif
