/*
 * Crash states, enumerated and judged. See crash.c for the whole.
 */
#ifndef CRASH_H
#define CRASH_H

#include "tree.h"

#define STREAMS_MAX 4

/** crash: see crash.c. */
void crash(unsigned argc, char **argv);

/** How it is done; from the arguments. */
struct crash_options {
	const char *workloads; /**< a file of workloads */
	const char *only;      /**< the one to do, or NULL: all */
	const char *dir;       /**< for images: e2fsck's, those kept */
	const char *keep;  /**< states to keep as images, with their trees */
	const char *out;   /**< a file for the images' hashes */
	const char *limit; /**< how many states of a workload, about */
	const char *state; /**< the number of the one to judge */
	const char *seed, *share, *shares;
	const char *recovery; /**< one of so many is cut in its recovery */
	const char *e2fsck;   /**< one of so many is replayed by e2fsck */
	const char *first;    /**< end at the first violation */
	const char *mount;    /**< options: data=journal */
};
extern struct crash_options crash_options;

/** A call of a workload, and the tree after it. */
struct call {
	uint64_t began, ended; /**< when: numbers that count up */
	bool writes;	       /**< it may be seen in part: a write */
	uint64_t ino;	       /**< of the file that it writes */
	uint64_t size;	       /**< that the file may have meanwhile, or 0 */
	struct tree *tree;
};

/** Calls one after the other, with a directory of their own ("": all). */
struct stream {
	char top[8];
	struct call *calls; /**< the first is the state before */
	unsigned n;
};

/** What must be there after a crash. */
struct bounds {
	/** Of each stream: calls that have ended; that must be there. */
	unsigned ended[STREAMS_MAX], low[STREAMS_MAX];
	/** From which call on a file's contents may be. */
	unsigned content_low[STREAMS_MAX];
	struct {
		uint64_t ino;
		unsigned low;
	} files[64];
	unsigned nfiles;
};

/** A workload that was done. */
struct run {
	char name[64];
	uint8_t *base; /**< the disk when the record begins */
	struct shim_record told;
	struct stream streams[STREAMS_MAX];
	unsigned nstreams;
	struct bounds *marks; /**< a mark's number: what holds from there on */
	unsigned nmarks;
	bool data_journal;
	bool foreign; /**< told elsewhere: other inode numbers */
};

/* ---- workload.c ---- */

/** Do the workload whose lines begin at @p text, from @p image on.
 * @return the text behind it */
char *run_workload(struct run *r, char *text, const uint8_t *image);
void run_free(struct run *r);
/** What was told elsewhere, in the place of what was told here. */
void run_take_log(struct run *r, const char *path);

/* ---- states.c ---- */

/** From here on hashes say how images differ from this one. */
void states_init(const uint8_t *image);
/** A hash of an image, but for sectors that @p but, unless NULL, marks. */
uint64_t states_hash(const uint8_t *image, const uint8_t *but);

/** Room for an image, and giving it back: new memory is slow. (judge.c) */
uint8_t *image_take(void);
void image_give(uint8_t *image);

/** A state of the disk after a crash. */
struct state {
	const uint8_t *image;
	uint64_t hash;
	uint64_t number;
	const struct bounds *bounds;
	bool torn;
};

/** Go over the states that the disk, @p base before, may be in when the power
 * fails while it is told @p told: about @p limit of them (0: all). */
void states_each(const uint8_t *base, const struct shim_record *told,
		 const struct bounds *marks, uint64_t limit, uint64_t seed,
		 void (*each)(void *arg, const struct state *s), void *arg);

/* ---- judge.c ---- */

struct judged {
	uint64_t states, images, torn, recoveries, replays, checks, violations;
	uint64_t recovery_images;
};
extern struct judged judged;

void judge_init(const uint8_t *image);
/** Judge a state of run @p arg. */
void judge(void *arg, const struct state *s);
void judge_save_hashes(const char *path);
/** Tell of a violation and keep @p image. */
void violation(const struct run *r, const struct state *s, const char *what);

/* ---- expect.c ---- */

/** Whether @p t is what may be there. @return NULL, or what is wrong */
const char *expect(const struct run *r, const struct bounds *b,
		   const struct tree *t);

#endif
