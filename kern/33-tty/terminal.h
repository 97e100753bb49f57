/*
 * The inside of a terminal, and the functions that the chapter's files call in
 * each other.
 */
#ifndef TERMINAL_H
#define TERMINAL_H

#include "tty.h"

/** Bytes of input kept; a canonical line has one less (MAX_CANON and its end).
 * A power of two. */
#define TTY_BUFFER 4096

/** What stands behind a terminal: a device, or a program. NULL operations:
 * there is nothing to do. */
struct tty_driver {
	/** A file is being opened. @return 0, or the error of open */
	int (*open)(struct tty *t);
	/** A file that was opened is closed. */
	void (*close)(struct tty *t);
	/** Write bytes as they are; out_lock held; may take its time. */
	void (*write)(struct tty *t, const char *text, size_t len);
	/** Bytes that write has room for, what programs write included; 0 until
	 * there is a good deal. NULL op: any number. out_lock held. */
	size_t (*room)(struct tty *t);
	/** Forget output that can be called back. Both locks held. */
	void (*flush_output)(struct tty *t);
	/** There is room in the buffer for what was held back, or use for it.
	 * `lock` held. */
	void (*unthrottle)(struct tty *t);
	/** Something a user at a distance wants to know of: bits of TIOCPKT_*.
	 * out_lock held. */
	void (*notice)(struct tty *t, unsigned bits);
	/** The settings have changed, and may be put right. Both locks held. */
	void (*settings)(struct tty *t, const struct termios *old);
	/** The last reference is gone. */
	void (*free)(struct tty *t);
	/** Its files outlive the session: the other end decides. */
	bool outlives_session;
};

/**
 * Lock order: lock, then out_lock, then proc_lock. Who waits for output does so
 * holding out_lock only; who waits for input, lock only.
 */
struct tty {
	/* Constant. */
	const char *name; /**< in /dev */
	uint64_t rdev;
	const struct tty_driver *driver;
	int device;	      /**< the driver's number for it */
	struct refcount refs; /**< a device's never ends */

	struct mutex lock;
	/* Guarded by lock; flags of termios are read without it. */
	struct termios termios;
	struct winsize winsize;
	/* Input: a ring, positions modulo TTY_BUFFER. From tail to line_start
	 * stand whole lines, from there to head the one being typed; raw input
	 * is all between tail and head (TTY1: tail <= line_start <= head). */
	uint8_t *buffer;
	uint32_t tail, line_start, head;
	uint64_t line_end[TTY_BUFFER / 64]; /**< bit: a line ends here ... */
	uint64_t is_eof[TTY_BUFFER / 64];   /**< ... and it is no character */
	bool literal_next;		    /**< after ^V */
	bool stop_sent;			    /**< IXOFF: we have sent STOP */
	unsigned line_column;		    /**< where the typed line began */
	_Atomic unsigned hangups;	    /**< files opened before are dead */
	struct waitq read_wq;

	struct mutex out_lock;
	/* Guarded by out_lock. */
	unsigned column;
	bool stopped; /**< by ^S, or ... */
	bool held;    /**< ... by TCOOFF: only TCOON starts it again */
	struct waitq write_wq;

	_Atomic unsigned nfiles;
	_Atomic bool exclusive; /**< TIOCEXCL */

	/* Guarded by proc_lock. */
	int session, pgrp; /**< 0: it is nobody's controlling terminal */
	struct list link;  /**< of all terminals */
	_Atomic bool gone; /**< hung up for good: it never will be */
};

/** Initialise a terminal with Linux's default settings. @p buffer is
 * TTY_BUFFER bytes that stay. */
void tty_init(struct tty *t, const char *name, uint64_t rdev,
	      const struct tty_driver *driver, int device, uint8_t *buffer);

/* ---- Output (output.c); out_lock held ---- */

/** How much of @p len written characters there is room for now: 0 if output is
 * stopped, too. */
size_t tty_output_room(const struct tty *t, size_t len);

/** Write text through output processing (OPOST). */
void tty_output(struct tty *t, const char *text, size_t len);

/* ---- Input (input.c) ---- */

/** Whether tty_receive takes a character now; lock held. */
bool tty_has_room(const struct tty *t);

/**
 * Characters have been typed; lock held, out_lock not; may sleep.
 *
 * @return how many were taken, from the first on: the driver keeps the others
 *         until unthrottle
 */
size_t tty_receive(struct tty *t, const char *text, size_t len);

/** Somebody uses the terminal for input: what came before is carried on (TTY4);
 * lock held. */
void tty_input_wanted(struct tty *t);

/** Forget what has been typed; both locks held. */
void tty_flush_input(struct tty *t);

