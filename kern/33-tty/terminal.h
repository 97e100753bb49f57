/*
 * The inside of a terminal, and the functions that the chapter's files call in
 * each other.
 */
#ifndef TERMINAL_H
#define TERMINAL_H

#include "tty.h"

/** Bytes of input kept; a canonical line has one less (MAX_CANON and its end).
 * A power of two, so that positions may pass 2^32 and begin anew. */
#define TTY_BUFFER 4096

/** Echo kept while output is stopped. */
#define TTY_ECHOES 256

/** What stands behind a terminal: a device, or a program. NULL operations:
 * there is nothing to do. None waits for another program: with the locks held
 * that would wait for a ^C that cannot come. */
struct tty_driver {
	/** A file is being opened, and is none yet. No locks held; may sleep.
	 * @return 0; or the error of open, and `close` will not be called */
	int (*open)(struct tty *t);
	/** A file that was opened is closed; the terminal is still referenced.
	 * No locks held; may sleep. */
	void (*close)(struct tty *t);
	/** Write bytes as they are; out_lock held; may take its time, but has
	 * an end: what is not sent by then is lost. */
	void (*write)(struct tty *t, const char *text, size_t len);
	/** Bytes that write has room for, what programs write included; 0 until
	 * there is a good deal. NULL op: any number. out_lock held. */
	size_t (*room)(struct tty *t);
	/** Forget output that can be called back. Both locks held. */
	void (*flush_output)(struct tty *t);
	/** There is room in the buffer for what was held back, or use for it.
	 * `lock` held, under which tty_receive was told that there is not. Does
	 * not sleep. */
	void (*unthrottle)(struct tty *t);
	/** Forget what was held back, or has not been handed over yet. `lock`
	 * held. Does not sleep. */
	void (*flush_input)(struct tty *t);
	/** Something a user at a distance wants to know of: bits of TIOCPKT_*.
	 * out_lock held. */
	void (*notice)(struct tty *t, unsigned bits);
	/** The settings have changed from @p old; what the driver cannot do it
	 * puts right in t->termios. Both locks held. */
	void (*settings)(struct tty *t, const struct termios *old);
	/** The last reference is gone: take it off the list (tty_remove) and
	 * free it. NULL for what has a reference for ever. */
	void (*free)(struct tty *t);
	/** Its files outlive the session: the other end decides. A device
	 * that the next user will log in at must not have it. */
	bool outlives_session;
};

/**
 * Lock order: lock, then out_lock, then proc_lock. Who waits for output does so
 * holding out_lock only; who waits for input, lock only: so the one who ends
 * either wait can get at what it needs.
 */
struct tty {
	/* Constant. */
	const char *name; /**< in /dev */
	uint64_t rdev;	  /**< a pseudo-terminal's: once it has a number */
	const struct tty_driver *driver;
	int device;	      /**< the driver's number for it */
	struct refcount refs; /**< a device's never ends */

	struct mutex lock;
	/* Guarded by lock. termios is changed under both locks; one flag of it
	 * may be read under either, or without: then as it was or will be. */
	struct termios termios;
	struct winsize winsize; /**< kept for programs; 0: not known */
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
	/** Files opened before are dead. Counted under both locks, so that who
	 * waits under either is woken or sees it; read without. */
	_Atomic unsigned hangups;
	struct waitq read_wq; /**< readers, and pollers */
	/** Whose read has a part of what it takes: others wait, so that a line,
	 * or what came at once, is one read's. NULL: nobody's. */
	struct thread *reader;

	struct mutex out_lock;
	/* Guarded by out_lock. */
	unsigned column;  /**< of the cursor, as far as output tells; from 0 */
	bool stopped;	  /**< by ^S, or ... */
	bool held;	  /**< ... by TCOOFF: only TCOON starts it again */
	unsigned nechoes; /**< characters in `echoes` */
	char echoes[TTY_ECHOES]; /**< what was typed since, to be shown then */
	struct waitq write_wq;

	_Atomic unsigned nfiles; /**< open; the last one ends `exclusive` */
	_Atomic bool exclusive;	 /**< TIOCEXCL */

