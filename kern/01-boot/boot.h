/*
 * boot: from the loader to C, and what every later chapter needs from the
 * first line on: the memory map, the command line, kprintf, panic with a
 * backtrace, assertions, self-tests, and the list of chapters to initialise.
 */
#ifndef BOOT_H
#define BOOT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "bits.h"

typedef uint64_t paddr_t; /**< a physical address */
typedef uint64_t vaddr_t; /**< a virtual address */

#define PAGE_SHIFT 12
#define PAGE_SIZE  4096UL

/*
 * The kernel's address space: the upper half, the same in every process. User
 * space is the lower half, up to USER_TOP (chapter trap). What lies between
 * the two is no address at all: bits 63 to 47 must be equal (Intel SDM vol. 1,
 * 3.3.7.1, canonical addressing).
 *
 *   ffff8000 00000000  direct map: all RAM, physical address 0 on
 *   ffffc000 00000000  kvmap: kernel stacks, then device registers (chapter
 * mem) ffffffff 80000000  the kernel image, 1 MiB further on
 */
#define DIRECT_MAP_BASE 0xffff800000000000UL /**< all RAM, slots 256-383 */
#define KVMAP_BASE	0xffffc00000000000UL /**< stacks, MMIO: slot 384 */
#define KVMAP_SIZE	0x0000008000000000UL /**< 512 GiB: one slot */
#define KERNBASE	0xffffffff80000000UL /**< the kernel image */

/** Virtual address, in the direct map, of physical address @p pa. Whether
 * there is RAM at @p pa is the caller's to know; the boot page tables map the
 * first 4 GiB whatever is there, those of chapter mem RAM alone. */
static inline void *
direct_map(paddr_t pa)
{
	return (void *)(DIRECT_MAP_BASE + pa);
}

/* ---- The loader's information ---- */

/** What a range of physical memory is: the numbers of ACPI's address range
 * types (ACPI 6.4, chapter 15), which both loaders pass on as they are. */
enum memory_type {
	MEMORY_USABLE = 1,
	MEMORY_RESERVED = 2,
	MEMORY_ACPI = 3, /**< tables; usable once they have been read */
	MEMORY_NVS = 4,
	MEMORY_BAD = 5,
};

struct memory_range {
	paddr_t base;
	uint64_t len; /**< bytes */
	uint32_t type;
};

#define MEMORY_RANGES_MAX 64
#define COMMAND_LINE_MAX  1024

/** What the loader told us, copied out of its memory before anything else:
 * that memory is free memory to chapter mem. Written by boot_info_parse, on one
 * CPU, before any other chapter runs; constant from then on. */
struct boot_info {
	const char *loader; /**< "multiboot2" or "PVH" */
	char command_line[COMMAND_LINE_MAX];
	/** In order of address. Ranges may overlap: firmware is not trusted
	 * not to do that, and chapter mem looks. */
	struct memory_range memory[MEMORY_RANGES_MAX];
	unsigned nmemory;
	paddr_t rsdp;	       /**< ACPI root pointer, 0 if not told */
	uint8_t rsdp_copy[36]; /**< multiboot2 hands over a copy instead */
	bool has_rsdp_copy;
};
extern struct boot_info boot_info;

/**
 * Fill boot_info from the loader's structures; panics on a loader that is
 * neither PVH nor multiboot2 and on a map without usable memory.
 *
 * @param magic  eax at entry
 * @param info   ebx at entry: physical address of the loader's structure
 */
void boot_info_parse(uint32_t magic, paddr_t info);

/**
 * Look up a word of the kernel's command line.
 *
 * @param key    the word's name: matches "key" and "key=value"
 * @param value  receives the value ("" where there is none), cut to @p size
 * @param size   bytes at @p value; 0 to only ask whether the word is there
 * @return       whether it is there
 */
bool command_line_get(const char *key, char *value, size_t size);

/** Whether the word @p key, with or without a value, is on the command line. */
bool command_line_has(const char *key);

/**
 * The number after "key=" (decimal or 0x...), or @p otherwise where the word
 * is not there or is not a number.
 */
uint64_t command_line_number(const char *key, uint64_t otherwise);

/* ---- Log and consoles ---- */

