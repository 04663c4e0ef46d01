# `make demo` and `make test` set up what they need, in .venv; `make clean` takes it away again.
PYTHON ?= python3
BIN := .venv/bin
INSTALL := $(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable

.PHONY: demo test check bench docs clean

demo: .venv/demo-installed
	$(BIN)/ablehand demo $(ARGS)

test: .venv/dev-installed
	$(BIN)/python -m pytest -n 3 --dist worksteal $(ARGS)

check: .venv/dev-installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/interrogate --quiet .

bench: .venv/dev-installed
	$(BIN)/python -m benchmarks

docs: .venv/dev-installed
	$(BIN)/python -m tests.settings_page > docs/settings.md

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; try: make PYTHON=python3.11" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv .venv

.venv/demo-installed: pyproject.toml constraints.txt | .venv/bin/python
	$(INSTALL) '.[demo]'
	@touch $@

.venv/dev-installed: pyproject.toml constraints.txt | .venv/bin/python
	$(INSTALL) '.[demo,dev]'
	@touch $@ .venv/demo-installed

clean:
	rm -rf .venv build dist var *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