	/* Guarded by proc_lock. No session's number is that of an earlier one:
	 * its leader takes itself off before it ends. A group may have ended
	 * (foreground_group). */
	int session, pgrp; /**< 0: it is nobody's controlling terminal */
	struct list link;  /**< of all terminals */
	_Atomic bool gone; /**< hung up for good: it never will be */
};

/** Initialise a terminal with Linux's default settings and one reference, of
 * nobody's session; all else is 0. @p name and @p driver stay, as does @p
 * buffer, of TTY_BUFFER bytes. It is not found before tty_add. Does not sleep.
 */
void tty_init(struct tty *t, const char *name, uint64_t rdev,
	      const struct tty_driver *driver, int device, uint8_t *buffer);

/* ---- Output (output.c); out_lock held ---- */

/** How much of @p len written characters there is room for now: 0 if output is
 * stopped, too. tty_output of so many loses none. Does not sleep. */
size_t tty_output_room(const struct tty *t, size_t len);

/** Write text through output processing (OPOST). Asks neither for room nor
 * whether output is stopped. May spin or sleep as the driver's write. */
void tty_output(struct tty *t, const char *text, size_t len);

/* ---- Input (input.c) ---- */

/** Whether tty_receive takes a character now; lock held. In canonical mode it
 * does as long as no whole line is there, be the buffer full or not. */
bool tty_has_room(const struct tty *t);

/**
 * Characters have been typed; lock held, out_lock not; may sleep. Takes
 * out_lock, and proc_lock for the signals of keys.
 *
 * @return how many were taken, from the first on: the driver keeps the others
 *         until unthrottle
 */
size_t tty_receive(struct tty *t, const char *text, size_t len);

/** Somebody uses the terminal for input: what came before is carried on (TTY4),
 * by another thread. lock held; does not sleep. */
void tty_input_wanted(struct tty *t);

/** Forget what has been typed, whole lines too, and the echo of it that waits;
 * a sender that was stopped goes on. A key does so: what the driver holds back
 * was typed after it. Both locks held. */
void tty_flush_input(struct tty *t);
/** The same, and forget what the driver holds back as well. Both locks held. */
void tty_flush_all_input(struct tty *t);

/** A read has taken input: go on with what was held back, and let a sender go
 * on that was stopped. lock held, out_lock not; may sleep. */
void tty_input_taken(struct tty *t);

/** The settings have changed from @p old to t->termios; readers are woken, as
 * what is a line may be another thing now. Both locks held. */
void tty_settings_changed(struct tty *t, const struct termios *old);

/** Stop output, as by ^S; out_lock held. Twice is as once. Does not sleep. */
void tty_stop(struct tty *t);
/** Start it again, as by ^Q, but not what TCOOFF holds: first what was echoed
 * since is shown. out_lock held; may sleep as the driver's write. */
void tty_start(struct tty *t);

/* ---- Echo (echo.c); both locks held ---- */

/** Show one typed character; a control character as ^X (ECHOCTL). */
void echo_char(struct tty *t, uint8_t c);

/** Show a character as it is. */
void echo_raw(struct tty *t, uint8_t c);

/** Show text as it is. Echo does not wait for room; where output is stopped it
 * is kept until that starts, and lost if that is too much. */
void echo_text(struct tty *t, const char *text, size_t len);

/** Show the line being typed once more, from where the cursor is. */
void echo_line(struct tty *t);

/** Take a typed character (VERASE), word (VWERASE) or line (VKILL) back; @p c
 * is the key, for those settings that show it. Nothing is taken of whole lines,
 * which are a reader's. */
void tty_erase(struct tty *t, unsigned what, uint8_t c);

/* ---- Reading (read.c) ---- */

/** Characters that a read would get now, marks of an end of file included: of
 * whole lines in canonical mode. lock held; does not sleep. */
size_t tty_readable(const struct tty *t);
/** How many of them are marks of an end of file, and no characters. lock held.
 */
size_t tty_eofs(const struct tty *t);

/** See file_ops.read. No locks held; may sleep. @return 0 at an end of file,
 * after TIME has passed, or if the file was dead; -EIO: the terminal went for
 * good while it waited, or job control; -EAGAIN, -ERESTARTSYS, -EFAULT */
int64_t tty_read(struct file *f, struct uio *u, uint64_t *pos);

