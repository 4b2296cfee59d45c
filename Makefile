# emotus: `make demo` and `make test` start from nothing but python3; `make` lists the rest.
#
#   PYTHON=python3.12     the interpreter that makes .venv
#   PIP_ARGS="..."        more words for pip install
#   TORCH_INDEX=URL       one more package index, such as PyTorch's own of CPU builds (on Linux the plain one brings CUDA)
#   ARGS="..."            words for the command a target runs: make bench ARGS="bvh --json"
#   WATCH=60              how many seconds make bench-stream watches each of its two streams
#   COUNT=1000            how many mutated inputs of each kind make fuzz tries
#   SECONDS=600           how long make fuzz-led leads each of its targets
#   HOURS=8               how long make soak runs
#   KILLS=8 SIGNALS=4     how often make faults kills a recording, and ends a show

PYTHON ?= python3
PYTHON2 ?= python2.7
PIP_ARGS ?=
TORCH_INDEX ?=
ARGS ?=
COUNT ?= 1000000
WATCH ?= 600
SECONDS ?= 60
LED ?= osc xsens bvh mcap pose control profile sealed sensor bridge mapping
HOURS ?= 1
KILLS ?= 100
SIGNALS ?= 100
POISONED ?= 100000
CUTS ?= 7
FLIPS ?= 2000

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input \
	$(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) $(PIP_ARGS)

# Stamps: nothing is installed twice, so that a warm start runs at once.
MADE := $(VENV)/.made
VIEWER := $(VENV)/.viewer
ALL := $(VENV)/.all
LEADS := $(VENV)/.leads
PEERS := .venv-peers/.made
WEBCAM := .venv-webcam
SEES := $(WEBCAM)/.sees
TOOLS := .venv-tools
CONTAINER ?= $(firstword $(shell command -v podman docker) podman)
AUTOBAHN := .venv-autobahn/.made

