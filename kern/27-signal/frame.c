/*
 * The signal frame: Linux's struct rt_sigframe on the user stack, with the FPU
 * state above it as an XSAVE image, and rt_sigreturn, which takes it back.
 * Entry points: signal_frame_push, sys_rt_sigreturn, signal_user_fault.
 *
 * SIGNAL3: nothing in a frame is trusted. Selectors and flags are forced, the
 * FPU image is checked before it is loaded, a return address outside user
 * space is SIGSEGV, and the mask never blocks SIGKILL or SIGSTOP.
 */
#include "abi/syscall.h"
#include "sigstate.h"
#include "string.h"

#define RED_ZONE	 128 /* bytes below rsp that a leaf function uses */
#define FXSAVE_SIZE	 512
#define XSAVE_HEADER	 64
#define XSTATE_BV_AT	 512
#define FPU_ALIGN	 64
#define FPU_RETRIES	 16
#define LEGACY_FEATURES	 0x3 /* x87 and SSE: what the FXSAVE area holds */

#define RFLAGS_USER_MASK 0x50dd5 /* AC RF OF DF TF SF ZF AF PF CF */

_Static_assert(sizeof(ucontext_t) == 304, "ucontext of the ABI");
_Static_assert(sizeof(struct rt_sigframe) == 440, "rt_sigframe of the ABI");
_Static_assert(offsetof(struct rt_sigframe, uc) == 8,
	       "after the return address");
_Static_assert(offsetof(struct rt_sigframe, info) == 312, "rt_sigframe");
_Static_assert(offsetof(ucontext_t, uc_mcontext) == 40, "ucontext");
_Static_assert(offsetof(struct fpstate, sw) == 464, "software bytes");

/* ---- The alternative stack ---- */

static bool
on_altstack(const struct sigstate *ss, uint64_t sp)
{
	const stack_t *a = &ss->altstack;

	return !(a->ss_flags & (int)SS_AUTODISARM) && sp > (uint64_t)a->ss_sp &&
	       sp - (uint64_t)a->ss_sp <= a->ss_size;
}

/* Where the frame begins, downwards. 0: the alternative stack overflows; the
 * frame must not be written below it, into memory that is something else's. Who
 * is on that stack already stays there. */
static uint64_t
frame_top(const struct sigstate *ss, const struct trapframe *tf,
	  const struct ksigaction *action, size_t size)
{
	uint64_t sp = tf->rsp - RED_ZONE;
	const stack_t *a = &ss->altstack;

	if (on_altstack(ss, tf->rsp))
		return on_altstack(ss, sp - size) ? sp : 0;
	if ((action->flags & SA_ONSTACK) && a->ss_size)
		return size <= a->ss_size ? (uint64_t)a->ss_sp + a->ss_size : 0;
	return sp;
}

static bool
altstack_is_valid(const stack_t *new)
{
	int mode = new->ss_flags & ~(int)SS_AUTODISARM;

	return mode == 0 || mode == SS_ONSTACK || mode == SS_DISABLE;
}

/* @return 0 or the error of sigaltstack(2) */
static int
altstack_set(struct sigstate *ss, const stack_t *new, uint64_t sp)
{
	if (on_altstack(ss, sp))
		return -EPERM;
	if (!altstack_is_valid(new))
		return -EINVAL;
	if (new->ss_flags & SS_DISABLE) {
		ss->altstack = (stack_t){ .ss_flags = SS_DISABLE };
		return 0;
	}
	if (new->ss_size < MINSIGSTKSZ)
		return -ENOMEM;
	ss->altstack = *new;
	return 0;
}

static int64_t
sys_sigaltstack(const stack_t *new, stack_t *old)
{
	struct sigstate *ss = current_sigstate();
	uint64_t sp = current()->md.user_frame->rsp;
	stack_t new_copy, old_copy = ss->altstack;
	int error;

	if (!old_copy.ss_size)
		old_copy.ss_flags = SS_DISABLE;
	else
		old_copy.ss_flags = (old_copy.ss_flags & (int)SS_AUTODISARM) |
				    (on_altstack(ss, sp) ? SS_ONSTACK : 0);
	if (new) {
		if (copyin(&new_copy, new, sizeof(new_copy)))
			return -EFAULT;
		error = altstack_set(ss, &new_copy, sp);
		if (error)
			return error;
	}
	return old ? copyout(old, &old_copy, sizeof(old_copy)) : 0;
}
SYSCALL(NR_sigaltstack, sys_sigaltstack);

/* ---- FPU state ---- */

