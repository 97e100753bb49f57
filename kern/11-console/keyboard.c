/*
 * The keyboard: an i8042 controller that hands over scan codes of set 1, one
 * interrupt each, and the table that makes text of them (a US keyboard). Keys
 * that are no characters send what TERM=linux promises.
 * Sources: IBM PS/2 Technical Reference, keyboard controller; terminfo(5).
 */
#include "console_devices.h"
#include "string.h"

#define I8042_DATA    0x60
#define I8042_STATUS  0x64 /* read */
#define I8042_COMMAND 0x64 /* write */
#define STATUS_OUTPUT 0x01 /* a byte for us */
#define STATUS_INPUT  0x02 /* our byte is not taken yet */
#define STATUS_MOUSE  0x20 /* the byte is from the second port */

/* To the controller, not to the keyboard; answers come as data. */
#define COMMAND_READ	  0x20 /* the configuration byte */
#define COMMAND_WRITE	  0x60
#define COMMAND_NO_MOUSE  0xa7
#define COMMAND_SELF_TEST 0xaa
#define SELF_TEST_OK	  0x55
#define COMMAND_KBD_OFF	  0xad
#define COMMAND_KBD_ON	  0xae
#define CONFIG_IRQ	  0x01
#define CONFIG_MOUSE_IRQ  0x02
#define CONFIG_KBD_OFF	  0x10
#define CONFIG_TRANSLATE  0x40 /* to set 1 */

#define ANSWER_TIMEOUT	  250 /* ms; a controller takes a few */
#define QUEUE_MAX	  64  /* bytes an interrupt: no controller has more */

/* ---- Scan codes to text ---- */

#define RELEASED 0x80

enum {
	KEY_CONTROL = 0x1d,
	KEY_SHIFT_LEFT = 0x2a,
	KEY_SHIFT_RIGHT = 0x36,
	KEY_ALT = 0x38,
	KEY_CAPS_LOCK = 0x3a,
	KEY_NUM_LOCK = 0x45,
	KEY_PAD_SLASH = 0x35, /* with prefix e0 */
	KEY_PAD_ENTER = 0x1c, /* with prefix e0 */
};

/* From scan code 0; 0 where the key is no character. Backspace is DEL and Enter
 * a return, as on terminals: chapter tty's settings expect them. */
static const char plain[] = "\0\033"
			    "1234567890-=\177\tqwertyuiop[]\r\0"
			    "asdfghjkl;'`\0\\zxcvbnm,./\0*\0 ";
static const char shifted[] = "\0\033"
			      "!@#$%^&*()_+\177\tQWERTYUIOP{}\r\0"
			      "ASDFGHJKL:\"~\0|ZXCVBNM<>?\0*\0 ";

/* The pad of digits, from scan code 0x47 on. */
static const char pad_digits[] = "789-456+1230.";

/* The same keys when they move the cursor, also those with prefix e0. These and
 * the next table are terminfo's entry "linux": khome, kcuu1, kpp and so on. */
static const char *const pad_moves[] = {
	"\033[1~", "\033[A",  "\033[5~", "-",	    "\033[D",
	"\033[G",  "\033[C",  "+",	 "\033[4~", "\033[B",
	"\033[6~", "\033[2~", "\033[3~",
};
#define PAD_FIRST 0x47

/* F1 to F10 from scan code 0x3b on; F11 and F12 are 0x57 and 0x58. */
static const char *const function_keys[] = {
	"\033[[A",  "\033[[B",	"\033[[C",  "\033[[D",	"\033[[E",  "\033[17~",
	"\033[18~", "\033[19~", "\033[20~", "\033[21~", "\033[23~", "\033[24~",
};

static const char *
function_key(uint8_t key)
{
	if (key >= 0x3b && key <= 0x44)
		return function_keys[key - 0x3b];
	if (key == 0x57 || key == 0x58)
		return function_keys[10 + key - 0x57];
	return NULL;
}

