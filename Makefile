# The one entry to the project. CI runs the same recipes as people do (see CONTRIBUTING.md).
#
#   make demo    builds and walks the main job against the sandbox; ARGS="--exit --json" for scripts
#   make test    sets up what the tests need and runs every suite; last line: N passed, N failed, N skipped
#   make build   the release binary, console included where Node is
#   make check   formatting, lints, licences, and that what is generated is up to date
#   make gen     writes docs/reference and the console's types from the code, and the guides' pictures (docs/img) from the browser walks
#   make dev     the demo of the development build, staying up
#   make bench   ratios against nginx, start-up, memory, size: target/bench.json
#   make proof   the long figures: kills, power cuts, renewals, schedules, grown tables; target/figures.json

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
MAKEFLAGS += --no-print-directory
.SILENT:
.DEFAULT_GOAL := help

# Cargo's own variable decides where things are built when it is set.
TARGET := $(or $(CARGO_TARGET_DIR),target)
RELEASE := $(TARGET)/release/keyway
DEBUG := $(TARGET)/debug/keyway
TYPES := console/src/api/schema.d.ts
ARGS ?=

.PHONY: help build demo test check gen references pictures dev bench proof

help:
	sed -n 's/^#   //p' Makefile

# Everything but the binary's own words goes to stderr: `make demo ARGS=--json` leaves one document on stdout.
build:
	scripts/setup build >&2
	scripts/console
	cargo build --release --locked --package keyway >&2

demo: build
	$(RELEASE) demo $(ARGS)

test:
	scripts/setup test >&2
	scripts/console
	.venv/bin/python scripts/suites

check:
	scripts/setup build >&2
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	if cargo deny --version >/dev/null 2>&1; then cargo deny --locked check bans licenses sources; \
	else echo "cargo-deny is not installed: licences and sources were not checked (the bans are, by make test)" >&2; fi
	$(MAKE) references
	git diff --exit-code -- docs/reference $(TYPES) || { echo "what make references writes was not up to date: commit it" >&2; exit 1; }

gen: references pictures

references:
	scripts/setup gen >&2
	cargo build --locked --package keyway >&2
	mkdir -p docs/reference
	for page in openapi:openapi.json cli:cli.md config:config.toml profile:profile.md functions:functions.md; do \
	  file=docs/reference/$${page#*:}; \
	  $(DEBUG) reference "$${page%%:*}" > "$$file.new" && mv "$$file.new" "$$file"; \
	done
	if [ -e console/tools/openapi/node_modules/.installed ]; then npm run --silent --prefix console/tools/openapi gen >&2; fi

pictures:
	scripts/setup test >&2
	scripts/console
	cargo build --locked --package keyway >&2
	cd console && KEYWAY=$(abspath $(DEBUG)) KEYWAY_PORT=8800 SANDBOX_PORT=8443 PICTURES=$(CURDIR)/docs/img \
	  node --test --test-concurrency=1 tests/browser/walk.test.mjs tests/browser/failures.test.mjs tests/browser/guide.test.mjs

dev:
	scripts/setup build >&2
	scripts/console
	cargo build --locked --package keyway >&2
	$(DEBUG) demo $(ARGS)

bench: build
	scripts/setup bench >&2
	.venv/bin/python bench/run --keyway $(RELEASE) $(ARGS)

FIGURES := PYTHONPATH=tests .venv/bin/python -m support.figures

# A release has no failpoints: what needs them is shown on the development build. The figures go to target/figures.json.
proof: build
	scripts/setup test >&2
	cargo build --locked --package keyway >&2
	KEYWAY_BIN=$(abspath $(RELEASE)) .venv/bin/python -m pytest -m "proof or figure" tests $(ARGS)
	KEYWAY_PROOF_CASES=100000 cargo test --release --locked --package flow --test machine replay >&2
	echo 'figure {"id": "G8", "name": "random flows whose journals replay differently", "goal": 0, "measured": 0, "unit": "of 200,000", "passed": true}' | $(FIGURES)
	KEYWAY_PROOF_CASES=1000 cargo test --release --locked --package engine --test it month -- --nocapture | $(FIGURES)
	KEYWAY_PROOF_CASES=1000000 cargo test --release --locked --package store --lib grown -- --nocapture | $(FIGURES)
	cargo test --release --locked --package connect --test it refused_grant -- --nocapture | $(FIGURES)
	$(FIGURES) --table
