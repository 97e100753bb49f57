/*
 * splice, tee and vmsplice of the Linux x86-64 ABI.
 */
#ifndef ABI_SPLICE_H
#define ABI_SPLICE_H

#define SPLICE_F_MOVE	  1
#define SPLICE_F_NONBLOCK 2
#define SPLICE_F_MORE	  4
#define SPLICE_F_GIFT	  8

#endif