/* There are two of a key, of which the right one has a prefix. */
static void
note_side(struct keyboard *k, uint8_t *sides, bool down)
{
	uint8_t side = k->prefix ? 2 : 1;

	*sides = down ? *sides | side : *sides & ~side;
}

/* Shift, control, alt and the locks; these by their going down alone, and their
 * lamps are not lit. @return whether it is one of them */
static bool
modifier(struct keyboard *k, uint8_t key, bool down)
{
	switch (key) {
	case KEY_CONTROL:
		note_side(k, &k->control, down);
		return true;
	case KEY_ALT:
		note_side(k, &k->alt, down);
		return true;
	case KEY_SHIFT_LEFT:
		/* With a prefix: made up by the keyboard around other keys. */
		if (!k->prefix)
			k->shift_left = down;
		return true;
	case KEY_SHIFT_RIGHT:
		if (!k->prefix)
			k->shift_right = down;
		return true;
	case KEY_CAPS_LOCK:
		k->caps_lock ^= down;
		return true;
	case KEY_NUM_LOCK:
		k->num_lock ^= down;
		return true;
	}
	return false;
}

/* What control makes of a character: those of columns 4 to 7 of ASCII lose
 * their upper bits. The others are what terminals have for codes that have no
 * such key: ^@, ^_, ^?. */
static char
control_of(char c)
{
	switch (c) {
	case ' ':
	case '2':
		return 0;
	case '/':
		return 0x1f;
	case '?':
		return 0x7f;
	}
	return c >= '@' && c <= '~' ? c & 0x1f : c;
}

/* Alt puts ESC before it, as programs take a meta key to do. */
static size_t
put_character(const struct keyboard *k, char c, char *text)
{
	size_t n = 0;

	if (k->control)
		c = control_of(c);
	if (k->alt)
		text[n++] = '\033';
	text[n++] = c;
	return n;
}

static size_t
put_string(const char *s, char *text)
{
	size_t n = strlen(s);

	INVARIANT(CONS3, n <= KEY_TEXT_MAX);
	memcpy(text, s, n);
	return n;
}

/* With prefix e0 these are the keys of their own that only move. Shift turns
 * Num Lock about for as long as it is down. */
static size_t
pad_key(const struct keyboard *k, uint8_t key, char *text)
{
	bool shift = k->shift_left || k->shift_right;

	if (!k->prefix && k->num_lock != shift)
		return put_character(k, pad_digits[key - PAD_FIRST], text);
	return put_string(pad_moves[key - PAD_FIRST], text);
}

/* Caps Lock is for letters alone, and Shift undoes it. */
static size_t
character_key(const struct keyboard *k, uint8_t key, char *text)
{
	bool shift = k->shift_left || k->shift_right;
	char c;

	if (key >= sizeof(plain) - 1)
		return 0;
	/* The only characters among the keys with a prefix. */
	if (k->prefix && key != KEY_PAD_SLASH && key != KEY_PAD_ENTER)
		return 0;
	c = plain[key];
	if (c >= 'a' && c <= 'z')
		shift ^= k->caps_lock;
	if (shift && !k->prefix)
		c = shifted[key];
	return c ? put_character(k, c, text) : 0;
}

/* A key with a prefix is none of the function keys, whose codes it may share.
 */
static size_t
key_down(const struct keyboard *k, uint8_t key, char *text)
{
	const char *function = function_key(key);

	if (function && !k->prefix)
		return put_string(function, text);
	if (key >= PAD_FIRST && key < PAD_FIRST + ARRAY_SIZE(pad_moves))
		return pad_key(k, key, text);
	return character_key(k, key, text);
}

/* What a keyboard sends besides keys does no harm: its answers (fa, fe) look
 * like the release of keys that there are not, and aa, that it is well, like
 * that of a shift. */
