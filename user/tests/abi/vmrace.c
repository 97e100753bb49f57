/*
 * One address space, changed and used by threads on all CPUs at once: mmap,
 * munmap, mprotect, mremap, madvise and fork against loads and stores. What
 * must hold whatever the order: a page that has been unmapped is not seen
 * again, nor what its memory is used for next; and no store is lost.
 *
 * A load or store that faults is told of, by a handler that knows the two
 * instructions. ROUNDS=N in the environment makes it longer.
 */
#include <abi/futex.h>
#include <sched.h>
#include <stdlib.h>
#include "check.h"

#define PAGE   4096ul
#define RW     (PROT_READ | PROT_WRITE)
#define ANON   (MAP_PRIVATE | MAP_ANONYMOUS)
#define PLACE  ((char *)0x30000000000)
#define OTHER  ((char *)0x30040000000)
#define PAGES  24
#define USERS  3 /* threads that load and store, beside the one that changes */
#define SECRET 0x5ec4e75ec4e75ec4ul
#define THREAD                                                                 \
	(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |    \
	 CLONE_SYSVSEM | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID)

/* ---- Loads and stores that may fault ---- */

bool try_load(const volatile uint64_t *at, uint64_t *value);
bool try_store(volatile uint64_t *at, uint64_t value);

__asm__(".text\n"
	"try_load:\n"
	"	movq (%rdi), %rax\n"
	"	movq %rax, (%rsi)\n"
	"	movl $1, %eax\n"
	"	ret\n"
	"try_store:\n"
	"	movq %rsi, (%rdi)\n"
	"	movl $1, %eax\n"
	"	ret\n"
	"try_failed:\n"
	"	xorl %eax, %eax\n"
	"	ret\n");
extern const char try_failed[];

static void
fault(int signo, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)info;
	if (uc->uc_mcontext.rip != (uint64_t)try_load &&
	    uc->uc_mcontext.rip != (uint64_t)try_store)
		signal(signo, SIG_DFL);
	else
		uc->uc_mcontext.rip = (uint64_t)try_failed;
}

/* ---- Threads ---- */

static struct worker {
	int number;
	volatile int tid; /* 0: it has ended */
	uint64_t uses, faults;
	char stack[16384] __attribute__((aligned(16)));
} workers[USERS];

static volatile bool stop;

/** The first thing that was wrong, told when the threads have ended. */
static volatile struct {
	const char *what;
	uint64_t page, value, bound;
} wrong;

static void
report(const char *what, uint64_t page, uint64_t value, uint64_t bound)
{
	if (wrong.what == NULL) {
		wrong.page = page;
		wrong.value = value;
		wrong.bound = bound;
		wrong.what = what;
	}
	stop = true;
}

static void
start(int (*body)(void *worker))
{
	struct sigaction act = { .sa_sigaction = fault,
				 .sa_flags = SA_SIGINFO };

	REQUIRE(sigaction(SIGSEGV, &act, NULL) == 0);
	for (int i = 0; i < USERS; i++) {
		struct worker *w = &workers[i];

		w->number = i;
		w->tid = 1;
		REQUIRE(clone(body, w->stack + sizeof(w->stack), THREAD, w,
			      NULL, NULL, (int *)&w->tid) > 0);
	}
	/* All are at work before anything changes. */
	for (int i = 0; i < USERS; i++)
		while (((volatile struct worker *)workers)[i].uses == 0)
			sched_yield();
}

static void
finish(void)
{
	int tid;

	stop = true;
	for (int i = 0; i < USERS; i++)
		while ((tid = workers[i].tid) != 0)
			syscall_raw(NR_futex, &workers[i].tid, FUTEX_WAIT, tid,
				    NULL);
	if (wrong.what != NULL)
		FAIL("%s: page %lu, value %#lx, bound %#lx", wrong.what,
		     wrong.page, wrong.value, wrong.bound);
	for (int i = 0; i < USERS; i++)
		CHECK(workers[i].uses > 0);
}

