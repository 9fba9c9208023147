# Every command of this project. `make` alone lists them; what CI runs is in .ci/run.

# The first Python from 3.11 to 3.14 on PATH; `make PYTHON=/path/to/python3.12 ...` takes another.
ifndef PYTHON
PYTHON := $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null && echo $$python && break; \
	done)
endif

VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
PYTEST := $(BIN)/python -m pytest

.PHONY: help demo test check quality fault bench clean
.DEFAULT_GOAL := help

help: ## List these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(INSTALLED) ## Push the seed articles through the whole service and show their stories
	@$(BIN)/dedup demo

test: check ## All checks, and all tests but the long ones and those that kill (under 5 minutes)
	@$(PYTEST) -n 3 -m "not fault and not quality and not slow" tests $(PYTEST_ARGS)

check: $(INSTALLED) ## Style, types and import floors, without running anything
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

quality: $(INSTALLED) ## Score the gold sets against the gates of benchmarks/gates.toml
	@$(PYTEST) -m quality --timeout 900 tests/quality $(PYTEST_ARGS)

fault: $(INSTALLED) ## Kill workers and servers while they work, and take the long journeys
	@$(PYTEST) -m "fault or slow" --timeout 900 tests/fault tests/e2e tests/integration $(PYTEST_ARGS)

bench: export PIP_CONSTRAINT := constraints.txt
bench: export PIP_BUILD_CONSTRAINT := constraints.txt
bench: $(INSTALLED) ## Measure speed and memory: all suites, or one with SUITE=name
	@$(BIN)/python -m pip install -qq --editable '.[dev,peers]'
	@$(BIN)/python -m benchmarks $(SUITE)

clean: ## Remove the virtual environment and what tools have left
	rm -rf $(VENV) build dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Two variables, for pip before 25.3 reads the first one in isolated builds and later ones read the second one there.
$(INSTALLED): export PIP_CONSTRAINT := constraints.txt
$(INSTALLED): export PIP_BUILD_CONSTRAINT := constraints.txt
$(INSTALLED): export PIP_DISABLE_PIP_VERSION_CHECK := 1
$(INSTALLED): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { \
		echo "This needs Python 3.11 to 3.14, and none is on PATH: install one, or say make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "This needs Python 3.11 or later, and $(PYTHON) is not: say make PYTHON=/path/to/python3" >&2; exit 1; }
	@echo "Installing into $(VENV) with $(PYTHON): a minute or two, once"
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install -qq --editable '.[dev]'
	@touch $@
