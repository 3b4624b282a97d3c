# One command to set up and run, one to test; CI runs the same. Every target works in a fresh clone.
#
#   make demo    install into .venv and run an example for real
#   make test    every test that is not slow (make test-slow, make test-faults: the others)
#   make check   format, ruff, pyright, import contracts, docs
#   make help    all targets

SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Bytecode is made of what is imported, when it is: of all that is installed it would take longer than the rest.
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile -c constraints.txt
unexport PYTHONDONTWRITEBYTECODE
# One more than processors: tests wait for processes, disks and clocks.
WORKERS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)
# The files that hold a mark: to collect them all takes longer than to run a few tests.
marked = $$(grep -rl --include='test_*.py' 'pytest.mark.$(1)' tests)

.DEFAULT_GOAL := help
.PHONY: help demo test test-slow test-faults smoke check format bench golden picture docs serve-docs clean system-packages

help:  ## show this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort | expand -t 16

# --- set-up: a stamp file per set of packages, remade when what it depends on changes ------------------------------

$(VENV)/stamp-venv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	    || { echo "Stepwell needs Python 3.11 or newer: make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || $(MAKE) --no-print-directory system-packages
	@echo "Creating $(VENV) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) --upgrade pip
	@touch $@

$(VENV)/stamp-package: pyproject.toml constraints.txt $(VENV)/stamp-venv
	@echo "Installing Stepwell and what its examples need ..."
	@$(PIP) --editable '.[examples]'
	@touch $@

$(VENV)/stamp-test: $(VENV)/stamp-package
	@$(PIP) --group test
	@touch $@

$(VENV)/stamp-lint: $(VENV)/stamp-package
	@$(PIP) --group lint
	@touch $@

$(VENV)/stamp-docs: $(VENV)/stamp-package
	@$(PIP) --group docs
	@touch $@

# As a user has it: nothing in it but Stepwell and what the measured flows import.
.venv-bench/stamp: pyproject.toml constraints.txt
	@echo "Installing Stepwell, to be measured, into .venv-bench ..."
	@$(PYTHON) -m venv .venv-bench
	@.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt --editable . numpy
	@touch $@

.venv-metaflow/stamp: bench/metaflow-constraints.txt
	@echo "Installing Metaflow, to measure against, into .venv-metaflow ..."
	@$(PYTHON) -m venv .venv-metaflow
	@.venv-metaflow/bin/python -m pip install --quiet --disable-pip-version-check -c $< metaflow numpy setuptools
	@touch $@

# Debian keeps venv in a package of its own; nothing else is needed from the system.
system-packages:
	@if command -v apt-get >/dev/null; then \
	    echo "Installing python3-venv ..."; \
	    SUDO=; [ "$$(id -u)" = 0 ] || SUDO=sudo; \
	    $$SUDO apt-get update -qq && DEBIAN_FRONTEND=noninteractive $$SUDO apt-get install -qq -y python3-venv; \
	else echo "This Python has no venv module; install it with your package manager." >&2; exit 1; fi

# --- what people run ------------------------------------------------------------------------------------------------

demo: $(VENV)/stamp-package  ## set up, run an example, say where the results are
	@$(BIN)/python examples/movie_stats.py run
	@echo
	@echo "The results are in $(CURDIR)/.stepwell. Look at them with:"
	@echo "  $(BIN)/python -c \"from stepwell import Flow; print(Flow('MovieStats').latest_successful_run.data.table)\""
	@echo "  $(BIN)/stepwell show examples/movie_stats.py        # the steps and where they lead"
	@echo "  $(BIN)/python examples/movie_stats.py logs latest/end      # what a step printed"
	@echo "Change something and run it again: $(BIN)/python examples/movie_stats.py run --least 50"

test: $(VENV)/stamp-test  ## every test that is not slow
	$(BIN)/python -m pytest -n $(WORKERS) -m "not slow and not faults"

test-slow: $(VENV)/stamp-test  ## scale tests and other long ones
	$(BIN)/python -m pytest -n $(WORKERS) -m slow $(call marked,slow)

test-faults: $(VENV)/stamp-test  ## kill, fill, damage, lock: hundreds of faults, and nothing lost (FAULT_SEED=N)
	$(BIN)/python -m pytest -n $(WORKERS) -m faults --least-faults 300 tests/faults

smoke: $(VENV)/stamp-test  ## the short selection that also runs on other Python versions
	$(BIN)/python -m pytest -n $(WORKERS) -m smoke $(call marked,smoke)

check: $(VENV)/stamp-test $(VENV)/stamp-lint $(VENV)/stamp-docs  ## format, ruff, pyright, import contracts, docs
	$(BIN)/ruff format --check src tests bench examples docs
	$(BIN)/ruff check src tests bench examples docs
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/python -m pytest -q tests/meta/test_public_names.py
	$(BIN)/lint-imports
	$(BIN)/mkdocs build --strict --site-dir site

format: $(VENV)/stamp-lint  ## rewrite the sources as ruff wants them
	$(BIN)/ruff format src tests bench examples docs
	$(BIN)/ruff check --fix src tests bench examples docs

bench: $(VENV)/stamp-test .venv-bench/stamp .venv-metaflow/stamp  ## measure the budgets against Metaflow and the raw limit
	$(BIN)/python bench/run.py

golden: $(VENV)/stamp-test  ## write anew what the checks say of bad flows
	$(BIN)/python tests/golden/bad_flows.py

picture: $(VENV)/stamp-docs  ## make the README's picture from a real run
	$(BIN)/python docs/picture.py

docs: $(VENV)/stamp-docs  ## build the documentation into site/
	$(BIN)/mkdocs build --strict --site-dir site

serve-docs: $(VENV)/stamp-docs  ## look at the documentation while writing it
	$(BIN)/mkdocs serve

clean:  ## remove what make made, the results of runs excepted
	rm -rf $(VENV) .venv-bench .venv-metaflow .venv-smoke-* site build dist .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find src tests bench examples docs -name __pycache__ -type d -prune -exec rm -rf {} +
