/*
 * The kernel's log: kprintf formats into a ring that /dev/kmsg reads, and onto
 * every registered console. The first console is COM1, driven by polling, so
 * that there is output from the first line of C on and in any state later.
 *
 * The log has a lock of its own and not one of chapter sync: it comes before
 * that chapter, and the lock checker itself prints.
 */
#include "boot.h"
#include "format.h"
#include "string.h"
#include "x86.h"

/* The 16550's registers, by port (National Semiconductor PC16550D, 8.0). */
#define COM1	   0x3f8
#define UART_LCR   (COM1 + 3)
#define UART_MCR   (COM1 + 4)
#define UART_LSR   (COM1 + 5)
#define LSR_THRE   0x20 /* transmitter can take a byte */

#define UART_POLLS 1000000 /* a second or more; 16 bytes take 1.4 ms */
#define LOCK_POLLS 1000000

/* Guarded by log_lock. A byte's place is its number modulo the size, and the
 * number is never reduced; so a reader knows by subtraction what has been
 * overwritten since it came last. */
static char ring[LOG_SIZE];
static uint64_t ring_end; /* bytes ever logged */
static struct console *consoles;

static int log_lock; /* 0 free, 1 taken; interrupts off while it is held */

_Atomic unsigned nmis_handled;

/* Once panicking, a lock that another CPU died holding must not stop us; nor,
 * in an NMI, one that this CPU holds. One that is in the middle of a line may
 * end it. So the wait is bounded then, and what comes after is two texts mixed:
 * better than none. */
static void
take_lock(void)
{
	unsigned waited = 0;

	while (__atomic_exchange_n(&log_lock, 1, __ATOMIC_ACQUIRE)) {
		if ((panicking || nmis_handled) && ++waited >= LOCK_POLLS)
			break;
		cpu_pause();
	}
}

/* BOOT2. While another CPU reports a panic, this one has nothing to say: it
 * waits here, where an NMI will ask it. Looked at with the lock held, for else
 * the report could have begun in between. */
static uint64_t
lock_log(void)
{
	uint64_t rflags = read_rflags();

	cli();
	for (take_lock(); panic_is_elsewhere(); take_lock()) {
		__atomic_store_n(&log_lock, 0, __ATOMIC_RELEASE);
		while (panic_is_elsewhere())
			cpu_pause();
	}
	return rflags;
}

static void
unlock_log(uint64_t rflags)
{
	__atomic_store_n(&log_lock, 0, __ATOMIC_RELEASE);
	if (rflags & RFLAGS_IF)
		sti();
}

/* Called with the log locked. */
static void
emit(const char *text, size_t len)
{
	struct console *c;
	size_t i;

	for (i = 0; i < len; i++)
		ring[ring_end++ % LOG_SIZE] = text[i];
	for (c = consoles; c; c = c->next)
		c->write(text, len);
}

/* kprintf gathers text here and emits it in pieces: no buffer can be too small
 * for a message, and the stack of an interrupt handler bears 128 bytes. */
struct chunk {
	size_t len;
	char text[128];
};

/* What format() calls for each character. */
static void
put_char(void *arg, char c)
{
	struct chunk *chunk = arg;

	chunk->text[chunk->len++] = c;
	if (chunk->len == sizeof(chunk->text)) {
		emit(chunk->text, chunk->len);
		chunk->len = 0;
	}
}

void
kvprintf(const char *fmt, va_list ap)
{
	struct chunk chunk = { .len = 0 };
	uint64_t rflags = lock_log();

	format(put_char, &chunk, fmt, ap);
	emit(chunk.text, chunk.len);
	unlock_log(rflags);
}

void
kprintf(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	kvprintf(fmt, ap);
	va_end(ap);
}

void
log_write(const char *text, size_t len)
{
	uint64_t rflags = lock_log();

	emit(text, len);
	unlock_log(rflags);
}

size_t
log_read(uint64_t *pos, char *buf, size_t size)
{
	uint64_t rflags = lock_log();
	size_t n = 0;

	/* A position from user space may be any number: the future is the end,
	 * what has been overwritten is the oldest byte that is left. */
	if (*pos > ring_end)
		*pos = ring_end;
	if (ring_end - *pos > LOG_SIZE)
		*pos = ring_end - LOG_SIZE;
	while (n < size && *pos < ring_end)
		buf[n++] = ring[(*pos)++ % LOG_SIZE];
	unlock_log(rflags);
	return n;
}

void
console_register(struct console *console)
{
	uint64_t rflags = lock_log();

	console->next = consoles;
	consoles = console;
	unlock_log(rflags);
}

/* A UART that is not there reads as 0xff: always ready, nothing waits. One that
 * has stopped sending (flow control, a broken line) is waited for once, and
 * looked at once a character from then on: a log that nobody reads must not
 * stop the kernel. Called with the log locked, which guards `stopped` too. */
static void
uart_put(char c)
{
	static bool stopped;
	unsigned polls = stopped ? 1 : UART_POLLS;

	for (; polls > 0; polls--) {
		stopped = !(inb(UART_LSR) & LSR_THRE);
		if (!stopped) {
			outb(COM1, c);
			return;
		}
		cpu_pause();
	}
}

/* Terminals want a carriage return with each line feed; the ring does not. */
static void
uart_write(const char *text, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (text[i] == '\n')
			uart_put('\r');
		uart_put(text[i]);
	}
}

void
early_console_init(void)
{
	static struct console uart = { .name = "COM1", .write = uart_write };

	outb(COM1 + 1, 0);    /* no interrupts */
	outb(UART_LCR, 0x80); /* divisor latch */
	outb(COM1, 1);	      /* 115200 baud */
	outb(COM1 + 1, 0);
	outb(UART_LCR, 3);   /* 8 bits, no parity, 1 stop bit */
	outb(COM1 + 2, 7);   /* FIFOs on and cleared */
	outb(UART_MCR, 0xb); /* DTR, RTS, OUT2 (interrupt line) */
	console_register(&uart);
}