/** A read has taken input: go on with what was held back; lock held. */
void tty_input_taken(struct tty *t);

/** The settings have changed from @p old; both locks held. */
void tty_settings_changed(struct tty *t, const struct termios *old);

/** Stop or start output, as by ^S and ^Q; out_lock held. */
void tty_stop(struct tty *t);
void tty_start(struct tty *t);

/* ---- Echo (echo.c); both locks held ---- */

/** Show one typed character. */
void echo_char(struct tty *t, uint8_t c);

/** Show a character as it is. */
void echo_raw(struct tty *t, uint8_t c);

/** Show the line being typed once more. */
void echo_line(struct tty *t);

/** Take a typed character (VERASE), word (VWERASE) or line (VKILL) back; @p c
 * is the key. */
void tty_erase(struct tty *t, unsigned what, uint8_t c);

/* ---- Reading (read.c) ---- */

/** Characters that a read would get now; lock held. */
size_t tty_readable(const struct tty *t);
/** How many of them are marks of an end of file, and no characters. */
size_t tty_eofs(const struct tty *t);

/** See file_ops.read. */
int64_t tty_read(struct file *f, struct uio *u, uint64_t *pos);

/** There are no positions: -ESPIPE. */
int64_t tty_seek(struct file *f, int64_t offset, int whence);

/* ---- Files (file.c) ---- */

/** Open a terminal: for devfs. It may become the caller's controlling terminal
 * unless @p never_controls or O_NOCTTY. */
int tty_open(struct tty *t, struct file *f, bool never_controls);

/** Whether the file's terminal was hung up after it was opened. */
bool tty_is_dead(const struct file *f);

/** See file_ops.ioctl: with the rules for files that are dead, and for the
 * background. */
int tty_ioctl(struct file *f, uint64_t request, uint64_t arg);

/** The requests that a terminal knows. @p from_master: asked at the other end
 * of a pseudo-terminal. */
int tty_request(struct tty *t, uint64_t request, uint64_t arg,
		bool from_master);

/** References to a terminal. */
static inline struct tty *
tty_get(struct tty *t)
{
	ref_get(&t->refs);
	return t;
}
/** Give a reference back; the last one frees a pseudo-terminal. */
void tty_put(struct tty *t);

/* ---- Job control (control.c) ---- */

/** All terminals, by whose session a process finds its own. */
void tty_add(struct tty *t);
void tty_remove(struct tty *t);

/** Controlling terminal of process @p p, referenced, or NULL. */
struct tty *tty_of(const struct proc *p);

/** Whether @p t is the caller's controlling terminal. */
bool tty_is_controlling(struct tty *t);

/** The line is down: open files are dead (TTY3), the session has lost its
 * terminal, and its leader gets SIGHUP and SIGCONT. @p for_good: no other
 * session will have it. No locks held. */
void tty_hang_up(struct tty *t, bool for_good);

/**
 * Whether the caller may use its terminal: from the background it gets
 * @p signo (SIGTTIN, SIGTTOU) and starts again when it is in the foreground.
 * @return 0, -ERESTARTSYS; -EIO: nobody would continue it
 */
int tty_check_foreground(struct tty *t, int signo);

/** Send @p signo to the foreground group. */
void tty_signal(struct tty *t, int signo);

/** At open: become the controlling terminal of a leader without one. */
void tty_take_control(struct tty *t);

/** TIOCSCTTY: make @p t the controlling terminal of the caller, a leader
 * without one. @p steal: from its session, if the caller is root.
 * @return 0 or -EPERM */
int tty_set_controlling(struct tty *t, bool steal);
/** TIOCNOTTY: the caller gives its terminal up; a leader does so for its
 * session, and the foreground group gets SIGHUP and SIGCONT.
 * @return 0, -ENOTTY */
int tty_give_up(struct tty *t);
/** TIOCSPGRP: put group @p pgrp of the caller's session in the foreground.
 * @return 0, -ENOTTY, -EINVAL, -ESRCH, -EPERM */
int tty_set_group(struct tty *t, int32_t pgrp);

void control_init(void);

static inline bool
tty_lflag(const struct tty *t, uint32_t flag)
{
	return t->termios.c_lflag & flag;
}

static inline bool
tty_iflag(const struct tty *t, uint32_t flag)
{
	return t->termios.c_iflag & flag;
}

/** Whether @p c is the control character of slot @p slot, and that is on. */
static inline bool
tty_is_cc(const struct tty *t, unsigned slot, uint8_t c)
{
	return t->termios.c_cc[slot] != POSIX_VDISABLE &&
	       t->termios.c_cc[slot] == c;
}

#endif
