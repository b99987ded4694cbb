# What one does with Hourglass. `make` alone lists the targets.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
PEERS := .venv-peers
DATA ?= lesson
CONFIG ?= denoising

.DEFAULT_GOAL := help
.PHONY: help setup run test lint types bench peers

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/.ready ## Create .venv and install everything into it

$(VENV)/.ready: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' \
		|| { echo "Hourglass needs Python 3.11; set PYTHON=/path/to/python3.11"; exit 1; }
	@echo "Installing into $(VENV) (a minute or two, about 2 GB) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

# The server and the worker beside it end together, however the shell is told to end.
run: setup ## Migrate, load, train, serve; DATA=PATH for your own data, CONFIG=NAME for another run
	@$(BIN)/hourglass db upgrade
	@$(BIN)/hourglass import --once "$(DATA)"
	@$(BIN)/hourglass train --once $(CONFIG)
	@test "$(DATA)" != lesson || $(BIN)/hourglass import --once digits
	@test "$(DATA)" != lesson || $(BIN)/hourglass train --once convolutional
	@trap 'exit 0' INT TERM HUP; trap 'kill $$worker $$server 2>/dev/null; wait' EXIT; \
		$(BIN)/hourglass worker & worker=$$!; \
		$(BIN)/hourglass serve & server=$$!; \
		wait $$server

test: setup ## Run all tests; those for PostgreSQL are skipped by name without one
	@$(BIN)/pytest

lint: setup ## Check style and formatting
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: setup ## Check types (mypy, strict)
	@$(BIN)/mypy

bench: setup ## Measure quality on DATA=PATH: network and popularity on the same split
	@test "$(DATA)" != lesson || { echo "Name the data: make bench DATA=PATH"; exit 2; }
	@$(BIN)/python -m benchmarks.recommenders --data "$(DATA)" --config $(CONFIG)

peers: setup $(PEERS)/.ready ## Install what benchmarks compare with (PyOD, RecBole); they skip what is absent
	@$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev,peers]'

# RecBole asks for old versions of much; it runs with new ones in an environment of its own.
$(PEERS)/.ready: benchmarks/peer_recbole.txt
	@$(PYTHON) -m venv $(PEERS)
	@$(PEERS)/bin/pip install --quiet --disable-pip-version-check --requirement $<
	@$(PEERS)/bin/pip install --quiet --disable-pip-version-check --no-deps recbole==1.2.1
	@touch $@
