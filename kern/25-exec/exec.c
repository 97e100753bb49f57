/*
 * execve, execveat: a new program in an old process. All that can fail is done
 * before anything is changed: the new address space is built whole beside the
 * old one. Then the other threads are ended, and the old memory goes.
 */
#include "abi/mount.h"
#include "abi/sched.h"
#include "exec_internal.h"
#include "format.h"
#include "string.h"

#define SCRIPTS_MAX 5 /* interpreters of interpreters: execve(2), ELOOP */

struct exec_ops exec_ops;

/* An exec under way, on the stack of its thread. What is made for the new
 * program is in image, args and vm, and freed by kexec, wherever it ends. */
struct exec {
	int dirfd;
	const char *file; /* as the caller named it, from dirfd */
	unsigned at_flags;
	const char *path; /* the same as the program is told it */
	bool closes;	  /* exec closes the descriptor that path names */
	struct image image;
	struct exec_args args;
	struct vmspace *vm; /* the new one; NULL: not made, or taken */
	struct elf_info info;
	struct set_ids ids; /* of the file that is run: a script's are not */
	struct cred cred;   /* as the program is told */
	bool secure;	    /* not its user's own: AT_SECURE */
	vaddr_t rsp;	    /* where its stack pointer begins */
};

/* ---- Opening ---- */

/* execve(2), EACCES: neither a folder nor a device, nor from a mount that says
 * so; for root, too, one of the three x bits must be set (POSIX.1-2017, 4.5).
 */
static int
check_executable(struct vnode *v)
{
	if (v->type != VT_REG || v->mount->flags & MS_NOEXEC)
		return -EACCES;
	return vnode_access(v, X_OK);
}

/* Nor is it written through a mapping, which needs no open file any more. In
 * this order: once writers are denied no new mapping for writing comes, so one
 * look at those that there are is enough. */
static int
deny_write(struct vnode *v)
{
	int error = vnode_deny_write(v);

	if (error || !v->cache || !vfs_ops.written_by_mapping(v))
		return error;
	vnode_allow_write(v);
	return -ETXTBSY;
}

/* Writers are denied before the first byte is read: what is checked stays so.
 */
int
image_open(int dirfd, const char *path, unsigned at_flags, struct image *image)
{
	struct vnode *v;
	int64_t n;
	int error = path_walk_at(dirfd, path, at_flags, &v);

	if (error)
		return error;
	error = v->type == VT_LNK ? -ELOOP : check_executable(v);
	if (!error)
		error = deny_write(v);
	if (error) {
		vnode_put(v);
		return error;
	}
	image->vnode = v;
	memset(image->head, 0, sizeof(image->head));
	n = vnode_read(v, image->head, sizeof(image->head), 0);
	if (n < 0) {
		image_close(image);
		return n;
	}
	return 0;
}

void
image_close(struct image *image)
{
	if (!image->vnode)
		return;
	vnode_allow_write(image->vnode);
	vnode_put(image->vnode);
	image->vnode = NULL;
}

/* ---- Scripts ---- */

/*
 * Split "#! interpreter argument" in place: the argument is the rest of the
 * line, spaces in it and all; *@arg is NULL where there is none. Of a line that
 * goes on past what was read, the argument may be cut, but not the path: a
 * program that was not named would be run. Source: execve(2), "Interpreter
 * scripts".
 */
