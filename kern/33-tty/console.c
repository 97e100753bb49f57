/*
 * The machine's terminals: the UARTs, and screen with keyboard. Interrupt
 * handlers put what arrives into a ring; a kernel thread carries it through the
 * line discipline, which may sleep. Where the discipline has no room the ring
 * fills, and where that has none the device is left unread (TTY4). Also the
 * devices that stand for another one: /dev/console, /dev/tty.
 */
#include "console.h"
#include "string.h"
#include "terminal.h"

/* A UART at 115200 bits a second, ten to a byte, fills it in 1.4 s. */
#define RING_SIZE 16384
/* Carried at a time, with out_lock held: writers get their turn in between. */
#define CHUNK 64
/* Device numbers: Linux's Documentation/admin-guide/devices.txt. */
#define TTY_MAJOR    4
#define TTYAUX_MAJOR 5
#define TTYS_MINOR   64		      /* of ttyS0 */
#define MODE_TTY     (S_IFCHR | 0620) /* others write to it by group tty */
#define MODE_ALL     (S_IFCHR | 0666)

/* What a device received and the line discipline has not taken yet. */
struct ring {
	struct tty tty;
	/* Guarded by input_lock. Positions count on, modulo 2^32. tail is moved
	 * and held_back set with tty.lock held, too. */
	uint32_t head, tail;
	bool held_back; /* the line discipline has no room, or no use yet */
	bool refused;	/* the device waits for room here */
	uint8_t data[RING_SIZE];
	uint8_t line_buffer[TTY_BUFFER];
};

static struct ring rings[NCONSOLE]; /* by enum console_device */
static struct tty *system_console;

static struct spinlock input_lock = SPINLOCK("console input");
static struct waitq input_wq = WAITQ(input_wq, "console input queue");

static const struct {
	const char *name;
	unsigned minor;
} device_names[NCONSOLE] = {
	[CONSOLE_VGA_KEYBOARD] = { "tty1", 1 },
	[CONSOLE_COM1] = { "ttyS0", TTYS_MINOR },
	[CONSOLE_COM2] = { "ttyS1", TTYS_MINOR + 1 },
};

/* ---- From the devices ---- */

/* console_ops.input: a lock of the device may be held. What is refused the
 * device keeps, and `refused` is noted under input_lock: so `take`, which sees
 * the note, has the device asked for it. */
static size_t
console_input(enum console_device dev, const char *text, size_t len)
{
	struct ring *r = &rings[dev];
	uint64_t rflags = spin_lock_irqsave(&input_lock);
	size_t n;

	for (n = 0; n < len && r->head - r->tail < RING_SIZE; n++)
		r->data[r->head++ % RING_SIZE] = text[n];
	r->refused = n < len;
	spin_unlock_irqrestore(&input_lock, rflags);
	waitq_wake_one(&input_wq);
	return n;
}

/* tty_driver.unthrottle. Each read comes here, mostly for nothing. The look
 * without input_lock is safe: held_back is set under tty.lock alone (carry),
 * which the caller holds. */
static void
console_unthrottle(struct tty *t)
{
	struct ring *r = &rings[t->device];
	uint64_t rflags;

	if (!__atomic_load_n(&r->held_back, __ATOMIC_RELAXED))
		return;
	rflags = spin_lock_irqsave(&input_lock);
	r->held_back = false;
	spin_unlock_irqrestore(&input_lock, rflags);
	waitq_wake_one(&input_wq);
}

/* tty_driver.flush_input. tty.lock is held, and so the input thread is not
 * between look and take. A device that was refused is left to that thread. */
static void
console_flush_input(struct tty *t)
{
	struct ring *r = &rings[t->device];
	uint64_t rflags = spin_lock_irqsave(&input_lock);

	r->tail = r->head;
	spin_unlock_irqrestore(&input_lock, rflags);
}

/* A device with something to carry, or to be resumed; input_lock held. The
 * keyboard goes before the wires: a ^C that is typed there is not behind a file
 * that is being sent. */
static struct ring *
next_ring(void)
{
	struct ring *r;

	for (r = rings; r < rings + NCONSOLE; r++)
		if ((r->head != r->tail || r->refused) && !r->held_back)
			return r;
	return NULL;
}

/* Copy up to @p size characters of @p r, which stay there: how many the line
 * discipline takes is known only later. @return how many */
static size_t
look(struct ring *r, char *text, size_t size)
{
	uint64_t rflags = spin_lock_irqsave(&input_lock);
	size_t n = 0;

	for (; n < size && r->tail + n != r->head; n++)
		text[n] = r->data[(r->tail + n) % RING_SIZE];
	spin_unlock_irqrestore(&input_lock, rflags);
	return n;
}

/* The line discipline has taken @p n characters, and takes more or not. A
 * device is resumed at half the ring, not for each character. @return whether
 * there is room for what the device keeps */
static bool
take(struct ring *r, size_t n, bool more)
{
	uint64_t rflags = spin_lock_irqsave(&input_lock);
	bool resume;

	r->tail += n;
	if (!more)
		r->held_back = true;
	resume = r->refused && r->head - r->tail <= RING_SIZE / 2;
	if (resume)
		r->refused = false;
	spin_unlock_irqrestore(&input_lock, rflags);
	return resume;
}

/* Carry a chunk into the line discipline, or note that it has no room: under
 * the terminal's lock, so that a reader who makes room sees the note. The
 * device is resumed without locks, as its own come before these (console.h). */