static int
rounds(int usual)
{
	const char *asked = getenv("ROUNDS");

	return asked != NULL ? atoi(asked) : usual;
}

static uint64_t
next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* ---- What is unmapped is not seen again ---- */

/* Of the mappings at PLACE, one after the other: the last one made, and the
 * last one whose munmap has returned. */
static volatile uint64_t made, gone;

static int
reader(void *worker)
{
	struct worker *w = worker;
	uint64_t random = 77 + (uint64_t)w->number, value, before;

	while (!stop) {
		uint64_t page = next_random(&random) % PAGES;

		before = gone;
		if (try_load((uint64_t *)(PLACE + page * PAGE), &value)) {
			if (value == SECRET)
				report("another use of a page", page, value, 0);
			else if (value != 0 && value <= before)
				report("an unmapped page", page, value, before);
			else if (value > made)
				report("no one's page", page, value, made);
		} else {
			w->faults++;
		}
		w->uses++;
	}
	return 0;
}

/** Uses the memory that was just freed for something else. */
static void
write_secrets(void)
{
	char *p = mmap(NULL, PAGES * PAGE, RW, ANON, -1, 0);

	for (int i = 0; i < PAGES; i++)
		*(uint64_t *)(p + (unsigned)i * PAGE) = SECRET;
	munmap(p, PAGES * PAGE);
}

TEST(unmapped_pages_are_not_seen)
{
	uint64_t random = 1;
	int n = rounds(60);

	start(reader);
	for (int i = 1; i <= n && !stop; i++) {
		made = (uint64_t)i;
		REQUIRE(mmap(PLACE, PAGES * PAGE, RW, ANON | MAP_FIXED, -1,
			     0) == PLACE);
		for (int k = 0; k < PAGES; k++)
			if (next_random(&random) & 1)
				*(uint64_t *)(PLACE + (unsigned)k * PAGE) =
					(uint64_t)i;
		switch (next_random(&random) % 4) {
		case 0: /* in pieces */
			munmap(PLACE + 5 * PAGE, 7 * PAGE);
			munmap(PLACE, PAGES * PAGE);
			break;
		case 1: /* replaced */
			mmap(PLACE, PAGES * PAGE, PROT_READ, ANON | MAP_FIXED,
			     -1, 0);
			break;
		case 2: /* moved away, and unmapped there */
			mremap(PLACE, PAGES * PAGE, PAGES * PAGE,
			       MREMAP_MAYMOVE | MREMAP_FIXED, OTHER);
			munmap(OTHER, PAGES * PAGE);
			break;
		default:
			munmap(PLACE, PAGES * PAGE);
		}
		gone = (uint64_t)i;
		write_secrets();
	}
	finish();
}

/* ---- What is given back is zeros ---- */

/** Each has a word of each page to itself. What it finds there is what it has
 * stored last, or 0. */
static int
storer(void *worker)
{
	struct worker *w = worker;
	uint64_t random = 99 + (uint64_t)w->number, last[PAGES] = { 0 }, value;

	while (!stop) {
		uint64_t page = next_random(&random) % PAGES;
		volatile uint64_t *word =
			(uint64_t *)(PLACE + page * PAGE) + w->number;

		if (try_load(word, &value) && value != 0 && value != last[page])
			report("an old store", page, value, last[page]);
		if (try_store(word, last[page] + 1))
			last[page]++;
		else
			w->faults++;
		w->uses++;
	}
	return 0;
}

TEST(discarded_pages_are_zeros)
{
	uint64_t random = 2;
	int n = rounds(150);

	REQUIRE(mmap(PLACE, PAGES * PAGE, RW, ANON | MAP_FIXED, -1, 0) ==
		PLACE);
	start(storer);
	for (int i = 0; i < n && !stop; i++) {
		size_t page = next_random(&random) % PAGES;
		size_t len = (1 + next_random(&random) % (PAGES - page)) * PAGE;

		if (i % 8 == 0) /* what takes its place is zeros, too */
			mmap(PLACE + page * PAGE, len, RW, ANON | MAP_FIXED, -1,
			     0);
		else
			madvise(PLACE + page * PAGE, len, MADV_DONTNEED);
	}
	finish();
}