/* User addresses are computed as numbers: they may be anything. */
static void *
software_bytes(const struct fpstate *user)
{
	return (void *)((uint64_t)user + offsetof(struct fpstate, sw));
}

static void *
second_magic(const struct fpstate *user)
{
	return (void *)((uint64_t)user + fpu_area_size);
}

/* What the kernel says of the image, in the bytes that FXSAVE leaves to
 * software. */
struct fpu_software {
	uint32_t magic1, extended_size;
	uint64_t xfeatures;
	uint32_t xstate_size, pad[7];
};
_Static_assert(sizeof(struct fpu_software) == sizeof(((struct fpstate *)0)->sw),
	       "abi/signal.h");

/* Bytes of the image in the frame, the second magic word included. */
static size_t
fpu_frame_size(void)
{
	return fpu_area_size + (fpu_xcr0 ? FP_XSTATE_MAGIC2_SIZE : 0);
}

/* The image is an XSAVE area (SDM vol. 1, 13.4), with a note in its bytes 464
 * to 511, which hardware leaves to software, and a second magic word behind it:
 * who reads a frame can tell whether all of it is there. */
static int
fpu_push(struct fpstate *user)
{
	void *area = current()->md.fpu;
	const uint32_t magic2 = FP_XSTATE_MAGIC2;
	struct fpu_software sw = { 0 };

	/* A switch in the middle would save the same registers again. */
	fpu_save(area);
	if (copyout(user, area, fpu_area_size))
		return -EFAULT;
	if (!fpu_xcr0)
		return user_zero(software_bytes(user), sizeof(sw));
	sw.magic1 = FP_XSTATE_MAGIC1;
	sw.extended_size = fpu_frame_size();
	sw.xfeatures = fpu_xcr0;
	sw.xstate_size = fpu_area_size;
	if (copyout(software_bytes(user), &sw, sizeof(sw)))
		return -EFAULT;
	return copyout(second_magic(user), &magic2, sizeof(magic2));
}

/* Whether a whole XSAVE image is there, by both magic words. */
static bool
fpu_is_extended(const struct fpstate *user)
{
	struct fpu_software sw;
	uint32_t magic2;

	return fpu_xcr0 && !copyin(&sw, software_bytes(user), sizeof(sw)) &&
	       sw.magic1 == FP_XSTATE_MAGIC1 &&
	       sw.xstate_size == fpu_area_size &&
	       !copyin(&magic2, second_magic(user), sizeof(magic2)) &&
	       magic2 == FP_XSTATE_MAGIC2;
}

/* Copy the image into the save area; preemption is off, as a thread switch
 * would save the present registers over it. */
static int
fpu_load(void *area, const struct fpstate *user, bool extended)
{
	uint64_t *header = (uint64_t *)((char *)area + XSTATE_BV_AT);
	size_t len = extended ? fpu_area_size : FXSAVE_SIZE;

	int error = copyin(area, user, len);

	if (!error && fpu_xcr0 && !extended) {
		memset(header, 0, XSAVE_HEADER);
		header[0] = LEGACY_FEATURES;
	}
	if (!error)
		error = fpu_area_check(area);
	/* A half-copied image must never be loaded, not by sched either. */
	if (error)
		fpu_area_init(area);
	fpu_restore(area);
	return error;
}

/* Have the image's pages in memory: while it is loaded none can be fetched. */
static int
touch_pages(const struct fpstate *user, size_t len)
{
	uint64_t at = (uint64_t)user, last = at + len - 1;
	char byte;

	if (!user_range_ok(user, len))
		return -EFAULT;
	for (; at < last; at = ROUND_DOWN(at, PAGE_SIZE) + PAGE_SIZE)
		if (copyin(&byte, (const void *)at, 1))
			return -EFAULT;
	return copyin(&byte, (const void *)last, 1);
}

/* The image is user memory: another thread may be changing it, or unmapping it.
 * Each try copies it anew and checks the copy. */
static int
fpu_pop(const struct fpstate *user)
{
	void *area = current()->md.fpu;
	bool extended = fpu_is_extended(user);
	unsigned tries;
	int error = -EFAULT;

	for (tries = 0; error == -EFAULT && tries < FPU_RETRIES; tries++) {
		preempt_disable();
		error = fpu_load(area, user, extended);
		preempt_enable();
		if (error == -EFAULT && touch_pages(user, fpu_area_size))
			return -EFAULT;
	}
	return error;
}