/** Bytes of log kept for readers of /dev/kmsg. A power of two, so that the
 * place of byte n in the ring, n modulo this, goes on when n wraps. */
#define LOG_SIZE 65536

/**
 * Format a message to the kernel's log and all consoles. One call's text is
 * not mixed with another CPU's, nor put into the report of another's panic
 * (BOOT2). Any context, locks held or not. It never sleeps; it is slow (87 us a
 * character on a serial line of 115200 baud), with interrupts off.
 */
void kprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/** NMIs that are being handled. One may have struck this CPU inside kprintf,
 * and must not wait for ever for the lock that it has interrupted. */
extern _Atomic unsigned nmis_handled;

/** kprintf with an argument list. */
void kvprintf(const char *fmt, va_list ap);

/** Append @p len bytes at @p text, unformatted, to the log and all consoles
 * (writers of /dev/kmsg). Context as for kprintf. */
void log_write(const char *text, size_t len);

/**
 * Copy log text for a reader.
 *
 * @param pos  the reader's position in the stream of all bytes ever logged;
 *             moved up if that text is gone, and past what is copied
 * @return     bytes copied: at most @p size; 0 at the end. It does not wait
 */
size_t log_read(uint64_t *pos, char *buf, size_t size);

/** A place where log text is shown. Static: it stays registered for ever. */
struct console {
	const char *name;
	/** Write text. Any context, with the log's lock held and interrupts
	 * off: it neither sleeps, nor takes a lock under which anybody calls
	 * kprintf, nor waits for ever for a device. */
	void (*write)(const char *text, size_t len);
	struct console *next; /**< guarded by the log's lock */
};

/** Show all further log text on @p console as well. It is never taken back, so
 * that nobody need ask whether a console is still there. Any context. */
void console_register(struct console *console);

/** Program the first UART (COM1, 115200 8N1) and register it as a console:
 * boot_main's first act. A machine without one loses the text, not the boot. */
void early_console_init(void);

/* ---- The end: panic, power ---- */

/**
 * The kernel cannot go on: print the message, this CPU's symbolised backtrace
 * and those of all other CPUs, and end the machine. Any context, any locks.
 * Only for what the kernel itself has broken: bad input from a user, a disk or
 * a wire is an error, never a panic.
 */
void panic(const char *fmt, ...)
	__attribute__((noreturn, format(printf, 1, 2)));

/**
 * Begin the report of a panic that follows: for who prints something ahead of
 * it, as registers. CPUs that come later stop here, and a report that runs into
 * a fault of its own comes to an end.
 */
void panic_begin(void);

/**
 * Print the call chain: code address @p rip, and then the return addresses of
 * the frames from frame pointer @p rbp on. Any context; memory that cannot be
 * read ends it. The caller of a function that has made no frame of its own (a
 * leaf; gcc leaves it out) is missing.
 */
void backtrace(uint64_t rip, uint64_t rbp);

/** Print "  address symbol+offset" for a code address; "?" where no symbol
 * stands before it. */
void backtrace_line(uint64_t address);

/**
 * Find the function that holds an address: the last symbol at or before it.
 * Any context; the table is constant and part of the image.
 *
 * @param offset  receives the distance from its start, in bytes
 * @return        its name, or NULL
 */
const char *symbol_lookup(uint64_t address, uint64_t *offset);

/** What panic() needs of later chapters, filled by them at their init. A NULL
 * entry is not called: each prefix of the chapters can panic. */
struct panic_ops {
	/** Stop all other CPUs; each prints its backtrace first (smp). */
	void (*stop_others)(void);
	/** Print what runs here: CPU, thread, process (sched, proc). */
	void (*describe)(void);
	/** Whether @p address may be read without a fault (mem). */
	bool (*readable)(uint64_t address);
};
extern struct panic_ops panic_ops;

/** True from the first panic() on: locks and checks give way to the report.
 * Never set back. Read without a lock wherever somebody might wait for what
 * the panicking CPU, or one that it has stopped, holds. */
extern bool panicking;

/** Once panicking, log what this CPU prints, and what no other does: those wait
 * in kprintf. */
void panic_speak(void);
/** Whether another CPU has the word. */
bool panic_is_elsewhere(void);

