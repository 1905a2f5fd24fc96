# anyt: `make` lists what can be made. Needs cargo and a C compiler (SQLite is compiled in).

PREFIX ?= /usr/local
DESTDIR ?=
SEEDS ?= 1000
N ?= 100000
ROUNDS ?= 200
TASKS ?= 100000

CARGO ?= cargo
# Most tests wait for programs most of the time.
export RUST_TEST_THREADS ?= $(shell echo $$((2 * $$(nproc))))
TARGET := $(or $(CARGO_TARGET_DIR),target)
MUSL := x86_64-unknown-linux-musl
STATIC := $(TARGET)/$(MUSL)/static/anyt
DIST := $(TARGET)/dist
ARM := aarch64-unknown-linux-musl armv7-unknown-linux-musleabihf
VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
# What is installed and packed.
BUILT ?= $(TARGET)/release
CLIENT_PAGES := $(filter-out man/anyt-server.1,$(wildcard man/*.1))
STATIC_BUDGET := 3595000

# What the tests need beside anyt itself: the server, and the points where it can be made to crash.
TEST_FEATURES := server,failpoints

# What anyt does not use of SQLite stays out of the static file. A plain `cargo build` works without this.
SQLITE_SMALL := \
	-USQLITE_ENABLE_FTS3 -USQLITE_ENABLE_FTS3_PARENTHESIS -USQLITE_ENABLE_FTS5 -USQLITE_ENABLE_RTREE \
	-USQLITE_ENABLE_STAT4 -USQLITE_SOUNDEX -USQLITE_ENABLE_DBSTAT_VTAB -USQLITE_ENABLE_COLUMN_METADATA \
	-USQLITE_ENABLE_API_ARMOR -USQLITE_ENABLE_LOAD_EXTENSION -USQLITE_ENABLE_MEMORY_MANAGEMENT \
	-DSQLITE_OMIT_LOAD_EXTENSION -DSQLITE_OMIT_DEPRECATED -DSQLITE_OMIT_SHARED_CACHE -DSQLITE_OMIT_TRACE \
	-DSQLITE_OMIT_PROGRESS_CALLBACK -DSQLITE_OMIT_AUTHORIZATION -DSQLITE_OMIT_EXPLAIN -DSQLITE_OMIT_GET_TABLE \
	-DSQLITE_OMIT_AUTOVACUUM -DSQLITE_OMIT_INCRBLOB -DSQLITE_OMIT_DESERIALIZE -DSQLITE_OMIT_INTEGRITY_CHECK \
	-DSQLITE_OMIT_COMPILEOPTION_DIAGS -DSQLITE_OMIT_LOCALTIME -DSQLITE_OMIT_DATETIME_FUNCS -DSQLITE_MAX_EXPR_DEPTH=0 \
	-DSQLITE_OMIT_TCL_VARIABLE -DSQLITE_OMIT_UTF16 -DSQLITE_OMIT_DECLTYPE -DSQLITE_OMIT_INTROSPECTION_PRAGMAS \
	-DSQLITE_DQS=0 -DSQLITE_OMIT_FOREIGN_KEY -DSQLITE_OMIT_GENERATED_COLUMNS -DSQLITE_OMIT_XFER_OPT -DSQLITE_UNTESTABLE \
	-DSQLITE_OMIT_FLAG_PRAGMAS -DSQLITE_OMIT_SCHEMA_PRAGMAS -DSQLITE_OMIT_LIKE_OPTIMIZATION -DSQLITE_MAX_MMAP_SIZE=0 \
	-DSQLITE_MAX_WORKER_THREADS=0 -DSQLITE_DEFAULT_MEMSTATUS=0 -DSQLITE_DEFAULT_PCACHE_INITSZ=64

# C for a file at a fixed address, as small as the compiler can make it: gcc 12 and clang have -Oz.
SMALL_C = -fno-pic $(if $(shell musl-gcc -Oz -E - </dev/null 2>/dev/null),-Oz,-Os)

# What LLVM does for size beside -Oz: equal pieces of functions are made one, also those that are equal only once shorter
# ones are; so are functions that differ in constants. More than two moves are a call of memcpy. A large frame stays out of its
# caller's, where every access is longer. Blocks lie so that few jumps are needed, and a short switch is no table of 8 bytes
# an entry. A rustc that does not know an option does without it.
LLVM_SMALL := enable-machine-outliner machine-outliner-reruns=2 enable-global-merge-func max-store-memcpy=2 \
	inline-max-stacksize=128 apply-ext-tsp-for-size split-spill-mode=size disable-lsr min-jump-table-entries=8
SMALL_CODE = $(foreach option,$(LLVM_SMALL),$(if $(shell rustc --print cfg -C llvm-args=-$(option) 2>/dev/null),-C llvm-args=-$(option)))

# At a fixed address: no relocations to store or to apply at every start, and `file` calls it statically linked. The
# linker that comes with Rust, where it does, folds equal functions, a fortieth of the file. Names of this machine's
# folders stay out of it.
LLD = $(wildcard $(shell rustc --print sysroot)/lib/rustlib/$(shell rustc -vV | sed -n 's/^host: //p')/bin/gcc-ld)
STATIC_RUSTFLAGS = $(if $(ARM32),,--cfg no_backtrace) -C relocation-model=static $(if $(ARM32),,$(SMALL_CODE)) \
	-C link-arg=-Wl,-T,.cargo/static.ld \
	$(if $(LLD),-C link-arg=-fuse-ld=lld -C link-arg=-B$(LLD) -C link-arg=-Wl$(comma)--icf=all$(comma)-O2) \
	$(foreach crates,$(wildcard $(or $(CARGO_HOME),$(HOME)/.cargo)/registry/src/*),--remap-path-prefix=$(crates)=) \
	--remap-path-prefix=$(CURDIR)=anyt
comma := ,
# ARM of 32 bits unwinds in a way of its own, and what LLVM 22 outlines there is not equal: the file crashes at its start.
ARM32 = $(filter armv7%,$*)

.DEFAULT_GOAL := help
.PHONY: help build static static-check musl install install-client install-server uninstall deb dist docs demo test test-minimal check chaos kill-server fuzz-server \
	bench bench-server clean

help: ## List what can be made
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | while IFS='|' read -r target text; do \
		printf '%-20s %s\n' "$$target" "$$text"; done

build: ## Build anyt and anyt-server for this machine, in target/release
	$(CARGO) build --release --locked --bin anyt
	$(CARGO) build --profile server-release --locked --features server --bin anyt-server
	ln -f $(TARGET)/server-release/anyt-server $(TARGET)/release/anyt-server

static: musl ## Build anyt as one small static file for Linux on x86-64
	LIBSQLITE3_FLAGS="$(SQLITE_SMALL)" CFLAGS_x86_64_unknown_linux_musl="$(SMALL_C)" RUSTFLAGS="$(STATIC_RUSTFLAGS)" \
		$(CARGO) build --profile static --locked --target $(MUSL) --bin anyt
	@echo "$(STATIC): $$($(STATIC) --version), $$(wc -c <$(STATIC)) bytes"

static-check: static ## Check the static file: size, linkage, a sync in an otherwise empty root folder
	$(CARGO) build --locked --features server --bin anyt-server
	tests/static.sh $(STATIC) $(TARGET)/debug/anyt-server $(STATIC_BUDGET)

musl:
	@command -v musl-gcc >/dev/null || { echo "musl-gcc is missing; on Debian and Ubuntu: apt-get install musl-tools" >&2; exit 1; }
	@test -d "$$(rustc --print target-libdir --target $(MUSL))" || rustup target add $(MUSL) \
		|| { echo "Rust's standard library for $(MUSL) is missing; with rustup: rustup target add $(MUSL)" >&2; exit 1; }

install: install-client install-server ## Install what 'make build' has built below PREFIX (and DESTDIR); builds nothing

# Root installs, and builds nothing: what is not there yet is not made by root in somebody's folder.
built-%:
	@test -x $(BUILT)/$* || { echo "$(BUILT)/$* is not there yet; as yourself: make build" >&2; exit 1; }

install-client: built-anyt ## Install anyt with its man pages and completions
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/man/man1 \
		$(DESTDIR)$(PREFIX)/share/bash-completion/completions $(DESTDIR)$(PREFIX)/share/zsh/site-functions \
		$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d
	install -m 755 $(BUILT)/anyt $(DESTDIR)$(PREFIX)/bin
	install -m 644 $(CLIENT_PAGES) $(DESTDIR)$(PREFIX)/share/man/man1
	install -m 644 completions/anyt.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/anyt
	install -m 644 completions/_anyt $(DESTDIR)$(PREFIX)/share/zsh/site-functions
	install -m 644 completions/anyt.fish $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d

install-server: built-anyt-server ## Install anyt-server with its man page, completions, unit and examples
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/man/man1 \
		$(DESTDIR)$(PREFIX)/share/bash-completion/completions $(DESTDIR)$(PREFIX)/share/zsh/site-functions \
		$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d $(DESTDIR)$(PREFIX)/share/anyt-server
	install -m 755 $(BUILT)/anyt-server $(DESTDIR)$(PREFIX)/bin
	install -m 644 man/anyt-server.1 $(DESTDIR)$(PREFIX)/share/man/man1
	install -m 644 completions/anyt-server.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/anyt-server
	install -m 644 completions/_anyt-server $(DESTDIR)$(PREFIX)/share/zsh/site-functions
	install -m 644 completions/anyt-server.fish $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d
	sed 's|/usr/local/bin|$(PREFIX)/bin|' packaging/anyt-server.service >$(DESTDIR)$(PREFIX)/share/anyt-server/anyt-server.service
	install -m 644 packaging/nginx.conf packaging/Caddyfile $(DESTDIR)$(PREFIX)/share/anyt-server

deb: built-anyt built-anyt-server ## Pack what 'make build' has built as two Debian packages, in target/dist
	@command -v dpkg-deb >/dev/null || { echo "dpkg-deb is missing; on Debian and Ubuntu: apt-get install dpkg" >&2; exit 1; }
	rm -rf $(DIST)/deb && mkdir -p $(DIST)/deb
	$(MAKE) --no-print-directory install-client PREFIX=/usr DESTDIR=$(DIST)/deb/anyt BUILT=$(BUILT)
	$(MAKE) --no-print-directory install-server PREFIX=/usr DESTDIR=$(DIST)/deb/anyt-server BUILT=$(BUILT)
	packaging/deb.sh $(DIST) $(VERSION) anyt "Offline-first client for AnyTask"
	packaging/deb.sh $(DIST) $(VERSION) anyt-server "Server of the AnyTask API on one SQLite file"
	rm -rf $(DIST)/deb

dist: static $(ARM:%=dist-%) ## Pack the static files of x86-64, and of ARM where its compilers are here, with checksums, in target/dist
	packaging/dist.sh $(DIST) $(VERSION) x86_64 $(STATIC)
	cd $(DIST) && sha256sum *.tar.gz >SHA256SUMS && cat SHA256SUMS

dist-%:
	@LIBSQLITE3_FLAGS="$(SQLITE_SMALL)" SMALL_C="$(SMALL_C)" RUSTFLAGS="$(STATIC_RUSTFLAGS)" packaging/arm.sh $*; \
		case $$? in 1) exit ;; 0) ;; *) exit 1 ;; esac; \
		$(CARGO) build --quiet --locked --features server --bin anyt-server && \
		packaging/emulated.sh $* $(TARGET)/$*/static/anyt $(TARGET)/debug/anyt-server && \
		packaging/dist.sh $(DIST) $(VERSION) $(firstword $(subst -, ,$*)) $(TARGET)/$*/static/anyt

uninstall: ## Remove what install put there
	rm -f $(DESTDIR)$(PREFIX)/bin/anyt $(DESTDIR)$(PREFIX)/bin/anyt-server \
		$(addprefix $(DESTDIR)$(PREFIX)/share/man/man1/,$(notdir $(wildcard man/*.1))) \
		$(DESTDIR)$(PREFIX)/share/bash-completion/completions/anyt \
		$(DESTDIR)$(PREFIX)/share/zsh/site-functions/_anyt \
		$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/anyt.fish \
		$(DESTDIR)$(PREFIX)/share/bash-completion/completions/anyt-server \
		$(DESTDIR)$(PREFIX)/share/zsh/site-functions/_anyt-server \
		$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/anyt-server.fish
	rm -rf $(DESTDIR)$(PREFIX)/share/anyt-server

docs: ## Write man/ and completions/ from the command table
	$(CARGO) run --quiet --locked --bin anyt -- generate .
	$(CARGO) build --quiet --locked --features server --bin anyt-server
	$(TARGET)/debug/anyt-server generate bash >completions/anyt-server.bash
	$(TARGET)/debug/anyt-server generate zsh >completions/_anyt-server
	$(TARGET)/debug/anyt-server generate fish >completions/anyt-server.fish

demo: ## Play a short tour against a server of its own
	@$(CARGO) build --quiet --locked --features server
	@demo/tour.sh $(TARGET)/debug

test: ## Run all tests; those that need more than is here say that they skip
	$(CARGO) test --locked --features $(TEST_FEATURES) --no-fail-fast

test-minimal: ## Run demo and tests in a minimal Debian with Rust, a C compiler and make only; needs root and debootstrap
	tests/minimal.sh $(TARGET)/minimal

check: ## What has to pass before a change is merged: format, lints, documentation, tests, demo
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets --features $(TEST_FEATURES) -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --no-deps --document-private-items --features $(TEST_FEATURES)
	$(MAKE) test
	$(MAKE) demo

chaos: ## Run the convergence test on SEEDS random histories (1000)
	CHAOS_SEEDS=$(SEEDS) $(CARGO) test --locked --features $(TEST_FEATURES) --test anyt convergence:: -- --nocapture

kill-server: ## Kill the server ROUNDS (200) times under 20 writers: nothing that was answered may be lost
	KILL_ROUNDS=$(ROUNDS) $(CARGO) test --locked --features $(TEST_FEATURES) --test server -- a_kill_loses_no_write

fuzz-server: ## Send N (100000) requests to the server that no client would send
	FUZZ_REQUESTS=$(N) $(CARGO) test --locked --features $(TEST_FEATURES) --test server -- fuzz --nocapture

bench-server: build ## Measure the server with TASKS (100000) tasks: writers, listing, idle connections
	rustc -O --edition 2024 bench/load.rs -o $(TARGET)/load
	$(TARGET)/load $(TARGET)/release/anyt-server $(TASKS)

bench: ## Measure anyt and anyt-server beside yardsticks, as a Markdown table; ROWS="list push" does some
	$(CARGO) bench --locked --features server --bench yardsticks -- $(ROWS)

clean: ## Remove everything that was built
	$(CARGO) clean
