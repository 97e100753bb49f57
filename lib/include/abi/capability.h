/*
 * Capabilities of the Linux ABI: capget(2), capset(2).
 */
#ifndef ABI_CAPABILITY_H
#define ABI_CAPABILITY_H

#include <stdint.h>

#define CAP_LAST_CAP 40 /**< CAP_CHECKPOINT_RESTORE */

/* Versions: how many struct cap_data there are. 2 differs from 3 in name. */
#define CAPABILITY_VERSION_1 0x19980330u /**< one */
#define CAPABILITY_VERSION_2 0x20071026u /**< two */
#define CAPABILITY_VERSION_3 0x20080522u /**< two */

struct cap_header {
	uint32_t version;
	int32_t pid; /**< 0: the caller */
};

/** 32 capabilities, one a bit; the low ones first. */
struct cap_data {
	uint32_t effective;
	uint32_t permitted;
	uint32_t inheritable;
};

#endif
