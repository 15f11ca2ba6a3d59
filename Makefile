# sentinel-watch: the table of contents of the build. Nothing to edit here when a file is added to a room.
#
#   make            the programs, in build/
#   make demo       installs what is missing, builds, and shows the main job
#   make check      installs what the tests need, builds and runs them all (T=PATTERN: only the bats files that match)
#   make install    DESTDIR= PREFIX=/usr/local
#   make fuzz chaos attack bench format clean      V=1 shows commands; SAN=address,undefined builds with sanitizers into build/san

VERSION := 0.1.0
PREFIX  ?= /usr/local
CC      ?= cc
CFLAGS  ?= -O2 -g

# Programs: the rooms they are built from, and what they may link besides libc (tests/needed.sh holds them to it).
PROGRAMS := sentinel-watch sentinel-scribe sentinel-policy sentinel-notifier

sentinel-watch_rooms    := supervisor/main
sentinel-watch_libs     := -lseccomp -lyaml
sentinel-scribe_rooms   := scribe tools/record
sentinel-scribe_libs    := -lcrypto -ljansson
sentinel-policy_rooms   := tools/policy tools/record
sentinel-policy_libs    := -lyaml -lcrypto -ljansson
sentinel-notifier_rooms := notifier-ui
sentinel-notifier_libs  := -ljansson
ifeq ($(shell pkg-config --exists ncursesw 2>/dev/null && echo y),y)
sentinel-notifier_libs  += $(shell pkg-config --libs ncursesw)
endif
# libnotify brings GLib, which a server build does without: then `sentinel-watch desktop` says so.
ifeq ($(shell pkg-config --exists libnotify 2>/dev/null && echo y),y)
sentinel-notifier_libs  += $(shell pkg-config --libs libnotify)
DESKTOP_CFLAGS := -DHAVE_LIBNOTIFY $(patsubst -I%,-isystem %,$(shell pkg-config --cflags libnotify))
endif

# ---- one template below; a room is a folder (every .c in it) or one file

SAN ?=
BUILD := build$(if $(SAN),/san)
OBJ := $(BUILD)/obj
Q := $(if $(V),,@)

WARN := -std=c11 -D_GNU_SOURCE -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wwrite-strings -Wformat=2 \
        -Wno-unused-parameter -Wno-missing-field-initializers -Wno-format-nonliteral $(if $(WERROR),-Werror)
HARDEN := -fPIE -fstack-protector-strong -fno-strict-aliasing $(if $(SAN),,-D_FORTIFY_SOURCE=2)
SANFLAGS := $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=undefined)
ALL_CFLAGS = $(WARN) $(HARDEN) -pthread -Isupervisor -I. -DVERSION='"$(VERSION)"' -DPREFIX='"$(PREFIX)"' $(CFLAGS) $(SANFLAGS)
ALL_LDFLAGS = -pie -Wl,-z,relro,-z,now -Wl,--as-needed -pthread $(SANFLAGS) $(LDFLAGS)