/**
 * Power the machine off: the emulators' exit devices, then a halt. Nothing is
 * synchronised here: who wants the disks up to date sees to it before.
 *
 * @param ok  whether this is an orderly end (QEMU exits 33) or not (255)
 */
void power_off(bool ok) __attribute__((noreturn));

/** Reset the machine through the chipset, or by a triple fault. */
void machine_reset(void) __attribute__((noreturn));

/* ---- Assertions: checked in the debug build ---- */

/* In the release build the condition is compiled, so that it stays right and
 * its variables count as used, but neither evaluated nor checked. */
#ifdef DEBUG
#define ASSERT(cond)                                                           \
	do {                                                                   \
		if (!(cond))                                                   \
			panic("%s:%d: assertion failed: %s", __FILE__,         \
			      __LINE__, #cond);                                \
	} while (0)
/** Assert a numbered invariant of a chapter's README, such as MEM2. */
#define INVARIANT(name, cond)                                                  \
	do {                                                                   \
		if (!(cond))                                                   \
			panic("%s:%d: invariant " #name " broken: %s",         \
			      __FILE__, __LINE__, #cond);                      \
	} while (0)
#else
#define ASSERT(cond)	      ((void)sizeof(!(cond)))
#define INVARIANT(name, cond) ((void)sizeof(!(cond)))
#endif

/** In a function that comes to be called by itself: it stands on a stack at
 * most @p limit times (a constant), for scripts/maxlive, which bounds stacks
 * and heap; @p cond, which says why, is asserted. */
#define NESTS(limit, cond)                                                     \
	do {                                                                   \
		ASSERT(cond);                                                  \
		nests(limit);                                                  \
	} while (0)

static inline void
nests(unsigned limit)
{
	(void)limit;
}

/* ---- Chapters and self-tests ---- */

/** Attributes of an entry in a registration table, section @p name of the
 * image; entries stand in the order of the source. */
#ifdef __clang__
#define LINKED(name) __attribute__((section(name), used, aligned(8)))
#else /* gcc would put a file's entries in reverse */
#define LINKED(name)                                                           \
	__attribute__((section(name), used, aligned(8), no_reorder))
#endif

typedef void (*chapter_init_fn)(void);

/** Register a chapter's initialisation: one a chapter, run in book order, on
 * the boot stack, on CPU 0. It does not fail: a kernel that lacks a chapter's
 * foundations panics, one that lacks a device goes on without. */
#define CHAPTER_INIT(fn)                                                       \
	static const chapter_init_fn chapter_init_##fn LINKED(                 \
		".chapter_init") = fn

/** One entry of the table of self-tests; SELFTEST makes it. */
struct selftest {
	const char *file; /**< says the chapter */
	const char *name;
	void (*run)(void);
};

/**
 * Define a kernel self-test: SELFTEST(page_alloc_aligned) { ... CHECK(x); }
 * They run in book order, on the boot thread, when the command line has
 * "selftest" or when the kernel has no user space to start.
 */
#define SELFTEST(test)                                                         \
	static void selftest_##test(void);                                     \
	static const struct selftest selftest_entry_##test LINKED(             \
		".selftest") = { __FILE__, #test, selftest_##test };           \
	static void selftest_##test(void)

/** In a self-test: the test fails, and returns, unless @p cond holds. */
#define CHECK(cond)                                                            \
	do {                                                                   \
		if (!(cond)) {                                                 \
			selftest_fail(__FILE__, __LINE__, #cond);              \
			return;                                                \
		}                                                              \
	} while (0)

/** Record that the running self-test has failed, and print where and which
 * condition did not hold. CHECK calls it. */
void selftest_fail(const char *file, int line, const char *what);

/**
 * Run all self-tests that are linked in and print "selftest: N passed,
 * M failed". With "selftest=word" on the command line, only those whose file
 * or name contains the word.
 *
 * @return whether there was at least one and none failed
 */
bool selftest_run(void);

/** What the kernel does once all chapters are up; exec fills it. */
struct boot_ops {
	/** Start the first process; returns only if that cannot be done. */
	void (*start_user)(void);
};
extern struct boot_ops boot_ops;

#endif
