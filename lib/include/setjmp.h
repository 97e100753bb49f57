/*
 * setjmp and longjmp. setjmp leaves the signal mask alone; sigsetjmp saves it
 * if asked. The buffer: rbx rbp r12-r15 rsp rip, then whether a mask is saved,
 * and the mask.
 */
#ifndef SETJMP_H
#define SETJMP_H

typedef unsigned long jmp_buf[10];
typedef jmp_buf sigjmp_buf;

int setjmp(jmp_buf env) __attribute__((returns_twice));
__attribute__((noreturn)) void longjmp(jmp_buf env, int value);
int sigsetjmp(sigjmp_buf env, int savemask) __attribute__((returns_twice));
__attribute__((noreturn)) void siglongjmp(sigjmp_buf env, int value);

#endif
