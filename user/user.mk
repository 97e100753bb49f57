# Our programs, static, nearly all from one C file each:
#   user/NAME.c                      $(U)/bin/NAME
#   user/bench/*.c, all              $(U)/bin/bench
#   user/heap/*.c, all               $(U)/tests/heap
#   user/tests/**/NAME.c             $(U)/tests/NAME
# Included by the top Makefile, or alone from the top: make -f user/user.mk

ifeq ($(firstword $(MAKEFILE_LIST)),user/user.mk)
.DEFAULT_GOAL := user
Q := $(if $(V),,@)
say = $(if $(findstring s,$(firstword -$(MAKEFLAGS))),:,echo "  $1")
.PHONY: deps
deps:
include lib/lib.mk
endif

USER_BIN_SRC := $(sort $(wildcard user/*.c))
USER_BENCH_SRC := $(sort $(wildcard user/bench/*.c))
USER_BENCH_OBJ := $(USER_BENCH_SRC:%.c=$(U)/obj/%.o)
USER_HEAP_SRC := $(sort $(wildcard user/heap/*.c))
USER_HEAP_OBJ := $(USER_HEAP_SRC:%.c=$(U)/obj/%.o)
USER_TEST_SRC := $(sort $(wildcard user/tests/*.c user/tests/abi/*.c))
USER_PROGRAMS := $(patsubst %.c,$(U)/bin/%,$(notdir $(USER_BIN_SRC))) \
	$(U)/bin/bench
USER_TESTS := $(patsubst %.c,$(U)/tests/%,$(notdir $(USER_TEST_SRC))) \
	$(U)/tests/heap

$(U)/obj/user/%.o: user/%.c lib/lib.mk user/user.mk | deps
	@mkdir -p $(@D); $(call say,CC      $<)
	$(Q)$(UCC) -Iuser -c $< -o $@

# Pages of code and data apart, and no executable stack: what W^X can honour.
ULINK = $(CC) -static -nostdlib -Wl,-u,_start -Wl,--gc-sections \
	-Wl,--build-id=none \
	-Wl,-z,noexecstack -Wl,-z,separate-code -Wl,-z,max-page-size=0x1000

# $(call user_program,SOURCE,FOLDER)
define user_program
$(U)/$2/$(basename $(notdir $1)): $(U)/obj/$(basename $1).o $(USERLIB)
	@mkdir -p $$(@D); $$(call say,LD      $$@)
	$$(Q)$$(ULINK) -o $$@ $$< $(USERLIB)
endef
$(foreach s,$(USER_BIN_SRC),$(eval $(call user_program,$s,bin)))
$(foreach s,$(USER_TEST_SRC),$(eval $(call user_program,$s,tests)))

$(U)/bin/bench: $(USER_BENCH_OBJ) $(USERLIB)
	@mkdir -p $(@D); $(call say,LD      $@)
	$(Q)$(ULINK) -o $@ $(USER_BENCH_OBJ) $(USERLIB)

$(U)/tests/heap: $(USER_HEAP_OBJ) $(USERLIB)
	@mkdir -p $(@D); $(call say,LD      $@)
	$(Q)$(ULINK) -o $@ $(USER_HEAP_OBJ) $(USERLIB)

.PHONY: user
user: $(USER_PROGRAMS) $(USER_TESTS)

-include $(patsubst %.c,$(U)/obj/%.d,$(USER_BIN_SRC) \
	$(USER_BENCH_SRC) $(USER_HEAP_SRC) $(USER_TEST_SRC))
