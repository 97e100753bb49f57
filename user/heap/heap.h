/*
 * Good citizens beside a hog: what the files of the program share. heap.c is
 * the judge, who starts them, ends them, and reports; citizen.c and hogs.c are
 * what they do. All write into one board in shared memory, which the kernel
 * need not give anything for once it is there.
 */
#ifndef HEAP_H
#define HEAP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define CITIZENS 4
#define SLOTS	 1024
#define SLOT_NS	 10000000ul /* rounds are counted in pieces of 10 ms */
#define FAILURES 16	    /* of those there are, so many are told */

/* A latency's bucket: 16 in each power of two, so within 7 %. */
#define BUCKETS 640

/** Latencies of calls, in ns. */
struct latencies {
	uint32_t count[BUCKETS];
	uint64_t calls, most;
};

/** What one citizen has done; it alone writes here. */
struct tally {
	uint64_t rounds;
	uint32_t failures;
	struct latencies before, during; /**< the hog */
	const char *slowest;		 /**< the call that took most */
	uint32_t slots[SLOTS];		 /**< rounds that ended in each */
};

struct failure {
	char what[60];
	int error;
	uint64_t ns; /**< since the start */
};

struct board {
	volatile uint64_t start_ns, hog_ns; /**< 0: not yet */
	volatile bool stop;		    /**< citizens end after a round */
	volatile unsigned ready;
	struct tally tally[CITIZENS];
	struct failure failures[FAILURES];
	volatile unsigned nfailures;
	/* The hog and its relatives. */
	volatile uint64_t taken, refused;
	volatile int refusal; /**< errno of the last */
};

extern struct board *board;
extern const char *program; /**< this program's file */

uint64_t now_ns(void);
void sleep_ns(uint64_t ns);
/** What ps and the kernel's log call the process. */
void set_name(const char *name);

/** A small generator: the same seed, the same run. */
static inline uint32_t
draw(uint32_t *state, uint32_t below)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state % below;
}

/** Live as citizen number @p i until the board says stop. */
__attribute__((noreturn)) void live(unsigned i, uint32_t seed);

/** A kind of hog. */
struct hog {
	const char *name;
	/** Of the hog, and again of each child that it goes on in. */
	void (*begin)(void);
	/** Take one more. @return whether the kernel gave it */
	bool (*take)(void);
	bool alone; /**< its children would be refused, too */
	/** Not as root, who may have as many threads as there can be: so that
	 * there are some left. Memory is what hogs are about. */
	bool user;
};

extern const struct hog hogs[];
const struct hog *find_hog(const char *name);
/** Take for ever; in the folder of @p seed's choice, where it needs one. */
__attribute__((noreturn)) void gorge(const struct hog *h, uint32_t seed);

/** The folders of hogs: on tmpfs, and on the disk. */
#define TMPFS_FOLDER "/tmp/hog"
#define DISK_FOLDER  "/home/hog"

#endif
