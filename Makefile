# imgcompare: `make run` and `make test` do all their own set-up on a bare Debian machine (root, or sudo).
.DEFAULT_GOAL := help
.PHONY: help run test test-fast soak check lint bench docs clean

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# Whole modules at a time to several processes: what a module's fixtures make is made once.
SHARED_OUT := --dist loadscope --no-loadscope-reorder --quiet
# What is imported again and again is compiled once.
unexport PYTHONDONTWRITEBYTECODE
SUDO := $(shell test "$$(id -u)" = 0 || echo sudo)

help: ## show these targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 18

run: $(READY) ## make this machine ready, then compare the bundled single-stage and multi-stage images
	@$(BIN)/imgcompare setup --yes
	@$(BIN)/imgcompare run --scenario default

test: $(READY) ## run every test, those on a real engine included (one is started where none answers)
	$(BIN)/python -m pytest --numprocesses auto $(SHARED_OUT) $(PYTEST_ARGS)

test-fast: $(READY) ## run every test that needs no engine and no browser: what to run while working
	$(BIN)/python -m pytest -m "not engine and not browser" --hypothesis-profile fast \
		--numprocesses $$(($$(getconf _NPROCESSORS_ONLN) + 1)) $(SHARED_OUT) $(PYTEST_ARGS)

soak: $(READY) ## kill 400 runs at random moments, by any signal, and count what is left
	IMGCOMPARE_KILLS=400 $(BIN)/python -m pytest tests/commands/test_kills_real.py -s --timeout 3600

lint: $(READY) ## static checks: formatting, ruff, who imports whom, mypy --strict
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports --no-logo
	$(BIN)/mypy

check: lint test ## static checks, then every test

bench: $(READY) ## measure speed and memory against doing the same by hand; prints ratios
	@$(BIN)/imgcompare setup --yes
	$(BIN)/python -m benchmarks

docs: $(READY) ## build the site of docs/ into build/docs; a link or an anchor that leads nowhere fails it
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[docs]'
	$(BIN)/mkdocs build --strict

clean: ## remove what runs left on the engine, stop our own engine, delete the virtual environment and caches
	-@test -x $(BIN)/imgcompare && $(BIN)/imgcompare clean; test -x $(BIN)/imgcompare && $(BIN)/imgcompare engine stop
	rm -rf $(VENV) .imgcompare .mypy_cache .ruff_cache .pytest_cache .hypothesis dist build

# Debian splits venv's ensurepip off: without python3-venv the first line fails, so it is installed and tried again.
$(READY): pyproject.toml constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) 2>/dev/null || { $(SUDO) apt-get update -qq && $(SUDO) apt-get install -y -qq python3-venv && $(PYTHON) -m venv --clear $(VENV); }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test]'
	@touch $(READY)
