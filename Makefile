# Two commands do everything on a fresh machine: `make run` and `make test`.

PYTHON ?= python3.10
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
ROOT   ?= output
ENGINES ?= .engines
MODEL  ?= $(lastword $(sort $(wildcard $(ROOT)/serving/*)))

.DEFAULT_GOAL := help
.PHONY: help run test test-cluster engines check docs lock bench clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

run: $(READY)  ## set up, then run the demo pipeline on embedded synthetic data
	@$(BIN)/python local_runner.py --root $(ROOT)

test: $(READY) check  ## set up, then static checks and all tests of the first tier
	@$(BIN)/python -m pytest

test-cluster: $(READY) engines  ## set up, fetch the engines, then the tests on Flink and Spark clusters of this machine
	@HEARTBEAT_CLUSTER=1 HEARTBEAT_ENGINES=$(abspath $(ENGINES)) HEARTBEAT_NO_SKIPS=1 $(BIN)/python -m pytest -m cluster

engines: $(addprefix $(ENGINES)/,flink spark flink-1.19.1 spark-3.5.3)  ## fetch Flink, Spark and Beam's job servers for them (1 GB)

$(ENGINES)/%: | $(READY)
	@echo "Fetching $@ ..." >&2
	@PYTHON=$(abspath $(BIN)/python) deploy/engines/fetch $(ENGINES) $*

check: $(READY)  ## ruff and mypy
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

docs: $(READY)  ## make the pages that are made from the code
	@$(BIN)/python -m pipeline.settings_page > docs/settings.md

bench: $(READY)  ## benchmarks beside their peers, as JSON lines: make bench DATA=folder of Kaggle's CSVs
	@test -n "$(DATA)" || { echo "make bench DATA=DIR: name the folder of Kaggle's two CSVs" >&2; exit 2; }
	@$(BIN)/python bench/ingest.py $(DATA)
	@$(BIN)/python -m bench.score $(MODEL) $(DATA)/mitbih_train.csv $(DATA)/mitbih_test.csv
	@$(BIN)/python -m bench.score_peers $(MODEL) $(DATA)/mitbih_test.csv

lock: $(READY)  ## resolve requirements*.in again into requirements*.txt
	@for name in requirements-setup requirements requirements-dev; do \
	  $(BIN)/uv pip compile -q --upgrade --python-version 3.10 --generate-hashes --no-emit-index-url \
	    --no-emit-find-links --custom-compile-command "make lock" $$name.in -o $$name.txt || exit 1; done
	@$(BIN)/uv pip compile -q --upgrade --python-version 3.10 --generate-hashes --no-emit-index-url --no-emit-find-links \
	  --no-deps --no-binary :all: --no-build-isolation --custom-compile-command "make lock" requirements-cluster.in -o requirements-cluster.txt

clean:  ## remove the environment
	@rm -rf $(VENV)

$(READY): requirements-setup.txt requirements-dev.txt setup.py
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 10))' 2>/dev/null || { \
	  echo "Heartbeat needs Python 3.10, and '$(PYTHON)' is not it: install Python 3.10, or name it: make PYTHON=/path/to/python3.10" >&2; \
	  exit 1; }
	@echo "Setting up $(VENV) (once, about 3.5 GB) ..." >&2
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-setup.txt
	@$(BIN)/uv pip sync -q --python $(BIN)/python --require-hashes --compile-bytecode requirements-setup.txt requirements-dev.txt
	@$(BIN)/uv pip install -q --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@
