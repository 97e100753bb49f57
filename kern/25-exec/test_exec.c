/*
 * Self-tests of chapter exec. The programs are a few instructions each, in ELF
 * files that are made here, in the root directory of the kernel's threads; some
 * run in user mode, damaged ones are only loaded.
 */
#include "exec_internal.h"
#include "string.h"
#include "test_proc.h"

#define PROGRAM "/exec-test"

/* ---- Programs ---- */

/* A program file: headers, then code; one segment, read and execute. */
struct program_file {
	Elf64_Ehdr header;
	Elf64_Phdr phdr[2];
	uint8_t code[256];
};

/* exit_group(argc) */
asm(".section .rodata\n"
    "test_argc:\n"
    "	movq (%rsp), %rdi\n"
    "	movl $231, %eax\n"
    "	syscall\n"
    "test_argc_end:\n"
    "	.text\n");
extern const uint8_t test_argc[], test_argc_end[];

static void
make_program(struct program_file *p)
{
	memset(p, 0, sizeof(*p));
	memcpy(p->header.e_ident, ELFMAG, SELFMAG);
	p->header.e_ident[EI_CLASS] = ELFCLASS64;
	p->header.e_ident[EI_DATA] = ELFDATA2LSB;
	p->header.e_ident[EI_VERSION] = EV_CURRENT;
	p->header.e_type = ET_EXEC;
	p->header.e_machine = EM_X86_64;
	p->header.e_version = EV_CURRENT;
	p->header.e_entry = TEST_BASE + offsetof(struct program_file, code);
	p->header.e_phoff = offsetof(struct program_file, phdr);
	p->header.e_ehsize = sizeof(p->header);
	p->header.e_phentsize = sizeof(p->phdr[0]);
	p->header.e_phnum = 2;
	p->phdr[0] = (Elf64_Phdr){ .p_type = PT_LOAD,
				   .p_flags = PF_R | PF_X,
				   .p_vaddr = TEST_BASE,
				   .p_filesz = sizeof(*p),
				   .p_memsz = sizeof(*p),
				   .p_align = PAGE_SIZE };
	p->phdr[1] =
		(Elf64_Phdr){ .p_type = PT_GNU_STACK, .p_flags = PF_R | PF_W };
	memcpy(p->code, test_argc, test_argc_end - test_argc);
}

static int
write_file(const char *path, const void *bytes, size_t len, uint32_t mode)
{
	struct file *f;
	struct iovec iov;
	struct uio u = uio_kernel(&iov, (void *)bytes, len);
	uint64_t pos = 0;
	int64_t n;
	int error;

	error = file_open(AT_FDCWD, path, O_RDWR | O_CREAT | O_TRUNC, mode, &f);
	if (error)
		return error;
	n = file_write(f, &u, &pos);
	file_put(f);
	return n == (int64_t)len ? 0 : -EIO;
}

static const char *const test_argv[] = { "name", "first", "second", NULL };
static const char *const test_envp[] = { "A=1", "LONG=value of it", NULL };

/* Become a program, or exit with 128 + errno. */
static void
run_file(void *path)
{
	int error;

	heap_begin(HEAP_BOUND(selftest));
	error = exec_program(path, test_argv, test_envp);
	heap_end();
	if (error)
		proc_exit(W_EXITCODE(128 - error, 0));
	trap_enter_user(current()->md.user_frame);
}

static int
run_argc(void)
{
	static struct program_file p;
	int error;

	make_program(&p);
	heap_begin(HEAP_BOUND(selftest));
	error = write_file(PROGRAM, &p, sizeof(p), 0755);
	heap_end();
	return error ? error : test_run_process(run_file, PROGRAM);
}

SELFTEST(exec_runs_a_program)
{
	CHECK(run_argc() == W_EXITCODE(3, 0));
}

SELFTEST(exec_scripts_run_their_interpreter)
{
	static const char one[] = "#!" PROGRAM "\n";
	static const char two[] = "#! " PROGRAM "  an argument \nrest";
	static const char loop[] = "#!/exec-script\n";
	int error;

	CHECK(run_argc() == W_EXITCODE(3, 0));
	heap_begin(HEAP_BOUND(selftest));
	error = write_file("/exec-script", one, strlen(one), 0755);
	heap_end();
	CHECK(error == 0);
	/* interpreter, script, first, second */
	CHECK(test_run_process(run_file, "/exec-script") == W_EXITCODE(4, 0));
	heap_begin(HEAP_BOUND(selftest));
	write_file("/exec-script", two, strlen(two), 0755);
	heap_end();
	CHECK(test_run_process(run_file, "/exec-script") == W_EXITCODE(5, 0));
	heap_begin(HEAP_BOUND(selftest));
	write_file("/exec-script", loop, strlen(loop), 0755);
	heap_end();
	CHECK(test_run_process(run_file, "/exec-script") ==
	      W_EXITCODE(128 + ELOOP, 0));
}

