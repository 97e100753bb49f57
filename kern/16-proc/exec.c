/*
 * execve: a new program in an old process. All that can fail is done before
 * anything is changed: the new address space is built whole beside the old
 * one. Then the other threads are ended, and the old memory goes.
 */
#include "abi/mount.h"
#include "proc_internal.h"
#include "string.h"

#define SCRIPTS_MAX 4 /* interpreters of interpreters */

struct exec {
	const char *path; /* as the caller named it */
	struct image image;
	struct exec_args args;
	struct vmspace *vm;
	struct elf_info info;
	struct cred cred;
	bool secure;
	vaddr_t rsp;
};

/* ---- Opening ---- */

static int
check_executable(struct vnode *v)
{
	if (v->type != VT_REG || v->mount->flags & MS_NOEXEC)
		return -EACCES;
	return vnode_access(v, X_OK);
}

int
image_open(const char *path, struct image *image)
{
	struct vnode *v;
	int64_t n;
	int error = path_walk(AT_FDCWD, path, 0, &v);

	if (error)
		return error;
	error = check_executable(v);
	if (!error)
		error = vnode_deny_write(v);
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

/* ---- Programs ---- */

struct program *
program_new(struct image *image)
{
	struct page *page = page_alloc(0, PAGE_KERNEL, 0);
	const char *path = page ? page_address(page) : "";
	struct program *g;
	size_t len;

	if (page && vnode_path(image->vnode, page_address(page),
			       KALLOC_MAX - sizeof(*g)) < 0)
		path = "";
	len = strlen(path);
	g = (struct program *)knew_array(uint8_t, sizeof(*g) + len + 1);
	ref_init(&g->refs);
	memcpy(g->path, path, len + 1);
	g->vnode = image->vnode;
	image->vnode = NULL;
	if (page)
		page_unref(page);
	return g;
}

struct program *
program_get(struct program *g)
{
	ref_get(&g->refs);
	return g;
}

void
program_put(struct program *g)
{
	if (!g || !ref_put(&g->refs))
		return;
	vnode_allow_write(g->vnode);
	vnode_put(g->vnode);
	kfree(g);
}

void
proc_set_program(struct proc *p, struct program *g)
{
	struct program *old;

	spin_lock(&p->lock);
	old = p->program;
	p->program = g;
	spin_unlock(&p->lock);
	program_put(old);
}

/* ---- Scripts ---- */

/*
 * Split "#! interpreter argument" in place: the argument is the rest of the
 * line, spaces in it and all; *@arg is NULL where there is none.
 */
static int
parse_script(char *line, char **interp, char **arg)
{
	char *end = line + strcspn(line, "\n");

	/* A line that goes on past what was read is cut: not a path to try. */
	if (*end != '\n' && end - line == IMAGE_HEAD - 2)
		return -ENOEXEC;
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
 * path, its argument, and the path of the script. @line receives the first. */
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
	return error ? error : image_open(line, &x->image);
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
	a->exec_fn = USER_TOP - a->used;
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

/* Build all of the new program beside the old one. */
static int
build(struct exec *x, const struct arg_source *argv,
      const struct arg_source *envp)
{
	int error = image_open(x->path, &x->image);

	if (!error)
		error = gather_args(x, argv, envp);
	if (!error)
		error = resolve_scripts(x);
	if (error)
		return error;
	x->args.strings = USER_TOP - x->args.used;
	x->secure = cred_for_exec(&x->image, &x->cred);
	x->vm = vmspace_new();
	if (!x->vm)
		return -ENOMEM;
	error = elf_load(x->vm, &x->image, &x->info);
	if (!error)
		error = stack_build(x->vm, &x->args, &x->info, &x->cred,
				    x->secure, &x->rsp);
	return error;
}

/* ---- Becoming it ---- */

/* End all other threads, and take the number of the process. */
static int
become_single(struct proc *p)
{
	struct thread *t = current();
	int error = 0;

	spin_lock(&proc_lock);
	if (p->exiting || p->exec_thread) {
		spin_unlock(&proc_lock);
		return -EAGAIN;
	}
	p->exec_thread = t;
	if (p->nthreads > 1 && proc_ops.kill_threads) {
		spin_unlock(&proc_lock);
		proc_ops.kill_threads(p);
		spin_lock(&proc_lock);
	}
	while (p->nthreads > 1 && !error)
		error = waitq_wait(&p->child_wq, &proc_lock, WAIT_KILLABLE,
				   WAIT_FOREVER);
	if (!error && t->tid != p->pid) {
		pid_clear_thread(t->tid);
		t->tid = p->pid;
		pid_set(p->pid, NULL, t);
	}
	if (error)
		p->exec_thread = NULL;
	spin_unlock(&proc_lock);
	return error;
}

static void
take_memory(struct proc *p, struct vmspace *vm)
{
	struct vmspace *old;

	spin_lock(&proc_lock);
	old = vmspace_switch(vm);
	if (old)
		p->peak_resident = MAX(p->peak_resident, vm_peak_resident(old));
	proc_release_parent(p);
	p->did_exec = true;
	p->exec_thread = NULL;
	spin_unlock(&proc_lock);
	vmspace_put(old);
}

static void
take_identity(struct exec *x)
{
	struct thread *t = current();
	struct fs_context *fs = t->fs;

	/* Another process that shares the directories keeps its own IDs. */
	if (ref_count(&fs->refs) > 1 && x->secure) {
		t->fs = fs_context_copy(fs);
		fs_context_put(fs);
		fs = t->fs;
	}
	spin_lock(&fs->lock);
	fs->cred = x->cred;
	spin_unlock(&fs->lock);
}

static void
take_name(struct exec *x, struct proc *p)
{
	const char *slash = strrchr(x->path, '/');
	const char *name = slash ? slash + 1 : x->path;

	strlcpy(current()->name, name, sizeof(current()->name));
	spin_lock(&p->lock);
	strlcpy(p->name, name, sizeof(p->name));
	spin_unlock(&p->lock);
	proc_set_program(p, program_new(&x->image));
}

/* The state in which a program begins: ABI for x86-64, 3.4.1. */
static void
fresh_registers(struct exec *x)
{
	struct md_thread *md = &current()->md;
	struct trapframe *tf = md->user_frame;
	uint64_t vector = tf->vector, error = tf->error;

	memset(tf, 0, sizeof(*tf));
	tf->vector = vector;
	tf->error = error;
	tf->rip = x->info.entry;
	tf->rsp = x->rsp;
	trapframe_sanitize(tf);
	if (!md->fpu)
		md->fpu = fpu_area_new();
	preempt_disable();
	fpu_area_init(md->fpu);
	fpu_restore(md->fpu);
	md->fsbase = md->gsbase = 0;
	wrmsr(MSR_FS_BASE, 0);
	wrmsr(MSR_KERNEL_GS_BASE, 0);
	preempt_enable();
}

static void
become(struct exec *x, struct proc *p)
{
	struct thread *t = current();

	take_memory(p, x->vm);
	x->vm = NULL;
	t->clear_tid = NULL;
	t->robust_list = NULL;
	fdtable_close_on_exec(t->fdtable);
	take_identity(x);
	take_name(x, p);
	if (proc_ops.exec)
		proc_ops.exec(p);
	fresh_registers(x);
}

static int
kexec(const char *path, const struct arg_source *argv,
      const struct arg_source *envp)
{
	struct proc *p = current_proc();
	struct exec x = { .path = path };
	int error = args_init(&x.args);

	if (!error)
		error = build(&x, argv, envp);
	if (!error)
		error = become_single(p);
	if (!error)
		become(&x, p);
	image_close(&x.image);
	args_free(&x.args);
	vmspace_put(x.vm);
	return error;
}

int
proc_exec(const char *path, const char *const argv[], const char *const envp[])
{
	struct arg_source a = { .kernel = argv }, e = { .kernel = envp };

	return kexec(path, &a, &e);
}

static int64_t
sys_execve(const char *user_path, const char *const *argv,
	   const char *const *envp)
{
	struct arg_source a = { .user = argv }, e = { .user = envp };
	char *path;
	int error = path_copyin(user_path, &path);

	if (error)
		return error;
	error = kexec(path, &a, &e);
	path_free(path);
	return error;
}
SYSCALL(NR_execve, sys_execve, PROC_HEAP_PAGES);
