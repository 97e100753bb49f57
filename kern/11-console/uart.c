/*
 * COM1 and COM2: 16550 UARTs. What arrives comes by interrupt and goes to
 * whoever listens; who does not take it makes the sender wait (CONS1). What is
 * sent waits, polling, for room in the FIFO. The log also goes to COM1, a byte
 * at a time, by boot's early console.
 * Source: National Semiconductor PC16550D data sheet, section 8.
 */
#include "console_devices.h"
#include "string.h"

#define REG_DATA      0
#define REG_IER	      1 /* interrupt enable */
#define REG_FCR	      2 /* FIFO control (write) */
#define REG_LCR	      3
#define REG_MCR	      4
#define REG_LSR	      5
#define REG_SCRATCH   7

#define IER_RECEIVE   0x1
#define LCR_DIVISOR   0x80 /* DLAB: the first two registers are the divisor */
#define LCR_8N1	      0x03
#define FCR_ON	      0x01
#define FCR_TRIGGER_8 0x80
#define MCR_READY     0x09 /* DTR, and OUT2: the interrupt line */
#define MCR_RTS	      0x02 /* "send to me" */
#define MCR_LOOP      0x10 /* off the line, and talking to itself */
#define LSR_DATA      0x01
#define LSR_BREAK     0x10
#define LSR_EMPTY     0x20 /* the sending FIFO is */

/* One below the FIFO's 16: boot's early console may have seen the FIFO empty
 * as well and be about to add a byte. */
#define BURST	     15
#define SEND_TIMEOUT 100000000 /* ns: a FIFO takes 1.4 ms at 115200 baud */
#define RECEIVE_MAX  256       /* bytes at a time: interrupts are off */
#define KEPT_MAX     64	       /* handed over at a time; four FIFOs */

struct uart {
	/* Constant once started. */
	uint16_t base; /* of its eight ports */
	unsigned irq;  /* ISA */
	bool present;  /* seen by others once it can be used */

	struct spinlock lock; /* held by who sends */

	/* Guarded by receive_lock, which the interrupt handler takes. */
	struct spinlock receive_lock;
	bool paused; /* it is not read, and interrupts no more */
	size_t nkept;
	char kept[KEPT_MAX]; /* received, and not taken by the listener */
};

#define UART(port, line)                                                       \
	{                                                                      \
		.base = port, .irq = line, .lock = SPINLOCK("uart"),           \
		.receive_lock = SPINLOCK("uart receive")                       \
	}

static struct uart uarts[NCONSOLE] = {
	[CONSOLE_COM1] = UART(0x3f8, 4),
	[CONSOLE_COM2] = UART(0x2f8, 3),
};

static uint8_t
uart_in(const struct uart *u, unsigned reg)
{
	return inb(u->base + reg);
}

static void
uart_out(const struct uart *u, unsigned reg, uint8_t v)
{
	outb(u->base + reg, v);
}

/* Where there is none, all ones are read. */
static bool
uart_gone(uint8_t lsr)
{
	return lsr == 0xff;
}

/* ---- Receiving; receive_lock held ---- */

/* Look for a byte that has arrived, and keep it. LSR is read first: it tells of
 * the byte that is read next. A break arrives as a zero that nobody has typed:
 * it is not kept. One with a wrong parity or stop bit is, as it cannot be asked
 * for again. @return false: there is none */
static bool
receive_byte(struct uart *u)
{
	uint8_t lsr = uart_in(u, REG_LSR);
	char c;

	if (uart_gone(lsr) || !(lsr & LSR_DATA))
		return false;
	c = uart_in(u, REG_DATA);
	if (!(lsr & LSR_BREAK))
		u->kept[u->nkept++] = c;
	return true;
}

/* Offer what is kept to the listener; what it refuses moves up and stays, in
 * order (CONS1). @return whether it has taken all */
static bool
hand_over(struct uart *u)
{
	size_t taken = 0;

	if (u->nkept && console_ops.input)
		taken = console_ops.input(u - uarts, u->kept, u->nkept);
	INVARIANT(CONS1, taken <= u->nkept);
	u->nkept -= taken;
	memmove(u->kept, u->kept + taken, u->nkept);
	return u->nkept == 0;
}

/* Pause: the FIFO fills up, and who sends has to wait; one that obeys RTS does
 * so before the FIFO is full. The interrupt line is edge-triggered: it must go
 * down before it can rise again, so the interrupt is turned off in any case; on
 * again, the line rises if something waits. RTS only where it changes: ports
 * are slow. */
static void
set_paused(struct uart *u, bool paused)
{
	uint8_t mcr;

	if (paused != u->paused) {
		u->paused = paused;
		mcr = uart_in(u, REG_MCR) & ~MCR_RTS;
		uart_out(u, REG_MCR, paused ? mcr : mcr | MCR_RTS);
	}
	uart_out(u, REG_IER, 0);
	if (!paused)
		uart_out(u, REG_IER, IER_RECEIVE);
}

