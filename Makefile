# make lab · make demo · make test · make check: one job each. `make help` lists them.

SHELL := /bin/bash
VENV := .venv
BIN := $(CURDIR)/$(VENV)/bin
export PATH := $(BIN):$(PATH)
export KERAS_BACKEND := jax
CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/medlab
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# In a container one often is root, which JupyterLab wants to be told.
AS_ROOT := $(if $(filter 0,$(shell id -u)),--allow-root)
FRONTEND := $(shell find labextension -type f -not -name '*.spec.ts') package.json tsconfig.json

.PHONY: help lab demo test test-long check wheel clean
.DEFAULT_GOAL := help

help:
	@echo "make lab        open JupyterLab on the first notebook"
	@echo "make demo       run the whole loop without a person; results/ holds what it made"
	@echo "make test       every test, a real browser included"
	@echo "make test-long  the same with the full kill and fuzz campaigns"
	@echo "make check      lint, types, formatting"
	@echo "make wheel      dist/medlab-*.whl, installs without Node"

# The environment. SKIP_JUPYTER_BUILDER: the front end is built by the next rule, once.
$(VENV)/python.done: pyproject.toml .ci/prerequisites
	@python=$$(.ci/prerequisites) && { [ -x $(BIN)/python ] || "$$python" -m venv $(VENV); }
	@echo "Installing Python packages into $(VENV) (minutes the first time) ..."
	@mkdir -p medlab/static/lab
	@$(PIP) install --upgrade pip
	@SKIP_JUPYTER_BUILDER=1 $(PIP) install -e ".[dev]"
	@SKIP_JUPYTER_BUILDER=1 $(PIP) install -e ".[itkwidgets]" \
	  || echo "The extra medlab[itkwidgets] does not resolve on this Python: the NiiVue viewer is used."
	@touch $@

node_modules/.done: package.json yarn.lock | $(VENV)/python.done
	@echo "Installing JavaScript packages ..."
	@jlpm install --immutable > node_modules.log 2>&1 || { tail -20 node_modules.log; exit 1; }
	@mv node_modules.log node_modules/install.log && touch $@

$(VENV)/frontend.done: $(FRONTEND) node_modules/.done $(VENV)/python.done
	@echo "Building the JupyterLab extension ..."
	@jlpm build:prod > $(VENV)/build.log 2>&1 || { tail -30 $(VENV)/build.log; exit 1; }
	@jupyter-builder develop --overwrite . > /dev/null 2>&1
	@touch $@

samples/ct-chest-small: | $(VENV)/python.done
	@medlab samples ct-chest-small --to $@

lab: $(VENV)/frontend.done samples/ct-chest-small
	@jupyter lab --ServerApp.root_dir="$(CURDIR)" $(AS_ROOT) notebooks/00-the-whole-loop.ipynb

demo: $(VENV)/frontend.done samples/ct-chest-small
	@python notebooks/demo.py results

# Stock convolutions by default: their programs are kept and need not be compiled again.
# The fast ones have tests of their own, and the notebooks and the browser train with them.
# The files that take minutes come first, so that neither worker waits for the other.
PYTEST := MEDLAB_CONVOLUTIONS=stock pytest -n 2 --dist loadfile --no-loadscope-reorder \
  --durations 20 tests/faults tests/fuzz tests/python medlab
# Each file has a server and a page of its own; one waits while the other computes.
BROWSER := pytest -n 2 --dist loadfile --durations 20 tests/notebooks tests/ui
# Where there is no Orthanc and none can be installed, the tests that need it are skipped.
ORTHANC := { export MEDLAB_ORTHANC; MEDLAB_ORTHANC=$$(.ci/orthanc) || true; }

test: $(VENV)/frontend.done
	@chromium=$$(.ci/chromium) && $(ORTHANC) && jlpm test && $(PYTEST) \
	  && MEDLAB_CHROMIUM=$$chromium $(BROWSER)

test-long: export MEDLAB_LONG := 1
test-long: $(VENV)/frontend.done
	@chromium=$$(.ci/chromium) && $(ORTHANC) && jlpm test && $(PYTEST) --timeout 7200 \
	  && MEDLAB_CHROMIUM=$$chromium $(BROWSER) --timeout 7200

check: $(VENV)/python.done node_modules/.done
	@ruff check . && ruff format --check . && mypy && jlpm lint:check

wheel: $(VENV)/frontend.done
	@python -m build --wheel

clean:
	rm -rf $(VENV) node_modules lib dist medlab/static .mypy_cache .ruff_cache
