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
.DEFAULT_GOAL := all
MAKEFLAGS += --no-builtin-rules --no-print-directory

ifeq ($(origin CC),default)
CC := gcc
endif
LD := ld
NM := nm
Q := $(if $(V),,@)
# $(call say,TEXT): a line of progress; nothing with make -s.
say = $(if $(findstring s,$(filter-out --%,$(firstword $(MAKEFLAGS)))),:,echo \
	"  $1")

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
# A memset must not be compiled into a call of memset. What each function takes
# of the stack is for scripts/maxlive; two functions that are alike stay two, so
# that each has its figure.
KFLAGS += $(if $(CLANG),,-fno-tree-loop-distribute-patterns -fstack-usage \
	-fno-ipa-icf)
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
$(O)/kern/$1/%: INC := -Ilib/freestanding \
	$(patsubst %,-Ikern/%,$(UPTO_$(call name,$1)))
endef
$(foreach f,$(FOLDERS),$(eval $(call chapter_rules,$f)))

$(O)/kern/%.o: kern/%.c Makefile | deps
	@mkdir -p $(@D); $(call say,CC      $<)
	$(Q)$(KCC) -c $< -o $@

$(O)/kern/%.o: kern/%.S Makefile | deps
	@mkdir -p $(@D); $(call say,AS      $<)
	$(Q)$(KCC) -c $< -o $@

$(O)/lib/freestanding/%.o: lib/freestanding/%.c Makefile | deps
	@mkdir -p $(@D); $(call say,CC      $<)
	$(Q)$(KCC) -c $< -o $@

