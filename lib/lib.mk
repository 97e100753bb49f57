# The C library: $(USERLIB), from lib/src and lib/freestanding, with start-up
# code in it. Included by the top Makefile and, alone, by user/user.mk.
# Variables: BUILD (build), CC (gcc; clang builds beside it in $(U)).

BUILD ?= build
ifeq ($(origin CC),default)
CC := gcc
endif
U := $(BUILD)/user$(if $(findstring clang,$(CC)),-clang)
USERLIB := $(U)/libc.a
AR ?= ar

# Freestanding: no loop of ours becomes a call of memset, and there is
# no header of the host's, only the compiler's own (stdint.h) and ours.
UINC = $(eval UINC := $$(shell $(CC) -print-file-name=include))$(UINC)
UFLAGS := -std=gnu11 -ffreestanding -O2 -g -Wall -Wextra -Werror \
	-fno-pic -fno-pie \
	-fno-common -fno-stack-protector -fno-asynchronous-unwind-tables \
	-fcf-protection=none -ffunction-sections -fdata-sections \
	-fno-omit-frame-pointer
UCC = $(CC) $(UFLAGS) -nostdinc -isystem $(UINC) -Ilib/include -MMD -MP

LIBC_SRC := $(sort $(wildcard lib/src/*.c lib/src/*.S lib/freestanding/*.c))
LIBC_OBJ := $(patsubst %,$(U)/obj/%.o,$(basename $(LIBC_SRC)))

$(U)/obj/lib/%.o: lib/%.c lib/lib.mk | deps
	@mkdir -p $(@D); $(call say,CC      $<)
	$(Q)$(UCC) -c $< -o $@

$(U)/obj/lib/%.o: lib/%.S lib/lib.mk | deps
	@mkdir -p $(@D); $(call say,AS      $<)
	$(Q)$(UCC) -c $< -o $@

$(USERLIB): $(LIBC_OBJ)
	@$(call say,AR      $@)
	$(Q)rm -f $@; $(AR) rcsD $@ $(LIBC_OBJ)

-include $(LIBC_OBJ:.o=.d)