static void
carry(struct ring *r)
{
	char text[CHUNK];
	size_t n, taken;
	bool resume;

	mutex_lock(&r->tty.lock);
	n = look(r, text, sizeof(text));
	taken = tty_receive(&r->tty, text, n);
	resume = take(r, taken, taken == n);
	mutex_unlock(&r->tty.lock);
	if (resume)
		console_device_resume(r - rings);
}

/* One for all devices: it sleeps only in output to them, and on locks. */
static void
input_thread(void *arg)
{
	struct ring *r;
	uint64_t rflags;

	(void)arg;
	for (;;) {
		rflags = spin_lock_irqsave(&input_lock);
		while (!(r = next_ring()))
			waitq_wait_irq(&input_wq, &input_lock, &rflags,
				       WAIT_UNINTERRUPTIBLE, WAIT_FOREVER);
		spin_unlock_irqrestore(&input_lock, rflags);
		carry(r);
	}
}

/* ---- To the devices ---- */

/* Spins while a UART is full. The screen's answers come back by way of
 * console_input, which takes no lock of a terminal. */
static void
console_write(struct tty *t, const char *text, size_t len)
{
	console_device_write(t->device, text, len);
}

static const struct tty_driver console_driver = {
	.write = console_write,
	.unthrottle = console_unthrottle,
	.flush_input = console_flush_input,
};

/* ---- Opening ---- */

/* For each node of such a number, wherever it is (mknod): the number says which
 * terminal. */
static int
open_device(struct vnode *v, struct file *f)
{
	unsigned i;

	for (i = 0; i < NCONSOLE; i++)
		if (rings[i].tty.rdev == v->rdev)
			return tty_open(&rings[i].tty, f, false);
	return -ENXIO;
}

/* Whoever writes a message to the console is not to become its session, so it
 * never controls. */
static int
open_console(struct vnode *v, struct file *f)
{
	(void)v;
	return system_console ? tty_open(system_console, f, true) : -ENODEV;
}

/* /dev/tty: the caller's controlling terminal. POSIX.1-2017, 10.1, has the
 * name; ENXIO where there is none. The open file has a reference of its own. */
static int
open_own(struct vnode *v, struct file *f)
{
	struct tty *t = current_proc() ? tty_of(current_proc()) : NULL;
	int error;

	(void)v;
	if (!t)
		return -ENXIO;
	error = tty_open(t, f, false);
	tty_put(t);
	return error;
}

/* ---- Start ---- */

struct tty *
tty_console(void)
{
	return system_console;
}

/* Its characters are held back until somebody uses the terminal (TTY4). It is
 * on the list, and has its settings, before there is a name to open it by. */
static void
add_device(enum console_device dev)
{
	struct tty *t = &rings[dev].tty;
	unsigned columns = 0, rows = 0; /* whatever is behind a UART: unknown */

	tty_init(t, device_names[dev].name,
		 dev_make(TTY_MAJOR, device_names[dev].minor), &console_driver,
		 dev, rings[dev].line_buffer);
	if (dev == CONSOLE_VGA_KEYBOARD)
		console_device_size(dev, &columns, &rows);
	t->winsize.ws_col = columns;
	t->winsize.ws_row = rows;
	rings[dev].held_back = true;
	tty_add(t);
	devfs_add(t->name, MODE_TTY, t->rdev, open_device);
}

/* The terminal that console= names ("ttyS0,115200", "tty0"), or NULL. Syntax:
 * Linux's Documentation/admin-guide/kernel-parameters.txt. tty0 is the screen
 * that is shown, and here there is one only. */
static struct tty *
named_console(void)
{
	char name[32];
	unsigned i;

	if (!command_line_get("console", name, sizeof(name)))
		return NULL;
	*strchrnul(name, ',') = '\0';
	if (strcmp(name, "tty0") == 0)
		strlcpy(name, "tty1", sizeof(name));
	for (i = 0; i < NCONSOLE; i++)
		if (rings[i].tty.name && strcmp(rings[i].tty.name, name) == 0)
			return &rings[i].tty;
	kprintf("tty: there is no console %s\n", name);
	return NULL;
}

static struct tty *
choose_console(void)
{
	struct tty *t = named_console();

	if (t)
		return t;
	if (rings[CONSOLE_COM1].tty.name)
		return &rings[CONSOLE_COM1].tty;
	if (rings[CONSOLE_VGA_KEYBOARD].tty.name)
		return &rings[CONSOLE_VGA_KEYBOARD].tty;
	return NULL;
}

/* The hook comes when everything behind it is there. Until then the devices
 * have kept what came (CONS1); to be resumed tells them that they are listened
 * to. */
static void
tty_chapter_init(void)
{
	unsigned i;

	control_init();
	for (i = 0; i < NCONSOLE; i++)
		if (console_device_present(i))
			add_device(i);
	system_console = choose_console();
	devfs_add("console", S_IFCHR | 0600, dev_make(TTYAUX_MAJOR, 1),
		  open_console);
	devfs_add("tty", MODE_ALL, dev_make(TTYAUX_MAJOR, 0), open_own);
	kthread_run("tty input", input_thread, NULL);
	console_ops.input = console_input;
	for (i = 0; i < NCONSOLE; i++)
		console_device_resume(i);
	if (system_console)
		kprintf("tty: the console is %s\n", system_console->name);
}
CHAPTER_INIT(tty_chapter_init);