/** There are no positions: -ESPIPE. */
int64_t tty_seek(struct file *f, int64_t offset, int whence);

/* ---- Files (file.c) ---- */

/** Open a terminal: for devfs. It may become the caller's controlling terminal
 * unless @p never_controls or O_NOCTTY; with @p never_controls the file does
 * not die of a hang-up either. Sets f's operations, f->private_data (a
 * reference) and f->pos. No locks held; may sleep. @return 0; -EBUSY: TIOCEXCL;
 * or the driver's */
int tty_open(struct tty *t, struct file *f, bool never_controls);

/** Whether the file's terminal was hung up after it was opened. Any context;
 * for a lasting answer with one of the locks held. */
bool tty_is_dead(const struct file *f);

/** See file_ops.ioctl: with the rules for files that are dead, and for the
 * background. No locks held; may sleep. @return 0; -EIO, -ERESTARTSYS of those
 * rules; -ENOTTY: a request that no terminal knows; -EFAULT, or what the
 * request says */
int tty_ioctl(struct file *f, uint64_t request, uint64_t arg);

/** The requests that a terminal knows, for whoever may ask. @p from_master:
 * asked at the other end of a pseudo-terminal, where the terminal need not be
 * the caller's. No locks held; may sleep. @return as tty_ioctl */
int tty_request(struct tty *t, uint64_t request, uint64_t arg,
		bool from_master);

/** References to a terminal. */
static inline struct tty *
tty_get(struct tty *t)
{
	ref_get(&t->refs);
	return t;
}
/** Give a reference back; the last one frees a pseudo-terminal. proc_lock and a
 * terminal's locks not held. */
void tty_put(struct tty *t);

/* ---- Job control (control.c) ---- */

/** All terminals, by whose session a process finds its own. Being on the list
 * is no reference: the driver's free takes it off. proc_lock not held; they do
 * not sleep. */
void tty_add(struct tty *t);
void tty_remove(struct tty *t);

/** Controlling terminal of process @p p, referenced, or NULL. proc_lock not
 * held; does not sleep. It may have lost it a moment later. */
struct tty *tty_of(const struct proc *p);

/** Whether @p t is the caller's controlling terminal; never a kernel thread's.
 * proc_lock not held. */
bool tty_is_controlling(struct tty *t);

/** The line is down: open files are dead (TTY3), the session has lost its
 * terminal, and its leader gets SIGHUP and SIGCONT. @p for_good: no other
 * session will have it. No locks held; may sleep. */
void tty_hang_up(struct tty *t, bool for_good);

/**
 * Whether the caller may use its terminal: from the background it gets @p signo
 * (SIGTTIN, SIGTTOU) and starts again when it is in the foreground. Of a
 * terminal that is not its own it may. No locks held; does not sleep: the
 * process stops on its way back to user mode.
 *
 * @return 0, -ERESTARTSYS; -EIO: nobody would continue it
 */
int tty_check_foreground(struct tty *t, int signo);

/** Send @p signo to the foreground group, if there is one. proc_lock not held;
 * a terminal's locks may be. Does not sleep. */
void tty_signal(struct tty *t, int signo);

/** At open: become the controlling terminal of a leader without one, or do
 * nothing. No locks held; may sleep. */
void tty_take_control(struct tty *t);

/** TIOCSCTTY: make @p t the controlling terminal of the caller, a leader
 * without one. @p steal: from its session, if the caller is root; that is not
 * told of it. No locks held; may sleep. @return 0, also if it is so already;
 * -EPERM */
int tty_set_controlling(struct tty *t, bool steal);
/** TIOCNOTTY: the caller gives its terminal up; a leader does so for its
 * session, and the foreground group gets SIGHUP and SIGCONT. Open files of it
 * stay alive. No locks held; does not sleep. @return 0, -ENOTTY */
int tty_give_up(struct tty *t);
/** TIOCSPGRP: put group @p pgrp of the caller's session in the foreground. No
 * locks held; does not sleep. The group may end at any time after. @return 0;
 * -ENOTTY: not the caller's terminal; -EINVAL: negative; -ESRCH: no such group;
 * -EPERM: another session's */
int tty_set_group(struct tty *t, int32_t pgrp);

/** Tell chapters proc and procfs what this one does for them. At start-up. */
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