SELFTEST(exec_refuses_what_is_no_program)
{
	static const char text[] = "hello, world: this is a text, and no ELF";
	int error;

	CHECK(test_run_process(run_file, "/") == W_EXITCODE(128 + EACCES, 0));
	CHECK(test_run_process(run_file, "/nowhere") ==
	      W_EXITCODE(128 + ENOENT, 0));
	heap_begin(HEAP_BOUND(selftest));
	error = write_file("/exec-text", text, sizeof(text), 0755);
	heap_end();
	CHECK(error == 0);
	CHECK(test_run_process(run_file, "/exec-text") ==
	      W_EXITCODE(128 + ENOEXEC, 0));
}

/* ---- Damaged files: loaded, not run ---- */

/* Load the file as exec would. @return elf_load's result */
static int
load(struct elf_info *info)
{
	struct vmspace *vm = vmspace_new();
	struct layout layout;
	struct image image;
	int error = image_open(AT_FDCWD, PROGRAM, 0, &image);

	if (!error) {
		layout_choose(&layout, false);
		error = elf_load(vm, &image, &layout, info);
		image_close(&image);
	}
	vmspace_put(vm);
	return error;
}

static struct program_file damaged;

PROCESS_TEST(exec_elf_damaged_headers_are_refused)
{
	struct elf_info info;
	struct program_file *p = &damaged;

#define DAMAGED(field, value)                                                  \
	({                                                                     \
		make_program(p);                                               \
		p->field = value;                                              \
		write_file(PROGRAM, p, sizeof(*p), 0755);                      \
		load(&info);                                                   \
	})
	EXPECT(DAMAGED(header.e_flags, 0) == 0);
	EXPECT(info.entry == TEST_BASE + offsetof(struct program_file, code));
	EXPECT(info.phdr == TEST_BASE + offsetof(struct program_file, phdr));
	EXPECT(DAMAGED(header.e_ident[1], 'F') == -ENOEXEC);
	EXPECT(DAMAGED(header.e_ident[EI_CLASS], 1) == -ENOEXEC);
	EXPECT(DAMAGED(header.e_ident[EI_DATA], 2) == -ENOEXEC);
	EXPECT(DAMAGED(header.e_type, ET_REL) == -ENOEXEC);
	EXPECT(DAMAGED(header.e_machine, 3) == -ENOEXEC);
	EXPECT(DAMAGED(header.e_phentsize, 55) == -ENOEXEC);
	EXPECT(DAMAGED(header.e_phnum, 0) == -ENOEXEC);
	EXPECT(DAMAGED(header.e_phnum, 0xffff) == -ENOEXEC);
	EXPECT(DAMAGED(header.e_phoff, sizeof(*p) - 8) == -ENOEXEC);
	EXPECT(DAMAGED(header.e_phoff, UINT64_MAX - 8) == -ENOEXEC);
	EXPECT(DAMAGED(header.e_entry, USER_TOP) == -ENOEXEC);
	EXPECT(DAMAGED(phdr[0].p_type, PT_NULL) == -ENOEXEC);
	EXPECT(DAMAGED(phdr[0].p_filesz, sizeof(*p) + 1) == -ENOEXEC);
	EXPECT(DAMAGED(phdr[0].p_memsz, 8) == -ENOEXEC);
	EXPECT(DAMAGED(phdr[0].p_memsz, UINT64_MAX) == -ENOEXEC);
	EXPECT(DAMAGED(phdr[0].p_offset, 8) == -ENOEXEC);
	EXPECT(DAMAGED(phdr[0].p_offset, UINT64_MAX - 4095) == -ENOEXEC);
	EXPECT(DAMAGED(phdr[0].p_vaddr, USER_TOP - 4096 + 8) == -ENOEXEC);
	EXPECT(DAMAGED(phdr[0].p_vaddr, UINT64_MAX - 4095) == -ENOEXEC);
	EXPECT(DAMAGED(phdr[0].p_align, 3) == -ENOEXEC);
	return true;
#undef DAMAGED
}

/* Every cut, and random bytes anywhere: any result will do, but a panic. */
PROCESS_TEST(exec_elf_any_damage_is_survived)
{
	uint64_t seed = 42;
	struct elf_info info;
	uint8_t *bytes = (uint8_t *)&damaged;

	for (unsigned len = 0; len < sizeof(damaged); len += 7) {
		make_program(&damaged);
		write_file(PROGRAM, &damaged, len, 0755);
		EXPECT(load(&info) == -ENOEXEC);
	}
	for (unsigned round = 0; round < 300; round++) {
		make_program(&damaged);
		for (unsigned i = 0; i < 1 + round % 4; i++) {
			seed = seed * 6364136223846793005 + 1;
			bytes[(seed >> 33) %
			      offsetof(struct program_file, code)] = seed >> 56;
		}
		write_file(PROGRAM, &damaged, sizeof(damaged), 0755);
		load(&info);
		heap_again();
	}
	return true;
}