size_t
keyboard_decode(struct keyboard *k, uint8_t code, char *text)
{
	uint8_t key = code & ~RELEASED;
	size_t n = 0;

	if (k->skip > 0) {
		k->skip--;
		return 0;
	}
	if (code == 0xe1) { /* Pause: e1 1d 45 e1 9d c5 */
		k->skip = 5;
		return 0;
	}
	if (code == 0xe0) {
		k->prefix = code;
		return 0;
	}
	if (!modifier(k, key, !(code & RELEASED)) && !(code & RELEASED))
		n = key_down(k, key, text);
	k->prefix = 0;
	return n;
}

/* ---- The controller ---- */

/* Used by the interrupt handler alone, which runs on one CPU at a time: so it
 * needs no lock, nor do the ports once started. */
static struct keyboard keyboard;

/* The line is edge-triggered: a byte that is left makes the next one silent, so
 * all are read, those of a mouse too. A controller that always has one more
 * ends with QUEUE_MAX (DEV1). */
static void
keyboard_interrupt(void *arg)
{
	char text[KEY_TEXT_MAX];
	unsigned i;

	(void)arg;
	for (i = 0; i < QUEUE_MAX; i++) {
		uint8_t status = inb(I8042_STATUS);
		uint8_t code;
		size_t n;

		if (status == 0xff || !(status & STATUS_OUTPUT))
			return;
		code = inb(I8042_DATA);
		if (status & STATUS_MOUSE)
			continue;
		n = keyboard_decode(&keyboard, code, text);
		if (n > 0 && console_ops.input)
			console_ops.input(CONSOLE_VGA_KEYBOARD, text, n);
	}
}

/* @return false: the byte before was not taken in time */
static bool
send(uint16_t port, uint8_t v)
{
	if (!device_wait(!(inb(I8042_STATUS) & STATUS_INPUT), ANSWER_TIMEOUT))
		return false;
	outb(port, v);
	return true;
}

/* @return the byte, or -ETIMEDOUT */
static int
receive(void)
{
	if (!device_wait(inb(I8042_STATUS) & STATUS_OUTPUT, ANSWER_TIMEOUT))
		return -ETIMEDOUT;
	return inb(I8042_DATA);
}

/* Throw away what waits, and would be taken for an answer. @return false: it
 * never ends, nothing is there */
static bool
drain(void)
{
	unsigned i;

	for (i = 0; i < QUEUE_MAX; i++) {
		if (!(inb(I8042_STATUS) & STATUS_OUTPUT))
			return true;
		inb(I8042_DATA);
	}
	return false;
}

/* Both ports are off first, so that no key comes between a command and its
 * answer. The self-test may put the configuration back to what it was at
 * power-up: it is read after. Keyboards begin in scan code set 2, which the
 * controller translates. The keyboard stays off, as nobody hears its interrupt
 * yet; the mouse for good. */
static bool
controller_start(void)
{
	int config;

	if (inb(I8042_STATUS) == 0xff ||
	    !send(I8042_COMMAND, COMMAND_KBD_OFF) ||
	    !send(I8042_COMMAND, COMMAND_NO_MOUSE) || !drain())
		return false;
	if (!send(I8042_COMMAND, COMMAND_SELF_TEST) ||
	    receive() != SELF_TEST_OK)
		return false;
	if (!send(I8042_COMMAND, COMMAND_READ) || (config = receive()) < 0)
		return false;
	config |= CONFIG_IRQ | CONFIG_TRANSLATE | CONFIG_KBD_OFF;
	config &= ~CONFIG_MOUSE_IRQ;
	return send(I8042_COMMAND, COMMAND_WRITE) && send(I8042_DATA, config);
}

/* A machine without a controller (all ones are read) is left alone, as is one
 * whose controller does not answer. The keyboard goes on last: the edge of a
 * byte that came before the interrupt is routed could be lost, and until it is
 * read there is no other. */
void
keyboard_init(void)
{
	if (!controller_start())
		kprintf("keyboard: none\n");
	else if (irq_isa_route(1, keyboard_interrupt, NULL, "keyboard"))
		kprintf("keyboard: no interrupt for it: left alone\n");
	else if (!send(I8042_COMMAND, COMMAND_KBD_ON))
		kprintf("keyboard: it cannot be turned on\n");
}