room_src = $(if $(wildcard $(1).c),$(1).c,$(wildcard $(1)/*.c))
objs = $(patsubst %.c,$(OBJ)/%.o,$(1))

# Everything of the supervisor but main() is one archive: the other programs take from it what they share.
LIB := $(BUILD)/libsentinel.a
LIB_SRC := $(filter-out supervisor/main.c,$(wildcard supervisor/*.c supervisor/calls/*.c))

all:
.PHONY: all check demo install fuzz fuzz-run chaos attack bench format clean deps-build deps-demo deps-check
define program
$(1)_src := $$(foreach r,$$($(1)_rooms),$$(call room_src,$$(r)))
$(BUILD)/$(1): $$(call objs,$$($(1)_src)) $(LIB)
	@echo "  LINK    $$@"
	$$(Q)$$(CC) $$(ALL_LDFLAGS) -o $$@ $$(filter %.o,$$^) $(LIB) $$($(1)_libs)
endef
$(foreach p,$(PROGRAMS),$(eval $(call program,$(p))))
all: $(addprefix $(BUILD)/,$(PROGRAMS)) $(BUILD)/profiles

$(LIB): $(call objs,$(LIB_SRC))
	@echo "  AR      $@"
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(OBJ)/%.o: %.c Makefile
	@mkdir -p $(@D)
	@echo "  CC      $<"
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# The built-in profiles are found beside a build tree too.
$(BUILD)/profiles: | $(wildcard profiles)
	$(Q)ln -sfn $(if $(SAN),../../profiles,../profiles) $@

$(OBJ)/notifier-ui/desktop.o: ALL_CFLAGS += $(DESKTOP_CFLAGS)

-include $(shell find $(OBJ) -name '*.d' 2>/dev/null)

# ---- tests

UNIT_SRC := $(wildcard tests/unit/*.c)
# Beside the supervisor's archive, what the interfaces have that can be tested without a screen.
UNIT_SRC += notifier-ui/plain.c notifier-ui/model.c
$(BUILD)/unit: $(call objs,$(UNIT_SRC)) $(LIB)
	@echo "  LINK    $@"
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) $(LIB) -lcriterion -lseccomp -lyaml -ljansson

AGENTS := $(patsubst tests/agents/%.c,$(BUILD)/agents/%,$(wildcard tests/agents/*.c))
agents: $(AGENTS)
# Small hostile or plain programs that tests run as agents: no hardening, static where the name says so.
$(BUILD)/agents/%: tests/agents/%.c
	@mkdir -p $(@D)
	@echo "  CC      $<"
	$(Q)$(CC) -std=gnu11 -O1 -Wall -o $@ $< -pthread $(if $(findstring static,$*),-static)

# make fuzz: each target of tests/fuzz for SECONDS, from tests/fuzz/seeds/NAME when that exists. What it finds is kept in build/fuzz.
SECONDS ?= 60
FUZZERS := $(patsubst tests/fuzz/%.c,$(BUILD)/%,$(wildcard tests/fuzz/fuzz_*.c))
# Beside the supervisor's archive, what reads and writes the log.
FUZZ_LIB := $(BUILD)/libfuzzed.a
$(FUZZ_LIB): $(call objs,scribe/chain.c scribe/sign.c tools/record/record.c)
	$(Q)rm -f $@ && $(AR) rcs $@ $^
$(FUZZERS): $(BUILD)/%: $(OBJ)/tests/fuzz/%.o $(FUZZ_LIB) $(LIB)
	@echo "  LINK    $@"
	$(Q)$(CC) $(ALL_LDFLAGS) -fsanitize=fuzzer -o $@ $< $(FUZZ_LIB) $(LIB) -lseccomp -lyaml -lcrypto -ljansson
$(OBJ)/tests/fuzz/%.o: ALL_CFLAGS += -Iscribe -Itools/record
fuzz:
	$(Q)./tools/deps fuzz
	$(Q)$(MAKE) --no-print-directory fuzz-run BUILD=build/fuzz CC=clang SAN=fuzzer-no-link,address,undefined
fuzz-run: $(FUZZERS)
	$(Q)set -e; for f in $(FUZZERS); do n=$${f##*/}; echo "  FUZZ    $$n, $(SECONDS) s"; mkdir -p $(BUILD)/corpus/$$n; \
	    seeds=tests/fuzz/seeds/$$n; [ -d $$seeds ] || seeds=; \
	    $$f -max_total_time=$(SECONDS) -artifact_prefix=$(BUILD)/$$n- -print_final_stats=1 $(BUILD)/corpus/$$n $$seeds >$(BUILD)/$$n.log 2>&1 \
	        || { tail -40 $(BUILD)/$$n.log; exit 1; }; grep -E 'number_of_executed_units' $(BUILD)/$$n.log; done

# make chaos: for SECONDS one round after the other; CHAOS takes more of tests/chaos/chaos.py's options, as in
# CHAOS='--calls 1000000 --processes 10000' (does the supervisor grow?) or CHAOS='--round disk --user --seed 7'.
chaos: all agents
	$(Q)tests/chaos/chaos.py $(BUILD) $(SECONDS) $(CHAOS)

# make bench: tools/bench says what it measures. QUICK=1: about a minute. UPDATE=1: into docs/performance.md.
BENCH := $(addprefix $(BUILD)/bench/,calls floor rounds)
$(BENCH): $(BUILD)/bench/%: tools/bench/%.c
	@mkdir -p $(@D)
	@echo "  CC      $<"
	$(Q)$(CC) -std=c11 -D_GNU_SOURCE -O2 -Wall -Wextra -o $@ $<
$(BUILD)/bench/pure: $(OBJ)/tools/bench/pure.o $(LIB)
	@mkdir -p $(@D)
	@echo "  LINK    $@"
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $< $(LIB) -lseccomp -lyaml
bench: all $(BENCH) $(BUILD)/bench/pure
	$(Q)QUICK=$(QUICK) UPDATE=$(UPDATE) tools/bench/bench $(BUILD)

deps-build:
	$(Q)./tools/deps build
deps-demo:
	$(Q)./tools/deps demo
deps-check:
	$(Q)./tools/deps check

check: deps-check
	$(Q)$(MAKE) --no-print-directory all agents $(BUILD)/unit WERROR=1
	$(Q)./tests/run $(BUILD) $(T)

# The attack tests for SECONDS each (default of make check: a moment).
attack: deps-check
	$(Q)$(MAKE) --no-print-directory all agents WERROR=1
	$(Q)SW_SECONDS=$(SECONDS) ./tests/run $(BUILD) attack

demo: deps-demo
	$(Q)$(MAKE) --no-print-directory all
	$(Q)./tools/demo $(BUILD)

install: all
	$(Q)install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib/sentinel-watch $(DESTDIR)$(PREFIX)/share/sentinel-watch/profiles
	$(Q)install -m 755 $(BUILD)/sentinel-watch $(DESTDIR)$(PREFIX)/bin/
	$(Q)install -m 755 $(wildcard $(addprefix $(BUILD)/,$(filter-out sentinel-watch,$(PROGRAMS)))) $(DESTDIR)$(PREFIX)/lib/sentinel-watch/
	$(Q)install -m 644 $(wildcard profiles/*.yaml) $(DESTDIR)$(PREFIX)/share/sentinel-watch/profiles/

format:
	$(Q)clang-format -i $(shell git ls-files '*.c' '*.h')

clean:
	$(Q)rm -rf build