/* Without a signal frame's state: as after exec. */
static void
fpu_reset(void)
{
	preempt_disable();
	fpu_area_init(current()->md.fpu);
	fpu_restore(current()->md.fpu);
	preempt_enable();
}

/* ---- Registers ---- */

static void
save_registers(struct sigcontext *sc, const struct trapframe *tf,
	       const struct sigstate *ss)
{
	*sc = (struct sigcontext){
		.r8 = tf->r8,
		.r9 = tf->r9,
		.r10 = tf->r10,
		.r11 = tf->r11,
		.r12 = tf->r12,
		.r13 = tf->r13,
		.r14 = tf->r14,
		.r15 = tf->r15,
		.rdi = tf->rdi,
		.rsi = tf->rsi,
		.rbp = tf->rbp,
		.rbx = tf->rbx,
		.rdx = tf->rdx,
		.rax = tf->rax,
		.rcx = tf->rcx,
		.rsp = tf->rsp,
		.rip = tf->rip,
		.eflags = tf->rflags,
		.cs = tf->cs,
		.ss = tf->ss,
		.err = ss->fault_error,
		.trapno = ss->fault_vector,
		.cr2 = ss->fault_address,
	};
}

/* Of the flags only those that a program could set itself (SDM vol. 1, 3.4.3).
 */
static void
load_registers(struct trapframe *tf, const struct sigcontext *sc)
{
	tf->r8 = sc->r8, tf->r9 = sc->r9, tf->r10 = sc->r10;
	tf->r11 = sc->r11, tf->r12 = sc->r12, tf->r13 = sc->r13;
	tf->r14 = sc->r14, tf->r15 = sc->r15, tf->rdi = sc->rdi;
	tf->rsi = sc->rsi, tf->rbp = sc->rbp, tf->rbx = sc->rbx;
	tf->rdx = sc->rdx, tf->rax = sc->rax, tf->rcx = sc->rcx;
	tf->rsp = sc->rsp, tf->rip = sc->rip;
	tf->rflags = (tf->rflags & ~(uint64_t)RFLAGS_USER_MASK) |
		     (sc->eflags & RFLAGS_USER_MASK);
}

/* ---- Into the handler ---- */

/* The mask in the frame is the one to come back to: that before sigsuspend, if
 * it is one. */
static void
fill_frame(struct rt_sigframe *f, const struct trapframe *tf,
	   struct sigstate *ss, const struct ksigaction *action,
	   struct fpstate *fpstate)
{
	ksigset_t mask = ss->has_saved_mask ? ss->saved_mask : ss->blocked;

	f->pretcode = action->restorer;
	f->uc.uc_flags = UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS |
			 (fpu_xcr0 ? UC_FP_XSTATE : 0);
	f->uc.uc_link = NULL;
	f->uc.uc_stack = ss->altstack;
	save_registers(&f->uc.uc_mcontext, tf, ss);
	f->uc.uc_mcontext.oldmask = mask;
	f->uc.uc_mcontext.fpstate = fpstate;
	f->uc.uc_sigmask = mask;
}

/* As if the handler had been called: DF clear (ABI for x86-64, 3.2.1). Single
 * steps and RF are the interrupted program's, and come back with its flags. */
static void
enter_handler(struct trapframe *tf, int signo, struct rt_sigframe *user,
	      const struct ksigaction *action)
{
	tf->rdi = signo;
	tf->rsi = (uint64_t)&user->info;
	tf->rdx = (uint64_t)&user->uc;
	tf->rax = 0;
	tf->rip = (uint64_t)action->handler;
	tf->rsp = (uint64_t)user;
	tf->rflags &= ~(uint64_t)(RFLAGS_DF | RFLAGS_RF | RFLAGS_TF);
	tf->vector = TRAP_SIGRETURN;
}

/* From the top: FPU state, siginfo and ucontext, return address. What is
 * written to the user's stack may fault; nothing of the thread's state has
 * changed until all of it is there. */
