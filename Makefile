# The front door. Every target does the set-up that it needs, in a virtual environment in the checkout; a second run finds
# it done. Needs Python 3.11 or newer and make, nothing else. Works with the make that macOS has (GNU make 3.81).
#
#   make lab ARGS="--no-browser --port 8899"     passes arguments on; so do test, build, demo and bench
#   make lab PYTHON=/path/to/python3.12          makes the environment with this Python
#   make test VENV=/somewhere/else               keeps the environment in another place

VENV = .venv
STATE = .jupyter/state
PYTHON ?=
ARGS ?=

absolute = $(if $(filter /%,$(1)),$(1),$(CURDIR)/$(1))
PY = $(VENV)/bin/python
PARALLEL = -n auto --maxprocesses 4 --dist loadfile

# nbgrader calls programs by name (alembic), so the environment's are found first.
export PATH := $(call absolute,$(VENV))/bin:$(PATH)

.NOTPARALLEL:
.PHONY: help setup lab test test-all oracle bench build demo lint clean

help:  ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-9s %s\n", $$1, $$2}' Makefile

setup: $(VENV)/with-test  ## set everything up and start nothing

lab: $(VENV)/with-course  ## open the course in JupyterLab
	@exec $(PY) -m jupyter lab --config=.jupyter/jupyter_lab_config.py $(ARGS)
# Jupyter's files about a user live in the checkout, so that a home folder neither disturbs the course nor is disturbed.
lab: export JUPYTER_CONFIG_DIR = $(call absolute,$(STATE))/config
lab: export JUPYTER_DATA_DIR = $(call absolute,$(STATE))/data
lab: export JUPYTER_RUNTIME_DIR = $(call absolute,$(STATE))/runtime
lab: export IPYTHONDIR = $(call absolute,$(STATE))/ipython

test: $(VENV)/with-test  ## run the tests (minutes)
	$(PY) -m pytest $(PARALLEL) -m "not slow and not oracle" $(ARGS)

test-all: $(VENV)/with-test  ## run the slow tests too
	$(PY) -m pytest $(PARALLEL) -m "not oracle" $(ARGS)

oracle: $(VENV)/with-oracle  ## run the tests that compare with PyTorch (installs it)
	$(PY) -m pytest $(PARALLEL) -m oracle $(ARGS)

bench: $(VENV)/with-bench  ## measure against PyTorch, autograd, micrograd and plain NumPy (installs them)
	$(PY) -m benchmarks $(ARGS)

build: $(VENV)/with-course  ## build every notebook from its text in solutions/
	$(PY) -m graders build $(ARGS)

demo: $(VENV)/with-course  ## grade a small made-up class, from release to feedback
	$(PY) -m graders demo $(ARGS)

lint: $(VENV)/with-test  ## check style and types
	$(PY) -m ruff check
	$(PY) -m mypy

clean:  ## remove the environment and the caches; the course and the gradebook stay
	rm -rf $(VENV) $(STATE) .mypy_cache .pytest_cache .ruff_cache .hypothesis

# What is installed is remembered by empty files in the environment, older than pyproject.toml when it has changed.
$(VENV)/with-course: EXTRAS =
$(VENV)/with-test: EXTRAS = [test]
$(VENV)/with-oracle: EXTRAS = [test,oracle]
$(VENV)/with-bench: EXTRAS = [bench,oracle]
$(VENV)/with-%: pyproject.toml $(VENV)/checkout
	@echo "Installing what the course needs$(if $(EXTRAS), and $(EXTRAS)) into $(VENV): once, about two minutes ..."
	@$(PY) -m pip install --quiet --quiet --disable-pip-version-check --editable ".$(EXTRAS)"
	@touch "$(VENV)/with-course" "$@"
.PRECIOUS: $(VENV)/with-%

# An environment works in one place only, and only while its Python is there: it is made again after either has moved.
ifneq ($(shell $(PY) -c 'import sys; print(open(sys.prefix + "/checkout").read())' 2>/dev/null),$(CURDIR))
.PHONY: $(VENV)/checkout
endif
$(VENV)/checkout:
	@if test -e "$(VENV)" && ! test -e "$(VENV)/pyvenv.cfg"; then \
	    echo "$(VENV) is there and is not a virtual environment: move it away, or say VENV=another/place." >&2; exit 1; \
	fi; \
	for python in $(if $(PYTHON),"$(PYTHON)",python3 python3.14 python3.13 python3.12 python3.11 python); do \
	    "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && break; python=; \
	done; \
	if test -z "$$python"; then \
	    echo "The course needs Python 3.11 or newer, and $(if $(PYTHON),$(PYTHON) is not,none is on the PATH)." >&2; \
	    echo "Install one (https://www.python.org/downloads, or: sudo apt install python3 python3-venv)" >&2; \
	    echo "and run make again; if it has an unusual name: make ... PYTHON=/path/to/python" >&2; exit 1; \
	fi; \
	if ! "$$python" -m venv --clear "$(VENV)" >"$(VENV).log" 2>&1; then \
	    cat "$(VENV).log" >&2; rm -rf "$(VENV)" "$(VENV).log"; \
	    version=`"$$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])'`; \
	    echo "Python $$version ($$python) cannot make a virtual environment: most often its venv module is missing." >&2; \
	    echo "On Debian and Ubuntu: sudo apt install python$$version-venv" >&2; \
	    echo "Elsewhere: install Python from https://www.python.org/downloads; then run make again." >&2; exit 1; \
	fi; \
	rm -f "$(VENV).log"; printf %s "$(CURDIR)" >"$@"
