# The two commands to know: `make run` and `make test`. Both install what they need.

SHELL := /bin/bash
.DEFAULT_GOAL := help

# The port that `make run` serves on.
PORT ?= 3000
# Where cargo builds to; set CARGO_TARGET_DIR to share one between checkouts.
TARGET := $(or $(CARGO_TARGET_DIR),target)
BUILD := build

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: toolchain
toolchain:
	@command -v cargo >/dev/null || { echo "cargo is missing: install Rust 1.95 or newer with rustup" >&2; exit 1; }

.PHONY: build
build: toolchain ## Build the host: target/release/cofferdam
	cargo build --release --locked -p cofferdam

.PHONY: plugins
plugins: toolchain ## Build the starter plugins into build/plugins
	tools/build-guests.sh plugins $(BUILD)/plugins

.PHONY: guests
guests: plugins ## Build the plugins, and the components that only tests use
	tools/build-guests.sh tests/guests $(BUILD)/guests

.PHONY: run
run: build plugins ## Build everything, then serve the starter plugins (PORT=3000)
	tools/starter.sh $(TARGET)/release/cofferdam $(BUILD)/plugins $(BUILD)/starter
	exec $(TARGET)/release/cofferdam serve --config $(BUILD)/starter/cofferdam.toml --port $(PORT)

.PHONY: test-deps
test-deps:
	tests/clients/setup.sh
	tests/conformance/setup.sh
	tests/tools/setup.sh
	tests/tools/servers.sh

.PHONY: test
test: guests test-deps ## Run every check and test, conformance and real clients included
	tools/test.sh

.PHONY: lint
lint: toolchain ## Check formatting and lints
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings

.PHONY: conformance
conformance: guests test-deps ## Run the official conformance suite, both revisions, against the built host
	cargo build --workspace --all-targets --locked
	cargo test --workspace --locked --test it -- conformance:: --nocapture

.PHONY: clean
clean: ## Remove everything that was built
	cargo clean
	rm -rf $(BUILD)
