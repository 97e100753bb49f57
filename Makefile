# Hardtack's build. `make help` lists the targets.
#
#   make                          the kernel, our programs, the root image
#   make DEBUG=1 ...              the checking build (build/debug)
#   make CHAPTER=vm ...           only the chapters up to vm
#   make CC=clang ...             the other compiler (build/<mode>-clang)
#
# The folder names of kern/ are the only list of the chapters and of their
# order. A chapter is compiled with the include folders of itself and of the
# chapters before it, and no others.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.SECONDARY:
MAKEFLAGS += --no-builtin-rules --no-print-directory

ifeq ($(origin CC),default)
CC := gcc
endif
LD := ld
NM := nm
Q := $(if $(V),,@)

MODE := $(if $(filter-out 0,$(DEBUG)),debug,release)
CLANG := $(findstring clang,$(CC))
BUILD := build
B := $(BUILD)/$(MODE)$(if $(CLANG),-clang)
O := $(B)/obj

# --- Chapters ---------------------------------------------------------------

FOLDERS := $(sort $(notdir $(patsubst %/.,%,$(wildcard kern/[0-9][0-9]-*/.))))
name = $(word 2,$(subst -, ,$1))
CHAPTERS := $(foreach f,$(FOLDERS),$(call name,$f))

# UPTO_vm: the folders up to and including the one of chapter vm.
SEEN :=
$(foreach f,$(FOLDERS),$(eval SEEN += $f)$(eval UPTO_$(call name,$f) := $(SEEN)))

CHAPTER ?= $(lastword $(CHAPTERS))
ifeq ($(filter $(CHAPTER),$(CHAPTERS)),)
$(error There is no chapter '$(CHAPTER)'; there are: $(CHAPTERS))
endif

LIB_OBJS := $(patsubst %.c,$(O)/%.o,$(sort $(wildcard lib/freestanding/*.c)))
# $(call objs,FOLDER): the objects of one chapter.
objs = $(addprefix $(O)/,$(addsuffix .o,$(basename \
	$(sort $(wildcard kern/$1/*.c kern/$1/*.S)))))

KERNEL := $(B)/hardtack-$(CHAPTER).elf
KERNELS := $(foreach c,$(CHAPTERS),$(B)/hardtack-$c.elf)

# --- Compiling --------------------------------------------------------------

# Headers: the compiler's own (stdint.h and its like) and ours; none of the
# host's. Asked of the compiler only when a recipe runs: it may be missing yet.
CCINC = $(eval CCINC := $$(shell $(CC) -print-file-name=include))$(CCINC)

KFLAGS := -std=gnu11 -O2 -g -Wall -Wextra -Werror -ffreestanding \
	-mcmodel=kernel -mno-red-zone -mgeneral-regs-only \
	-fno-pic -fno-pie -fno-common -fno-strict-aliasing \
	-fno-omit-frame-pointer -fno-asynchronous-unwind-tables \
	-fcf-protection=none
# A memset must not be compiled into a call of memset.
KFLAGS += $(if $(CLANG),,-fno-tree-loop-distribute-patterns)
ifeq ($(MODE),debug)
KFLAGS += -DDEBUG -fsanitize=undefined -fno-optimize-sibling-calls \
	-fstack-protector-strong -mstack-protector-guard=global
else
KFLAGS += -DNDEBUG -fno-stack-protector
endif
KINC = -nostdinc -isystem $(CCINC) $(INC) -Ilib/include
KCC = $(CC) $(KFLAGS) $(KINC) -MMD -MP

.DEFAULT_GOAL := all

$(O)/lib/freestanding/%.o: INC := -Ilib/freestanding
define chapter_rules
$(O)/kern/$1/%.o: INC := -Ilib/freestanding \
	$(patsubst %,-Ikern/%,$(UPTO_$(call name,$1)))
endef
$(foreach f,$(FOLDERS),$(eval $(call chapter_rules,$f)))

$(O)/kern/%.o: kern/%.c Makefile | deps
	@mkdir -p $(@D); echo "  CC      $<"
	$(Q)$(KCC) -c $< -o $@

$(O)/kern/%.o: kern/%.S Makefile | deps
	@mkdir -p $(@D); echo "  AS      $<"
	$(Q)$(KCC) -c $< -o $@

$(O)/lib/freestanding/%.o: lib/freestanding/%.c Makefile | deps
	@mkdir -p $(@D); echo "  CC      $<"
	$(Q)$(KCC) -c $< -o $@

-include $(wildcard $(O)/kern/*/*.d $(O)/lib/freestanding/*.d)

# --- Linking ----------------------------------------------------------------

# Linked twice: the table of symbols for backtraces is made from the first
# link, which holds an empty one; the second is checked to fit its own table.
LDSCRIPT := kern/$(firstword $(FOLDERS))/kernel.ld
KLD = $(LD) -nostdlib -static --build-id=none -z noexecstack \
	-z max-page-size=0x1000 -T $(LDSCRIPT)

define link_rules
$(B)/hardtack-$1.elf: $(LIB_OBJS) $(foreach f,$(UPTO_$1),$(call objs,$f)) \
		$(LDSCRIPT) scripts/ksyms Makefile | deps
	@echo "  LD      $$@"
	$(Q)NM=$(NM) CC="$(CC)" scripts/ksyms $$@ \
		$$(KLD) $$(filter %.o,$$^)
endef
$(foreach c,$(CHAPTERS),$(eval $(call link_rules,$c)))

# --- Our programs and the root image -----------------------------------------

-include $(wildcard lib/lib.mk) $(wildcard user/user.mk)

# --- Targets -----------------------------------------------------------------

.PHONY: all kernel kernels deps help clean
all: kernel ## build everything (the default)

kernel: $(KERNEL) ## build the kernel image of CHAPTER (all chapters if not set)

kernels: $(KERNELS) ## build the image of every prefix of the chapters

deps:
	@true

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-18s %s\n", $$1, $$2}' \
		Makefile
	@echo; echo "  Variables: DEBUG=1 CHAPTER=<name> CC=clang V=1"
	@echo "  Chapters:  $(CHAPTERS)"

clean: ## delete all that was built
	rm -rf $(BUILD) compile_commands.json