.DEFAULT_GOAL := help
.PHONY: help demo test check format bench bench-stream bench-peers reproduce webcam test-webcam test-tensorrt fuzz fuzz-led faults soak autobahn
.PHONY: pictures install-locked lock licences sbom workflows release container clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{ printf "  make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

demo: $(VIEWER) ## A generated performer through the whole engine, in the browser and the terminal
	$(BIN)/emotus demo $(ARGS)

test: $(ALL) ## Run the tests
	$(BIN)/python -m pytest $(ARGS)

check: $(ALL) ## Format, lint, imports, types, tests: what CI runs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/basedpyright
	$(BIN)/python -m pytest -rR --reruns 2 --reruns-delay 2 $(ARGS)
	@$(BIN)/python tests/faults/table.py --count

format: $(ALL) ## Format and sort imports in place
	$(BIN)/ruff check --select I --fix .
	$(BIN)/ruff format .

bench: $(ALL) ## Ours and its peers, side by side in one run
	$(BIN)/emotus bench $(ARGS)

pictures: $(ALL) ## Draw the pictures of the window and of the examples anew, from real runs
	EMOTUS_PICTURES=1 $(BIN)/python -m pytest -q tests/bridges/test_viewer_pictures.py tests/examples/test_receivers.py tests/examples/test_programs.py

bench-stream: $(ALL) ## A suit in, OSC out at 240 Hz, and how even a stream of 60 Hz is: ten minutes each
	$(BIN)/python benchmarks/bridge_rows.py $(WATCH)

bench-peers: $(PEERS) ## Install the peer that needs an older numpy than ours, in .venv-peers

REPORTS := $(foreach m,svm linear forest boost mlp lstm stgcn-plain stgcn judge gait ensemble,$(foreach p,intended perceived,$m:emotion-gait:$p) $(foreach p,content family,$m:bandai-1:$p))

reproduce: $(ALL) ## The rows of docs/reproduce.md, each a folder under reports/; hours, and it goes on where it stopped
	@for row in $(REPORTS); do IFS=:; set -- $$row; \
	echo "$$1 on $$2, $$3"; \
	nice -n 15 $(BIN)/emotus train $$1 --data $$2:../shared/data --folds $$3 --resume -o reports/$$1-$$2-$$3 $(ARGS) || exit; done
	@$(BIN)/python scripts/reproduced.py

webcam: $(SEES) ## An environment with cameras and videos, beside the other one: .venv-webcam (about 2.5 GB)
	$(WEBCAM)/bin/emotus doctor | grep -A2 -E 'sensor (webcam|video)|telemetry'

test-webcam: $(SEES) ## The tests that need MediaPipe, in that environment
	$(WEBCAM)/bin/python -m pytest $(ARGS) tests/sensors/test_webcam_real.py

test-tensorrt: $(ALL) ## Hold what we call of TensorRT to its real interfaces, 10 and 11 (fetches their bindings)
	bash tests/support/tensorrt_interface.sh $(BIN)/python 10.16.1.11 11.4.0.106

fuzz: $(ALL) ## The long fuzz runs: a million mutated inputs
	$(BIN)/python tests/fuzz/bvh_fuzz.py --count $(COUNT)
	@mkdir -p build && rm -f build/fuzz.jsonl
	EMOTUS_FAULTS_JSON=build/fuzz.jsonl EMOTUS_FUZZ=$(COUNT) $(BIN)/python -m pytest -s --timeout 0 tests/fuzz/test_osc_fuzz.py
	$(BIN)/python tests/faults/table.py --merge build/fuzz.jsonl --command "make fuzz COUNT=$(COUNT)"

fuzz-led: $(LEADS) ## Fuzzing led by the code it reaches, SECONDS=60 for each of LED="osc mcap ..." (Linux)
	@mkdir -p build
	cd build && for target in $(LED); do \
		nice ../$(BIN)/python ../tests/fuzz/led_fuzz.py $$target --seconds $(SECONDS) || exit 1; done

faults: $(ALL) ## The thirty faults of a stage, often each, and their table: docs/faults.md (about half an hour)
	@mkdir -p build && rm -f build/faults.jsonl
	EMOTUS_FAULTS_JSON=build/faults.jsonl EMOTUS_KILLS=$(KILLS) EMOTUS_SIGNALS=$(SIGNALS) EMOTUS_POISONED=$(POISONED) \
		EMOTUS_CUTS=$(CUTS) EMOTUS_FLIPS=$(FLIPS) EMOTUS_SLOW_S=30 EMOTUS_BVH_TEXTS=50000 EMOTUS_FUZZ=1000000 \
		$(BIN)/python -m pytest --timeout 0 $(ARGS) tests/faults tests/fuzz/test_osc_fuzz.py; \
		status=$$?; $(BIN)/python tests/faults/table.py --merge build/faults.jsonl; exit $$status

soak: $(ALL) ## A show in trouble for HOURS=1, every frame accounted for, and whether anything crept
	@mkdir -p build && rm -f build/soak.jsonl
	EMOTUS_FAULTS_JSON=build/soak.jsonl $(BIN)/python tests/soak/run_soak.py --hours $(HOURS) --out build/soak.json
	$(BIN)/python tests/faults/table.py --merge build/soak.jsonl --command "make soak HOURS=$(HOURS)"

autobahn: $(ALL) $(AUTOBAHN) ## The Autobahn suite against the WebSocket server: 301 cases; needs a Python 2.7 (PYTHON2=...)
	$(BIN)/python tests/faults/autobahn_suite.py $(PYTHON2) $(dir $(AUTOBAHN)) $(ARGS)

install-locked: | $(MADE) ## What `make test` installs, with a SHA-256 checked for each file (requirements.lock)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input --require-hashes --no-deps -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input --no-deps --no-build-isolation -e .
	@touch $(VIEWER) $(ALL)

lock: $(TOOLS)/.made ## Write both locks anew from pyproject.toml and constraints.txt
	$(TOOLS)/bin/uv pip compile pyproject.toml --extra all $(LOCK) -o requirements.lock
	$(TOOLS)/bin/uv pip compile pyproject.toml --extra viewer --extra record $(LOCK) -o requirements-run.lock

LOCK := --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --upgrade -c constraints.txt

licences: $(ALL) ## List the licences of everything that is brought; fails where one may not be used
	$(BIN)/python scripts/licences.py

sbom: $(ALL) ## What emotus is made of, as CycloneDX: build/sbom.cdx.json
	@mkdir -p build && $(BIN)/python scripts/sbom.py build/sbom.cdx.json && echo build/sbom.cdx.json

workflows: $(TOOLS)/.made ## Look through the workflows of the public forge for holes
	$(TOOLS)/bin/zizmor --offline --persona auditor .

release: $(ALL) ## Wheel, sdist, bill of materials and checksums of what is committed, built twice and the same: dist/
	$(BIN)/python scripts/release.py

container: release ## An image with engine, viewer and recording (podman or docker)
	$(CONTAINER) build -f Containerfile -t emotus $(ARGS) .

clean: ## Remove the environments and everything built
	rm -rf $(VENV) .venv-peers .venv-autobahn $(WEBCAM) build dist *.egg-info .ruff_cache .hypothesis .import_linter_cache

$(MADE):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "emotus needs Python 3.11 or newer, and $(PYTHON) is older (make demo PYTHON=python3.12)" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VIEWER): pyproject.toml constraints.txt | $(MADE)
	@echo "installing the engine and the viewer (the first time only)"
	$(PIP) -c constraints.txt -e '.[viewer]'
	@touch $@