/* Hand over what has arrived, as far as it is taken. Up to KEPT_MAX at a time:
 * the listener's lock and its wake-up cost more than a byte. */
static void
receive(struct uart *u)
{
	bool all = true;
	size_t total;

	INVARIANT(CONS1, u->nkept == 0);
	for (total = 0; all && total < RECEIVE_MAX && receive_byte(u); total++)
		if (u->nkept == KEPT_MAX)
			all = hand_over(u);
	set_paused(u, !(all && hand_over(u)));
}

/* Paused, it has come by an interrupt that was on its way already: then the
 * bytes wait in the FIFO. */
static void
uart_interrupt(void *arg)
{
	struct uart *u = arg;
	uint64_t rflags = spin_lock_irqsave(&u->receive_lock);

	if (!u->paused)
		receive(u);
	spin_unlock_irqrestore(&u->receive_lock, rflags);
}

/* An interrupt handler that is about to pause holds the lock until it has done
 * so: so there is no moment in which a listener's call comes too early. */
void
uart_resume(enum console_device dev)
{
	struct uart *u = &uarts[dev];
	uint64_t rflags = spin_lock_irqsave(&u->receive_lock);

	if (u->paused && hand_over(u))
		receive(u);
	spin_unlock_irqrestore(&u->receive_lock, rflags);
}

/* ---- Sending ---- */

/* Wait for an empty FIFO. What has gone reads as all ones, and is ready:
 * nothing waits for it. The clock, which costs more than a look, is asked only
 * where there is something to wait for. @return false: it does not become empty
 */
static bool
send_ready(const struct uart *u)
{
	uint64_t end;

	if (uart_in(u, REG_LSR) & LSR_EMPTY)
		return true;
	end = clock_ns() + SEND_TIMEOUT;
	while (!(uart_in(u, REG_LSR) & LSR_EMPTY)) {
		if (clock_ns() > end)
			return false;
		cpu_pause();
	}
	return true;
}

/* The lock is held for one FIFO's worth: others, and this CPU's interrupts,
 * wait no longer than that. */
static void
send(struct uart *u, const char *text, size_t len)
{
	uint64_t rflags = spin_lock_irqsave(&u->lock);
	size_t i;

	if (send_ready(u))
		for (i = 0; i < len; i++)
			uart_out(u, REG_DATA, text[i]);
	spin_unlock_irqrestore(&u->lock, rflags);
}

/* No lock is held from burst to burst: two writers are mixed by pieces of so
 * many. Chapter tty's own lock keeps them apart where that matters. */
void
uart_write(enum console_device dev, const char *text, size_t len)
{
	struct uart *u = &uarts[dev];
	size_t n;

	for (; len > 0; text += n, len -= n) {
		n = MIN(len, (size_t)BURST);
		send(u, text, n);
	}
}

bool
uart_present(enum console_device dev)
{
	return uarts[dev].present;
}

/* ---- Start ---- */

/* The scratch register keeps what is written, where there is a UART. Two
 * patterns: of a bus that nobody drives, the last byte may be read back. */
static bool
uart_probe(const struct uart *u)
{
	if (uart_gone(uart_in(u, REG_LSR)))
		return false;
	uart_out(u, REG_SCRATCH, 0x5a);
	if (uart_in(u, REG_SCRATCH) != 0x5a)
		return false;
	uart_out(u, REG_SCRATCH, 0xa5);
	return uart_in(u, REG_SCRATCH) == 0xa5;
}

/* 115200 baud (the divisor 1 of a clock of 1.8432 MHz, by 16), 8 bits, no
 * parity. COM1 is set up so already, and may be in the middle of sending the
 * log. Turning the FIFO on forgets what has arrived: that is fetched first, and
 * off the line nothing more arrives meanwhile. (QEMU's goes on receiving: with
 * it, a byte that comes in between is lost.) */
static void
uart_program(struct uart *u)
{
	uart_out(u, REG_IER, 0);
	uart_out(u, REG_LCR, LCR_DIVISOR | LCR_8N1);
	uart_out(u, REG_DATA, 1);
	uart_out(u, REG_IER, 0);
	uart_out(u, REG_LCR, LCR_8N1);
	uart_out(u, REG_MCR, MCR_LOOP);
	while (u->nkept < KEPT_MAX && receive_byte(u))
		continue;
	uart_out(u, REG_FCR, FCR_ON | FCR_TRIGGER_8);
	uart_out(u, REG_MCR, MCR_READY);
}

/* It begins paused: nobody listens yet. Without an interrupt it can still be
 * written to. */
static void
uart_start(struct uart *u, const char *name)
{
	if (!uart_probe(u))
		return;
	if (u != &uarts[CONSOLE_COM1])
		uart_program(u);
	set_paused(u, true);
	if (irq_isa_route(u->irq, uart_interrupt, u, name))
		kprintf("uart: no interrupt for %s: nothing is received\n",
			name);
	u->present = true;
}

void
uart_init(void)
{
	uart_start(&uarts[CONSOLE_COM1], "COM1");
	uart_start(&uarts[CONSOLE_COM2], "COM2");
}