/* ---- The stack of a new program ---- */

/* Read a word, or a string, of the new stack. */
static uint64_t
stack_word(struct vmspace *vm, vaddr_t at)
{
	uint64_t word = 0;

	vm_copy_in(vm, &word, at, sizeof(word));
	return word;
}

static bool
stack_string(struct vmspace *vm, vaddr_t at, const char *expected)
{
	char text[64] = "";

	vm_copy_in(vm, text, at, strlen(expected) + 1);
	return strcmp(text, expected) == 0;
}

PROCESS_TEST(exec_stack_holds_arguments_environment_and_auxv)
{
	const struct arg_source argv = { .kernel = test_argv };
	const struct arg_source envp = { .kernel = test_envp };
	struct elf_info info = { .entry = 1, .prog_entry = 2, .phnum = 3 };
	struct vmspace *vm = vmspace_new();
	struct exec_args a;
	vaddr_t rsp, at;
	unsigned auxv = 0;

	args_init(&a);
	EXPECT(args_push(&a, "/path") == 0);
	a.exec_fn = USER_TOP - a.used;
	a.argc = args_count(&argv);
	a.envc = args_count(&envp);
	EXPECT(a.argc == 3 && a.envc == 2);
	EXPECT(args_push_list(&a, &envp, 2) == 0);
	EXPECT(args_push_list(&a, &argv, 3) == 0);
	args_place(&a, USER_TOP - 5 * PAGE_SIZE);
	EXPECT(stack_build(vm, &a, &info, current_cred(), false, &rsp) == 0);
	args_free(&a);

	EXPECT(rsp % 16 == 0 && stack_word(vm, rsp) == 3);
	for (unsigned i = 0; i < 3; i++)
		EXPECT(stack_string(vm, stack_word(vm, rsp + 8 + 8 * i),
				    test_argv[i]));
	EXPECT(stack_word(vm, rsp + 32) == 0);
	for (unsigned i = 0; i < 2; i++)
		EXPECT(stack_string(vm, stack_word(vm, rsp + 40 + 8 * i),
				    test_envp[i]));
	EXPECT(stack_word(vm, rsp + 56) == 0);
	for (at = rsp + 64; stack_word(vm, at) != AT_NULL; at += 16) {
		uint64_t value = stack_word(vm, at + 8);

		switch (stack_word(vm, at)) {
		case AT_ENTRY:
			auxv |= value == 2;
			break;
		case AT_PHNUM:
			auxv |= (value == 3) << 1;
			break;
		case AT_EXECFN:
			auxv |= stack_string(vm, value, "/path") << 2;
			break;
		case AT_PLATFORM:
			auxv |= stack_string(vm, value, "x86_64") << 3;
			break;
		case AT_RANDOM:
			auxv |= (stack_word(vm, value) != 0) << 4;
			break;
		}
	}
	EXPECT(auxv == 0x1f);
	vmspace_put(vm);
	return true;
}

/* ---- Identity ---- */

PROCESS_TEST(exec_user_ids_follow_the_rules)
{
	EXPECT(CALL(NR_getuid, 0, 0, 0, 0) == 0);
	EXPECT(CALL(NR_setresuid, 10, 20, 30, 0) == 0);
	EXPECT(CALL(NR_getuid, 0, 0, 0, 0) == 10);
	EXPECT(CALL(NR_geteuid, 0, 0, 0, 0) == 20);
	EXPECT(CALL(NR_setuid, 5, 0, 0, 0) == -EPERM);
	EXPECT(CALL(NR_setuid, 30, 0, 0, 0) == 0);
	EXPECT(CALL(NR_geteuid, 0, 0, 0, 0) == 30);
	EXPECT(CALL(NR_getuid, 0, 0, 0, 0) == 10);
	EXPECT(CALL(NR_setreuid, 20, -1, 0, 0) == -EPERM);
	EXPECT(CALL(NR_setreuid, -1, 10, 0, 0) == 0);
	EXPECT(CALL(NR_setresuid, 30, -1, -1, 0) == 0);
	EXPECT(CALL(NR_setresuid, 0, 0, 0, 0) == -EPERM);
	EXPECT(CALL(NR_setgroups, 0, NULL, 0, 0) == -EPERM);
	return true;
}

PROCESS_TEST(exec_root_gives_all_its_user_ids_up)
{
	EXPECT(CALL(NR_setgroups, 0, NULL, 0, 0) == 0);
	EXPECT(CALL(NR_setgid, 7, 0, 0, 0) == 0);
	EXPECT(CALL(NR_getegid, 0, 0, 0, 0) == 7);
	EXPECT(CALL(NR_setuid, 7, 0, 0, 0) == 0);
	EXPECT(CALL(NR_setuid, 0, 0, 0, 0) == -EPERM);
	EXPECT(CALL(NR_setgid, 0, 0, 0, 0) == -EPERM);
	EXPECT(current_cred()->suid == 7 && current_cred()->fsuid == 7);
	return true;
}