static int
parse_script(char *line, char **interp, char **arg)
{
	char *end = line + strcspn(line, "\n"), *path;

	if (*end != '\n' && end - line == IMAGE_HEAD - 2) {
		path = line + strspn(line, " \t");
		if (!path[strcspn(path, " \t")])
			return -ENOEXEC;
		end--;
	}
	while (end > line && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	*end = '\0';
	*interp = line + strspn(line, " \t");
	if (!**interp)
		return -ENOEXEC;
	*arg = *interp + strcspn(*interp, " \t");
	if (**arg) {
		*(*arg)++ = '\0';
		*arg += strspn(*arg, " \t");
	}
	if (!**arg)
		*arg = NULL;
	return 0;
}

/* Replace @script by its interpreter: argv[0] gives way to the interpreter's
 * path, its argument, and the path of the script. @line receives the first.
 * Pushing goes downwards, so the last comes first. The script's image is
 * closed: the interpreter opens it by name, and may find another file there; so
 * nothing of the script's rights is taken over (image_set_ids). */
static int
open_interpreter(struct exec *x, const char *script, char *line)
{
	char *interp, *arg;
	int error = parse_script(line, &interp, &arg);

	if (error)
		return error;
	args_pop(&x->args);
	error = args_push(&x->args, script);
	if (!error && arg) {
		x->args.argc++;
		error = args_push(&x->args, arg);
	}
	x->args.argc++;
	if (!error)
		error = args_push(&x->args, interp);
	memmove(line, interp, strlen(interp) + 1);
	image_close(&x->image);
	return error ? error : image_open(AT_FDCWD, line, 0, &x->image);
}

static bool
is_script(const struct image *image)
{
	return image->head[0] == '#' && image->head[1] == '!';
}

static int
resolve_scripts(struct exec *x)
{
	/* The line of this script, and that of the one before it, whose first
	 * part is this one's path. */
	char lines[2][sizeof(x->image.head)], *line;
	const char *script = x->path;
	unsigned depth;
	int error = 0;

	/* Nobody could open it by then: execveat(2), ENOENT. */
	if (is_script(&x->image) && x->closes)
		return -ENOENT;
	for (depth = 0; !error && is_script(&x->image); depth++) {
		if (depth == SCRIPTS_MAX)
			return -ELOOP;
		line = lines[depth % 2];
		memcpy(line, x->image.head + 2, sizeof(x->image.head) - 2);
		memset(line + sizeof(x->image.head) - 2, 0, 2);
		error = open_interpreter(x, script, line);
		script = line;
	}
	return error;
}

/* ---- Gathering ---- */

/* From the top down: eight zero bytes, the path (AT_EXECFN), the environment,
 * the arguments: as Linux has them, and programs that change their title
 * (setproctitle) rely on argv and environment lying together, in order. Both
 * lists are counted before any string is copied: a wrong pointer is EFAULT
 * without work. */
static int
gather_args(struct exec *x, const struct arg_source *argv,
	    const struct arg_source *envp)
{
	struct exec_args *a = &x->args;
	int argc = args_count(argv), envc = args_count(envp);
	uint64_t end = 0;
	int error;

	if (argc < 0 || envc < 0)
		return argc < 0 ? argc : envc;
	error = args_push_bytes(a, &end, sizeof(end));
	if (!error)
		error = args_push(a, x->path);
	a->exec_fn = a->top - a->used;
	if (!error)
		error = args_push_list(a, envp, envc);
	if (!error)
		error = args_push_list(a, argv, argc);
	if (!error && argc == 0) { /* a program expects to have a name */
		error = args_push(a, "");
		argc = 1;
	}
	a->argc = argc;
	a->envc = envc;
	return error;
}

/* Put the program and what the kernel adds to it in their places. The stack
 * comes last (stack_build): its vectors tell what the loader has found. */
static int
lay_out(struct exec *x)
{
	struct layout l;
	int error;

	layout_choose(&l, x->secure);
	args_place(&x->args, l.stack_top);
	x->vm->mmap_top = x->vm->room_top = l.mmap_top;
	error = elf_load(x->vm, &x->image, &l, &x->info);
	x->info.vdso = l.vdso;
	return error ? error : vdso_map(x->vm, l.vdso);
}

/* Build all of the new program beside the old one (EXEC1). The file is opened
 * first: most errors are of the path. The IDs are worked out on a copy, for the
 * auxiliary vector and for whether places may be told; the process takes them
 * in take_identity, if all goes well. What is made stays in @x for kexec. */
static int
build(struct exec *x, const struct arg_source *argv,
      const struct arg_source *envp)
{
	int error = image_open(x->dirfd, x->file, x->at_flags, &x->image);

	if (!error)
		error = gather_args(x, argv, envp);
	if (!error)
		error = resolve_scripts(x);
	if (error)
		return error;
	image_set_ids(&x->image, &x->ids);
	x->cred = cred_copy();
	x->secure = cred_exec(&x->cred, &x->ids);
	x->vm = vmspace_new();
	if (!x->vm)
		return -ENOMEM;
	error = lay_out(x);
	if (!error)
		error = stack_build(x->vm, &x->args, &x->info, &x->cred,
				    x->secure, &x->rsp);
	return error;
}

/* ---- Becoming it ---- */

/* The IDs are set in the context of that moment, not from x->cred. A program
 * that is not its user's own does not inherit what its caller might use against
 * it: the signal at the parent's end, and places that do not change (prctl(2),
 * PR_SET_PDEATHSIG; personality(2)). */
static void
take_identity(struct exec *x)
{
	struct thread *t = current();
	struct fs_context *fs = t->fs, *shared = fs;

	/* Another process that shares the directories keeps its own IDs. */
	if (ref_count(&shared->refs) > 1 && x->secure) {
		fs = fs_context_copy(shared);
		spin_lock(&proc_lock); /* of those who read t->fs */
		t->fs = fs;
		spin_unlock(&proc_lock);
		fs_context_put(shared);
	}
	/* It may have changed them since x->cred was made. */
	spin_lock(&fs->lock);
	x->secure |= cred_exec(&fs->cred, &x->ids);
	spin_unlock(&fs->lock);
	t->proc->dumpable = !x->secure;
	if (x->secure) {
		t->proc->death_signal = 0;
		t->proc->personality = PER_LINUX;
	}
}

/* A script's name is the script's, not its interpreter's. The reference to the
 * file and its denial of writers go to the process: the old program's are given
 * back. */
static void
take_name(struct exec *x, struct proc *p)
{
	const char *slash = strrchr(x->path, '/');
	const char *name = slash ? slash + 1 : x->path;

	thread_set_name(current(), name);
	proc_set_program(p, program_new(x->image.vnode));
	x->image.vnode = NULL; /* it is the program's now */
}

/* The point of no return (EXEC2): all has been made, and the process has one
 * thread. The order: the memory, and a parent in vfork goes on; then the
 * descriptors, copied if another process shares them, for close-on-exec is this
 * one's; then IDs and name; last the registers, which the way out of the system
 * call loads. */
static void
become(struct exec *x)
{
	struct thread *t = current();

	INVARIANT(EXEC2, x->vm && x->image.vnode && t->proc->nthreads == 1 &&
				 t->tid == t->proc->pid);
	proc_take_memory(x->vm);
	x->vm = NULL;
	fdtable_unshare();
	fdtable_close_on_exec(t->fdtable);
	take_identity(x);
	take_name(x, t->proc);
	if (exec_ops.done)
		exec_ops.done(t->proc);
	user_state_init(x->info.entry, x->rsp);
}

/* Too many processes since set*uid: not refused there but here (setuid(2),
 * execve(2), EAGAIN). If it is not so any more the mark goes for good. Nothing
 * is kept on failure: image, args and vm are freed in any case, and empty after
 * become. */
static int
kexec(struct exec *x, const struct arg_source *argv,
      const struct arg_source *envp)
{
	struct proc *p = current_proc();
	int error = args_init(&x->args);

	if (p->over_nproc && proc_user_over_limit(NULL))
		error = -EAGAIN;
	else
		p->over_nproc = false;
	if (!error)
		error = build(x, argv, envp);
	if (!error)
		error = proc_become_single();
	if (!error)
		become(x);
	image_close(&x->image);
	args_free(&x->args);
	vmspace_put(x->vm);
	return error;
}

int
exec_program(const char *path, const char *const argv[],
	     const char *const envp[])
{
	struct arg_source a = { .kernel = argv }, e = { .kernel = envp };
	struct exec x = { .dirfd = AT_FDCWD, .file = path, .path = path };

	return kexec(&x, &a, &e);
}

/* A path that is not from the current directory is told by way of its
 * descriptor; which a script's interpreter must find open. */
static int
name_by_descriptor(struct exec *x, char **buffer)
{
	int n, flags;

	*buffer = NULL;
	x->path = x->file;
	if (x->dirfd == AT_FDCWD || *x->file == '/')
		return 0;
	flags = fd_get_flags(x->dirfd);
	if (flags < 0)
		return flags;
	*buffer = buffer_new(PATH_MAX);
	n = snformat(*buffer, PATH_MAX,
		     *x->file ? "/dev/fd/%d/%s" : "/dev/fd/%d", x->dirfd,
		     x->file);
	x->path = *buffer;
	x->closes = flags & FD_CLOEXEC;
	return n < PATH_MAX ? 0 : -ENAMETOOLONG;
}

/* The path is the kernel's copy before anything is looked at; the old memory
 * may be read until kexec has ended the other threads. */
static int64_t
exec_from_user(int dirfd, const char *file, const char *const *argv,
	       const char *const *envp, unsigned at_flags)
{
	struct arg_source a = { .user = argv }, e = { .user = envp };
	struct exec x = { .dirfd = dirfd, .at_flags = at_flags };
	struct user_path p;
	char *buffer;
	int error = user_path_get(&p, file, at_flags & AT_EMPTY_PATH);

	if (error)
		return error;
	x.file = p.text;
	error = name_by_descriptor(&x, &buffer);
	if (!error)
		error = kexec(&x, &a, &e);
	buffer_free(buffer);
	user_path_put(&p);
	return error;
}

static int64_t
sys_execve(const char *file, const char *const *argv, const char *const *envp)
{
	return exec_from_user(AT_FDCWD, file, argv, envp, 0);
}
SYSCALL(NR_execve, sys_execve);

/* AT_EMPTY_PATH: the file that dirfd is, for which O_PATH does (open(2)). */
static int64_t
sys_execveat(int dirfd, const char *file, const char *const *argv,
	     const char *const *envp, unsigned at_flags)
{
	if (at_flags & ~(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW))
		return -EINVAL;
	return exec_from_user(dirfd, file, argv, envp, at_flags);
}
SYSCALL(NR_execveat, sys_execveat);