int
signal_frame_push(struct trapframe *tf, int signo,
		  const struct signal_info *info,
		  const struct ksigaction *action)
{
	struct sigstate *ss = current_sigstate();
	bool has_fpu = current()->md.fpu;
	size_t size = (has_fpu ? fpu_frame_size() + FPU_ALIGN : 0) +
		      sizeof(struct rt_sigframe) + 16;
	uint64_t sp = frame_top(ss, tf, action, size);
	struct fpstate *fpstate = NULL;
	struct rt_sigframe frame, *user;

	if (!sp || sp < size || !(action->flags & SA_RESTORER) ||
	    (uint64_t)action->handler >= USER_TOP)
		return -EFAULT;
	if (has_fpu) {
		sp = ROUND_DOWN(sp - fpu_frame_size(), FPU_ALIGN);
		fpstate = (struct fpstate *)sp;
		if (fpu_push(fpstate))
			return -EFAULT;
	}
	/* As after a call: rsp + 8 is a multiple of 16. */
	sp = ROUND_DOWN(sp - sizeof(frame), 16) - 8;
	user = (struct rt_sigframe *)sp;
	fill_frame(&frame, tf, ss, action, fpstate);
	signal_info_to(&frame.info, signo, info);
	if (copyout(user, &frame, sizeof(frame)))
		return -EFAULT;
	if (ss->altstack.ss_flags & (int)SS_AUTODISARM)
		ss->altstack = (stack_t){ .ss_flags = SS_DISABLE };
	enter_handler(tf, signo, user, action);
	return 0;
}

/* ---- And back ---- */

/* The handler has returned: rsp is past pretcode, where the ucontext is.
 * @return 0, or an error that means SIGSEGV */
static int
pop_frame(struct trapframe *tf)
{
	ucontext_t uc;

	if (copyin(&uc, (const void *)tf->rsp, sizeof(uc)))
		return -EFAULT;
	if (uc.uc_mcontext.rip >= USER_TOP)
		return -EFAULT;
	signal_mask_set(uc.uc_sigmask);
	load_registers(tf, &uc.uc_mcontext);
	trapframe_sanitize(tf);
	tf->vector = TRAP_SIGRETURN;
	altstack_set(current_sigstate(), &uc.uc_stack, tf->rsp);
	if (uc.uc_mcontext.fpstate && current()->md.fpu)
		return fpu_pop(uc.uc_mcontext.fpstate);
	if (current()->md.fpu)
		fpu_reset();
	return 0;
}

static int64_t
sys_rt_sigreturn(void)
{
	struct trapframe *tf = current()->md.user_frame;
	const struct signal_info info = { .code = SI_KERNEL };

	if (pop_frame(tf)) {
		signal_force(SIGSEGV, &info);
		return 0;
	}
	return tf->rax;
}
SYSCALL(NR_rt_sigreturn, sys_rt_sigreturn);

/* ---- Faults ---- */

/* si_code of a floating-point error: the first one that is not masked. */
static int
float_code(unsigned errors)
{
	static const struct {
		uint8_t bits, code;
	} codes[] = { { 0x01, FPE_FLTINV },
		      { 0x04, FPE_FLTDIV },
		      { 0x08, FPE_FLTOVF },
		      { 0x12, FPE_FLTUND },
		      { 0x20, FPE_FLTRES } };
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(codes); i++)
		if (errors & codes[i].bits)
			return codes[i].code;
	return FPE_FLTINV;
}

/* x87 keeps the flags of errors that are masked, too: the masks tell which one
 * it was. MXCSR has both in one register (SDM vol. 1, 8.1.3 and 10.2.3). */
static int
fpu_fault_code(uint64_t vector)
{
	const struct fpstate *fp = current()->md.fpu;

	if (!fp)
		return FPE_FLTINV;
	fpu_save(current()->md.fpu);
	if (vector == TRAP_FPU)
		return float_code(fp->swd & ~fp->cwd);
	return float_code(fp->mxcsr & ~(fp->mxcsr >> 7));
}

/* trap_ops.user_fault: an exception of user code as a signal of its own thread.
 * What is kept of the fault is shown in the frame's registers (trapno, err,
 * cr2), where debuggers and run-time systems look. */
void
signal_user_fault(struct trapframe *tf, int signo, int code, uint64_t address)
{
	struct sigstate *ss = current_sigstate();
	siginfo_t full = { .si_code = code };
	struct signal_info info;

	ss->fault_vector = tf->vector;
	ss->fault_error = tf->error;
	if (tf->vector == TRAP_PAGE_FAULT)
		ss->fault_address = address;

	full.si_addr = (void *)address;
	switch (tf->vector) {
	case TRAP_FPU:
	case TRAP_SIMD:
		full.si_code = fpu_fault_code(tf->vector);
		break;
	case TRAP_BREAKPOINT:
	case TRAP_OVERFLOW:
	case TRAP_NO_SEGMENT:
	case TRAP_STACK:
	case TRAP_PROTECTION: /* the CPU does not say which address */
		full.si_code = SI_KERNEL;
		full.si_addr = NULL;
		break;
	}
	signal_info_from(&info, &full);
	signal_force(signo, &info);
}