$(ALL): pyproject.toml constraints.txt | $(MADE)
	@echo "installing everything that tests and benchmarks need (the first time only)"
	$(PIP) -c constraints.txt -e '.[all]'
	@touch $(VIEWER) $@

$(LEADS): $(ALL)
	$(PIP) -c constraints.txt -e '.[fuzz]'
	@touch $@

$(SEES): pyproject.toml constraints.txt constraints-webcam.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "emotus needs Python 3.11 or newer, and $(PYTHON) is older (make webcam PYTHON=python3.12)" >&2; exit 2; }
	@test -x $(WEBCAM)/bin/python || $(PYTHON) -m venv $(WEBCAM)
	@echo "installing the camera's networks beside the engine (the first time only)"
	@awk -F== 'NR == FNR { ours[tolower($$1)]; next } !(tolower($$1) in ours)' \
		constraints-webcam.txt constraints.txt > $(WEBCAM)/constraints.txt
	$(WEBCAM)/bin/python -m pip install --quiet --disable-pip-version-check --no-input \
		$(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) $(PIP_ARGS) \
		-c $(WEBCAM)/constraints.txt -c constraints-webcam.txt -e '.[webcam,dev]'
	@touch $@

$(PEERS):
	$(PYTHON) -m venv .venv-peers
	.venv-peers/bin/python -m pip install --quiet --disable-pip-version-check $(PIP_ARGS) timeflux==0.17.2
	@touch $@

$(AUTOBAHN):
	@$(PYTHON2) -c '' || { echo "Autobahn's suite is a program of Python 2.7 (make autobahn PYTHON2=/path/to/python2.7)" >&2; exit 2; }
	$(PYTHON2) -m pip install --quiet --disable-pip-version-check $(PIP_ARGS) --target $(dir $@) autobahntestsuite==25.10.1
	@touch $(dir $@)zope/__init__.py $@

$(TOOLS)/.made:
	$(PYTHON) -m venv $(TOOLS)
	$(TOOLS)/bin/python -m pip install --quiet --disable-pip-version-check $(PIP_ARGS) uv==0.13.9 zizmor==1.32.0
	@touch $@
