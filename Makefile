# Two commands do everything on a fresh machine: `make run` and `make test`. `make help` lists the others.

PYTHON ?=
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
ROOT   ?= output
LINES  := $(ROOT)/bench.jsonl
ENGINES ?= .engines
MODEL  ?= $(lastword $(sort $(wildcard $(ROOT)/serving/*)))

.DEFAULT_GOAL := help
.PHONY: help run example test test-slow test-next test-cluster test-image engines check docs release pictures lock bench soak reproduce clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

run: $(READY)  ## set up, then run the demo pipeline on embedded synthetic data
	@$(BIN)/python local_runner.py --root $(ROOT)

example: $(READY)  ## score one minute of a real recording with the released model: annotations and a report
	@$(BIN)/heartbeat score --input components/recordings/example --output $(ROOT)/example --overwrite \
	  --annotations pred --model released
	@$(BIN)/heartbeat report $(ROOT)/example

HALF := tests/pipeline $(sort $(wildcard tests/test_*.py))
MEASURE := $(BIN)/python -m coverage run -m pytest
FIRST := $(if $(MEASURED),$(MEASURE),$(BIN)/python -m pytest)
test: $(READY)  ## set up, then static checks and the first tier of tests, one half of it on each of two cores
	@mkdir -p build$(if $(MEASURED), && $(BIN)/python -m coverage erase)
	@$(FIRST) $(HALF) >build/half.log 2>&1 & half=$$!; \
	  trap 'kill $$half' INT TERM; \
	  make --no-print-directory check && $(FIRST) $(addprefix --ignore=,$(HALF)); failed=$$?; \
	  wait $$half || failed=1; \
	  cat build/half.log; exit $$failed

# The first tier's branch coverage: by `make test MEASURED=1` before this, or else by running that tier again beside it.
test-slow: $(READY)  ## set up, then the slow tests; tells the branch coverage of the first tier, which runs again beside them
	@mkdir -p build$(if $(MEASURED),, && $(BIN)/python -m coverage erase)
	@$(if $(MEASURED),$(BIN)/python -m pytest -m slow $(HALF),$(MEASURE)) >build/half.log 2>&1 & half=$$!; \
	  trap 'kill $$half' INT TERM; \
	  $(BIN)/python -m pytest -m slow $(if $(MEASURED),$(addprefix --ignore=,$(HALF))); slow=$$?; \
	  wait $$half || { tail -n 80 build/half.log; slow=1; }; \
	  $(BIN)/python -m coverage combine -q && $(BIN)/python -m coverage report --format=total >build/covered && \
	  $(BIN)/python -m coverage report --sort=-miss >build/coverage.txt && head -n 12 build/coverage.txt && \
	  echo "Branch coverage of components/ and pipeline/ by the first tier: $$(cat build/covered) % (build/coverage.txt)"; \
	  exit $$slow

test-image: $(READY)  ## build the images with buildah and run the demo and a worker in them (as root on Debian; 14 GB for the time being)
	@dpkg -s $$(cat deploy/apt-image.txt) >/dev/null 2>&1 || { apt-get update -q && \
	  DEBIAN_FRONTEND=noninteractive xargs -a deploy/apt-image.txt apt-get install -qy --no-install-recommends; } >/dev/null
	@HEARTBEAT_IMAGE=1 HEARTBEAT_NO_SKIPS=1 $(BIN)/python -m pytest tests/image --timeout 1800

test-next:  ## the newest TFX: make run and make test in a fresh Debian 13 (as root on Debian; 8 GB for the time being)
	@command -v debootstrap >/dev/null || { apt-get update -q && \
	  DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends debootstrap; } >/dev/null
	@tools/debian13 run test

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
	@$(BIN)/python -m pipeline.pages docs
	@$(BIN)/python -m bench.results

PACED := 102 104 107 217
release: $(READY)  ## the released model, if the recipe passes the gate on DS2: make release WFDB="mitdb svdb"
	@test -n "$(WFDB)" || { echo 'make release WFDB="DIR ...": name the folders of MIT-BIH and of other archives' >&2; exit 2; }
	@$(BIN)/heartbeat prepare $(addprefix --wfdb ,$(WFDB)) --out build/release --format parquet --split none --variants \
	  $(addprefix --exclude ,$(PACED))
	@$(BIN)/python -m bench.patients release build/release

pictures: $(READY)  ## the pictures of docs/results.md, from a real run: make pictures RUN=output/runs/ID
	@test -n "$(RUN)" || { echo "make pictures RUN=DIR: name the folder of a run on real beats" >&2; exit 2; }
	@$(BIN)/python -m bench.pictures $(RUN)

bench: $(READY)  ## benchmarks beside their peers, as JSON lines and in docs/scoring.md: make bench DATA=folder of CSVs
	@test -n "$(DATA)" || { echo "make bench DATA=DIR: name the folder of Kaggle's two CSVs" >&2; exit 2; }
	@mkdir -p $(ROOT) && : > $(LINES)
	@$(BIN)/python -m bench.ingest $(DATA) >> $(LINES)
	@$(BIN)/python -m bench.network >> $(LINES)
	@$(BIN)/python -m bench.score $(MODEL) $(DATA)/mitbih_train.csv $(DATA)/mitbih_test.csv >> $(LINES)
	@$(BIN)/python -m bench.score_peers $(MODEL) $(DATA)/mitbih_train.csv $(DATA)/mitbih_test.csv >> $(LINES)
	@cat $(LINES)
	@$(BIN)/python -m bench.table $(LINES) --page docs/scoring.md >&2

soak: $(READY)  ## faults and fuzz of scoring, some tens of minutes: kills, damaged files, full disks
	@HEARTBEAT_SOAK=1 $(BIN)/python -m pytest -m soak

DATASETS := $(ROOT)/reproduce/data
WITHOUT  := --split patient --exclude 202
reproduce: $(READY)  ## train all of docs/results.md again (hours; resumable): make reproduce WFDB=folder of MIT-BIH
	@test -n "$(WFDB)" || { echo "make reproduce WFDB=DIR: name the folder of the MIT-BIH records" >&2; exit 2; }
	@test -e $(DATASETS)/kaggle || $(BIN)/heartbeat prepare --wfdb $(WFDB) --out $(DATASETS)/kaggle
	@test -e $(DATASETS)/patient || $(BIN)/heartbeat prepare --wfdb $(WFDB) --out $(DATASETS)/patient --split patient
	@test -e $(DATASETS)/without-202 || $(BIN)/heartbeat prepare --wfdb $(WFDB) --out $(DATASETS)/without-202 $(WITHOUT)
	@$(BIN)/python -m bench.reproduce --root $(ROOT)/reproduce --kaggle $(DATASETS)/kaggle \
	  --patient $(DATASETS)/patient --patient-without-202 $(DATASETS)/without-202

COMPILE := $(BIN)/uv pip compile -q --upgrade --generate-hashes --no-emit-index-url --no-emit-find-links \
  --custom-compile-command "make lock"
PY310   := --python-version 3.10
PY312   := --python-version 3.12 --universal
lock: $(READY)  ## resolve requirements*.in again into requirements*.txt, for both lanes
	@$(COMPILE) $(PY312) requirements-setup.in -o requirements-setup.txt
	@$(COMPILE) $(PY310) requirements.in -o requirements-py310.txt
	@$(COMPILE) $(PY310) requirements-dev.in -c requirements-py310.txt -o requirements-dev-py310.txt
	@$(COMPILE) $(PY312) requirements.in -o requirements-py312.txt
	@$(COMPILE) $(PY312) requirements-dev.in -c requirements-py312.txt -o requirements-dev-py312.txt
	@$(COMPILE) $(PY312) --no-deps requirements-image.in -o requirements-image.txt
	@$(COMPILE) $(PY312) --excludes requirements-worker-without.txt requirements-worker.in -c requirements-py312.txt -o requirements-worker.txt
	@$(COMPILE) $(PY310) --no-deps --no-binary :all: --no-build-isolation requirements-cluster.in -o requirements-cluster.txt

clean:  ## remove the environment
	@rm -rf $(VENV)

$(READY): requirements-setup.txt requirements-dev-py310.txt requirements-dev-py312.txt setup.py tools/choose_python
	@choice=$$(PYTHON="$(PYTHON)" tools/choose_python) && set -- $$choice && lane=$$1 python=$$2 && \
	echo "Setting up $(VENV) (once, about 3.7 GB) ..." >&2 && \
	base=$$($$python -c 'import sys; print(sys._base_executable)') && $$base -m venv --clear $(VENV) && \
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-setup.txt && \
	$(BIN)/uv pip sync -q --python $(BIN)/python --require-hashes --compile-bytecode requirements-setup.txt requirements-dev-$$lane.txt && \
	$(BIN)/uv pip install -q --python $(BIN)/python --no-deps --no-build-isolation -e . && \
	echo $$lane > $@