# The vDSO: user code, linked by itself, that the kernel carries and maps into
# every program.
VDSO_DIR := $(wildcard kern/*/vdso)
VDSO := $(VDSO_DIR:%=$(O)/%.so)
VDSO_FLAGS := -std=gnu11 -O2 -Wall -Wextra -Werror -ffreestanding -fPIC \
	-fno-stack-protector -fcf-protection=none -fasynchronous-unwind-tables \
	-nostdlib -shared -Wl,--hash-style=both -Wl,--build-id=none \
	-Wl,--eh-frame-hdr -Wl,-z,noexecstack -Wl,-z,max-page-size=0x1000 \
	-Wl,-soname,linux-vdso.so.1 -Wl,--no-undefined

$(VDSO): $(VDSO_DIR)/vdso.c $(VDSO_DIR)/vdso.ld Makefile | deps
	@mkdir -p $(@D); $(call say,VDSO    $@)
	$(Q)$(CC) $(VDSO_FLAGS) $(KINC) -MMD -MP -MF $@.d \
		-Wl,-T,$(VDSO_DIR)/vdso.ld $< -o $@
$(VDSO_DIR:%=$(O)/%_image.o): $(VDSO)
$(VDSO_DIR:%=$(O)/%_image.o): KFLAGS += -DVDSO_IMAGE='"$(VDSO)"'

-include $(wildcard $(O)/kern/*/*.d $(O)/lib/freestanding/*.d)

# --- Linking ----------------------------------------------------------------

# Linked twice: the table of symbols for backtraces is made from the first
# link, which holds an empty one; the second is checked to fit its own table.
LDSCRIPT := kern/$(firstword $(FOLDERS))/kernel.ld
KLD = $(LD) -nostdlib -static --build-id=none -z noexecstack \
	-z max-page-size=0x1000 -T $(LDSCRIPT)

# The folders are prerequisites: a file that is gone changes the image too.
define link_rules
$(B)/hardtack-$1.elf: $(LIB_OBJS) $(foreach f,$(UPTO_$1),$(call objs,$f)) \
		$(UPTO_$1:%=kern/%) $(LDSCRIPT) scripts/ksyms Makefile | deps
	@$$(call say,LD      $$@)
	$(Q)NM=$(NM) CC="$(CC)" scripts/ksyms $$@ \
		$$(KLD) $$(filter %.o,$$^)
endef
$(foreach c,$(CHAPTERS),$(eval $(call link_rules,$c)))

# --- For scripts/maxlive: LLVM's text of the kernel, and the kernel -----------

# Calls are as the source has them; loops are in the form in which LLVM counts
# them. Nothing is merged or moved that would hide a pointer's type.
IR := $(BUILD)/ir/$(MODE)
IR_FLAGS := $(filter-out -O2 -g -fsanitize% -fstack-protector% \
	-mstack-protector% -fno-optimize-sibling-calls \
	-fno-tree-loop-distribute-patterns -fstack-usage -fno-ipa-icf,\
	$(KFLAGS)) \
	-DHEAP_ANALYSIS -O1 -Xclang -disable-llvm-passes -fno-inline -gline-tables-only
IR_PASSES := function(sroa,early-cse,sccp,instsimplify,correlated-propagation,$\
	simplifycfg,loop-simplify,loop(loop-rotate),early-cse,simplifycfg,adce),$\
	function(print<scalar-evolution>)
IRINC = $(eval IRINC := $$(shell clang -print-file-name=include))$(IRINC)
IR_FILES := $(patsubst %.c,$(IR)/%.ll,$(filter-out \
	$(wildcard kern/*/test_*.c),\
	$(wildcard kern/[0-9]*/*.c lib/freestanding/*.c)))
$(IR)/lib/freestanding/%: INC := -Ilib/freestanding
$(foreach f,$(FOLDERS),$(eval $(IR)/kern/$f/%: INC := -Ilib/freestanding \
	$(patsubst %,-Ikern/%,$(UPTO_$(call name,$f)))))

$(IR)/%.ll: %.c Makefile | deps-check
	@mkdir -p $(@D); $(call say,IR      $<)
	$(Q)clang $(IR_FLAGS) -nostdinc \
		-isystem $(IRINC) $(INC) \
		-Ilib/include -MMD -MP -MF $@.d -MT $@ -c -emit-llvm $< -o $@.bc
	$(Q)opt -passes='$(IR_PASSES)' -S $@.bc -o $@ 2>$@.scev || \
		{ cat $@.scev; exit 1; }
	$(Q)grep '^Loop\|^Determining' $@.scev >$@.trips || true
	@rm $@.bc $@.scev

-include $(IR_FILES:%=%.d)
.PHONY: ir
ir: $(IR_FILES) $(KERNEL)

# --- Our programs, labs, book: makefiles of their own ------------------------

# user.mk lists in USER_PROGRAMS and USER_TESTS what it builds.
include $(wildcard lib/lib.mk user/user.mk labs/labs.mk book/book.mk)

ROOT := $(BUILD)/root.img
$(ROOT): scripts/mkroot scripts/mkext2 scripts/get-busybox $(USER_PROGRAMS) $(USER_TESTS) \
		| deps-qemu
	@$(call say,ROOT    $@)
	$(Q)scripts/mkroot --tests -o $@

DEBIAN_ROOT := $(BUILD)/debian.img
$(DEBIAN_ROOT): scripts/mkdebian scripts/mkext2 $(USER_PROGRAMS) | deps-qemu
	@$(call say,ROOT    $@)
	$(Q)scripts/mkdebian -o $@

# --- Targets -----------------------------------------------------------------

PYTEST := /usr/bin/python3 -m pytest -p no:cacheprovider -q
SMP ?= 4
MEM ?= 256
RUN := scripts/run --kernel $(KERNEL) --smp $(SMP) --mem $(MEM) \
	$(if $(APPEND),--append '$(APPEND)') $(if $(DISK),--disk '$(DISK)') \
	$(if $(DEBIAN),--root $(DEBIAN_ROOT))

.PHONY: all crash kernel kernels user root debian deps deps-qemu deps-check help clean
# In a tree without programs there is no root image, and nothing asks for it.
IMAGE := $(if $(USER_PROGRAMS),root $(if $(DEBIAN),debian))
all: kernel $(IMAGE) ## build everything (the default)

kernel: $(KERNEL) ## build the kernel image of CHAPTER (if not set: all)

kernels: $(KERNELS) ## build the image of every prefix of the chapters

user: $(USER_PROGRAMS) $(USER_TESTS) ## build our programs and their tests

root: $(ROOT) ## build the root file system's image

debian: $(DEBIAN_ROOT) ## build one of Debian's own packages (qemu DEBIAN=1)

iso: $(B)/hardtack.iso ## make a bootable ISO (GRUB, multiboot2)
.PHONY: iso
$(B)/hardtack.iso: $(KERNEL) scripts/mkiso | deps-check
	scripts/mkiso $< $@ $(APPEND)

.PHONY: qemu qemu-gdb gdb bochs
qemu: deps-qemu kernel $(IMAGE) ## boot to a shell in QEMU (end: poweroff, or ^A x)
	$(RUN) --shell

qemu-gdb: deps-qemu kernel $(IMAGE) ## the same, waiting for `make gdb`
	@echo "Type in another terminal: make gdb $(MAKEOVERRIDES)"
	$(RUN) --shell --gdb $(BUILD)/gdb.sock

gdb: ## debug the kernel that `make qemu-gdb` waits with
	gdb -q -x scripts/gdb/hardtack.py -ex 'target remote $(BUILD)/gdb.sock' \
		$(KERNEL)

bochs: deps-check kernel $(IMAGE) ## run the self-tests on Bochs, headless
	$(RUN) --selftest --bochs --smp 2

.PHONY: prefixes check check-prefix-symbols style format damage faults abi bench \
	heap-experiment bounds fuzz storm
prefixes: deps-check ## boot every prefix: release on 1 CPU, debug on 4
	$(MAKE) kernels $(IMAGE)
	$(MAKE) kernels DEBUG=1
	$(PYTEST) scripts/tests/test_prefixes.py

check: deps-check ## run every test (installs what they need)
	scripts/check

crash: deps-check ## try 100,000 states that a power cut may leave
	scripts/tests/crash_run.py

check-prefix-symbols: $(KERNELS) ## prove that no chapter uses a later one
	scripts/check-prefix --objects $(O)

abi: $(KERNEL) root ## measure the tests of each system call; the book's table
	@scripts/install-deps abi
	scripts/abi

bench: $(KERNEL) root ## count the instructions of system calls; the book's table
	scripts/bench

heap-experiment: $(KERNEL) root ## hogs of every kind beside good citizens; the book's tables
	scripts/heap-experiment

bounds: ## find how much heap each call can need: the table that is linked
	scripts/maxlive

faults: deps-check all ## fail every command of ten workloads' disks, one a run
	$(MAKE) DEBUG=1 kernel
	scripts/faults

N ?= 1000000
TESTS := /usr/lib/hardtack/tests
SEED ?= 1
fuzz: deps-check all ## make N random system calls from SEED, debug, 4 CPUs
	$(MAKE) DEBUG=1 kernel
	scripts/run --debug --timeout 864000 -- $(TESTS)/leaks -k 128 \
		-w '$(TESTS)/fuzz --all 0 20000 >/dev/null' \
		$(TESTS)/fuzz --all $(SEED) $(N)

storm: deps-check all ## storms of processes and signals, N times as long
	$(MAKE) DEBUG=1 kernel
	scripts/run --debug --mem 640 --timeout 864000 \
		--env STORM=$(if $(filter-out file,$(origin N)),$(N),1) -- \
		$(TESTS)/leaks -k 128 -w '$(TESTS)/storm thread_storm' $(TESTS)/storm

damage: deps-check ## try N damaged disks, with sanitizers, on all CPUs
	/usr/bin/python3 scripts/tests/test_damage.py $(N)

style: deps-check ## measure the source against its budgets
	scripts/style

CFILES = $(shell find kern lib user -name '*.[ch]')
format: deps-check ## lay out all C by .clang-format
	clang-format -i $(CFILES)

compile_commands.json: scripts/compile-commands Makefile ## for editors
	scripts/compile-commands $@

# What is missing is installed, or named. Quick when all is there.
deps:
	@scripts/install-deps build
deps-qemu:
	@scripts/install-deps qemu
deps-check:
	@scripts/install-deps check

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z_.$$()\/A-Z-]+:.*## / { \
		printf "  %-22s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo; echo "  Variables: DEBUG=1 CHAPTER=<name> CC=clang V=1;" \
		"for qemu: DEBIAN=1 SMP MEM APPEND DISK"
	@echo "  Chapters:  $(CHAPTERS)"

clean: ## delete all that was built
	rm -rf $(BUILD) compile_commands.json