/* ---- No store is lost ---- */

static char *volatile base; /* PLACE or OTHER: where it is now, or was */

/** What was stored is found, wherever the page has moved. */
static int
keeper(void *worker)
{
	struct worker *w = worker;
	uint64_t random = 55 + (uint64_t)w->number, last[PAGES] = { 0 }, value;

	while (!stop) {
		uint64_t page = next_random(&random) % PAGES;
		volatile uint64_t *word =
			(uint64_t *)(base + page * PAGE) + w->number;

		if (try_load(word, &value) && value != last[page])
			report("a lost store", page, value, last[page]);
		if (try_store(word, last[page] + 1))
			last[page]++;
		else
			w->faults++;
		w->uses++;
	}
	return 0;
}

/** In a child of the moment: nothing changes any more. */
static int
child_sees_no_change(void)
{
	const volatile uint64_t *word;
	uint64_t first[PAGES][USERS];

	for (int pass = 0; pass < 3; pass++)
		for (int page = 0; page < PAGES; page++)
			for (int i = 0; i < USERS; i++) {
				word = (uint64_t *)(base +
						    (unsigned)page * PAGE) +
				       i;
				if (pass == 0)
					first[page][i] = *word;
				else if (*word != first[page][i])
					return 1;
			}
	return 0;
}

static void
fork_in_the_middle(void)
{
	int status = -1;
	pid_t child = (pid_t)syscall_raw(NR_fork);

	if (child == 0)
		_exit(child_sees_no_change());
	REQUIRE(child > 0);
	while (waitpid(child, &status, 0) < 0)
		;
	if (status != 0)
		report("a parent's store", 0, (uint64_t)status, 0);
}

TEST(stores_are_not_lost)
{
	uint64_t random = 3;
	int n = rounds(60);

	base = PLACE;
	REQUIRE(mmap(PLACE, PAGES * PAGE, RW, ANON | MAP_FIXED, -1, 0) ==
		PLACE);
	start(keeper);
	for (int i = 0; i < n && !stop; i++) {
		char *to = base == PLACE ? OTHER : PLACE, *from = base;
		size_t page = next_random(&random) % PAGES;

		switch (next_random(&random) % 4) {
		case 0:
			fork_in_the_middle();
			break;
		case 1:
			mremap(from, PAGES * PAGE, PAGES * PAGE,
			       MREMAP_MAYMOVE | MREMAP_FIXED, to);
			base = to;
			break;
		default:
			mprotect(from + page * PAGE, (PAGES - page) * PAGE,
				 PROT_READ);
			mprotect(from, PAGES * PAGE, RW);
		}
	}
	finish();
}

TEST(stores_to_a_file_are_not_lost)
{
	uint64_t random = 4;
	int fd = open("f", O_RDWR | O_CREAT, 0600), n = rounds(50);

	REQUIRE(ftruncate(fd, PAGES * PAGE) == 0);
	base = PLACE;
	REQUIRE(mmap(PLACE, PAGES * PAGE, RW, MAP_SHARED | MAP_FIXED, fd, 0) ==
		PLACE);
	start(keeper);
	for (int i = 0; i < n && !stop; i++) {
		size_t page = next_random(&random) % PAGES;

		switch (next_random(&random) % 3) {
		case 0: /* the file's pages stay, whoever maps them */
			madvise(PLACE, PAGES * PAGE, MADV_DONTNEED);
			break;
		case 1:
			msync(PLACE, PAGES * PAGE, MS_ASYNC);
			mmap(PLACE + page * PAGE, PAGE, RW,
			     MAP_SHARED | MAP_FIXED, fd, (off_t)(page * PAGE));
			break;
		default:
			mprotect(PLACE + page * PAGE, PAGE, PROT_NONE);
			mprotect(PLACE, PAGES * PAGE, RW);
		}
	}
	finish();
}
