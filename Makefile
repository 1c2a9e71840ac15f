# latentone: every way of using the project is a target here; `make` alone lists them.
.DEFAULT_GOAL := help
SHELL := /bin/bash

CORPUS  ?= notes
RECIPE  ?= quickstart
MODELS  ?= models
GPU     ?=
ENGINE  ?=
FSDD    ?=
URBAN   ?=
FONT    ?=
MINUTES ?= 25
ARGS    ?=

VENV   := .venv
PY     := $(VENV)/bin/python
SUPPORTED := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
# A version manager's shim may exist for a version that is not there, so each candidate is run.
FIND_PYTHON = for p in python3 python3.13 python3.12 python3.11; do \
    if "$$p" -c '$(SUPPORTED)' 2>/dev/null; then echo "$$p"; exit; fi; done
# The command `latentone` is this checkout's own client; what it needs is in the locked layers.
LATENTONE = $(PY) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
GPU_FILE := $(if $(GPU),requirements-gpu-$(GPU).txt)

.PHONY: help
help: ## list every target
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# One environment, three locked layers: each contains the one before and is installed when first needed.
$(VENV)/bin/python:
	@python=$$($(FIND_PYTHON)); \
	if [ -z "$$python" ]; then echo "latentone needs Python 3.11, 3.12 or 3.13 as python3 (or python3.11 ... on the PATH)" >&2; exit 1; fi; \
	"$$python" -m venv $(VENV) || { rm -rf $(VENV); echo "python3 has no venv module; on Debian: apt-get install python3-venv" >&2; exit 1; }

$(VENV)/.serve: requirements.txt | $(VENV)/bin/python
	$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@$(LATENTONE)
	@touch $@

$(VENV)/.train: requirements-train.txt | $(VENV)/bin/python
	$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-train.txt
	@$(LATENTONE)
	@touch $@

$(VENV)/.dev: requirements-dev.txt | $(VENV)/bin/python
	$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@$(LATENTONE)
	@touch $@ $(VENV)/.serve $(VENV)/.train

.PHONY: install
install: $(VENV)/.dev ## make the environment (GPU=tensorflow or GPU=jax adds the CUDA wheels)
ifneq ($(GPU),)
	@test -f $(GPU_FILE) || { echo "GPU=$(GPU) is not known; use GPU=tensorflow or GPU=jax" >&2; exit 1; }
	$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r $(GPU_FILE)
endif

.PHONY: serve
serve: $(VENV)/.serve ## start the service with the models in models/ (HTTP 3000, gRPC 3001)
	@$(PY) -m service

.PHONY: train
train: $(VENV)/.train ## train and export: CORPUS=folder RECIPE=name ARGS="--minutes 10"
	@$(PY) -m trainer train --corpus "$(CORPUS)" --recipe "$(RECIPE)" --export "$(MODELS)" $(ARGS)

.PHONY: test
test: $(VENV)/.dev ## run the whole test suite
	@$(PY) -m pytest -n 2 --dist loadfile --no-loadscope-reorder --max-worker-restart 0 $(ARGS)

.PHONY: check
check: $(VENV)/.dev ## lint, format, types, walls, generated code
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy
	@$(PY) -m protos.build --check
	@$(PY) -m deploy.build --check
	@$(PY) -m pytest -q tests/walls

.PHONY: bench
bench: $(VENV)/.dev ## measure speed on this machine, side by side
	@$(PY) -m bench $(ARGS)

.PHONY: soak
soak: $(VENV)/.dev ## overload a server for ten minutes, send it what costs most memory, do it harm (docs/reliability.md)
	@$(PY) -m bench.soak $(ARGS)
	@$(PY) -m bench.memory
	@$(PY) -m bench.harm

.PHONY: fuzz
fuzz: $(VENV)/.dev ## send the service 120 000 damaged bodies, and all that its OpenAPI page allows (needs the network once)
	@FUZZ_EXAMPLES=400 $(PY) -m pytest -q tests/service/test_fuzz.py --timeout 0
	@PYTHON=$(PY) bash tests/fuzz_openapi.sh

.PHONY: bento
bento: $(VENV)/.serve ## build the Bento: the service and the models in models/, for bentoml and for the image
	@BENTOML_DO_NOT_TRACK=True $(VENV)/bin/bentoml build

.PHONY: container
container: $(VENV)/.dev bento ## build the image latentone (ENGINE=docker, podman or buildah; GPU=1: with CUDA), and its SBOM in build/
	@ENGINE="$(ENGINE)" GPU="$(GPU)" VENV="$(VENV)" bash deploy/container/build.sh

.PHONY: test-container
test-container: $(VENV)/.dev ## build the image and run it, hardened and by compose.yaml, with docker or podman (minutes)
	@CONTAINER=1 $(PY) -m pytest tests/deploy/test_container.py tests/deploy/test_compose.py --timeout 0 $(ARGS)

.PHONY: up
up: ## start the service with Prometheus, Alertmanager and Grafana (compose.yaml), with the models in models/
	@ENGINE="$(ENGINE)" bash deploy/compose.sh up --detach

.PHONY: down
down: ## drain and end them
	@ENGINE="$(ENGINE)" bash deploy/compose.sh down -t 40

.PHONY: results
results: $(VENV)/.train ## run the trainings behind docs/results.md (hours): FSDD=, URBAN=, FONT= (corpora) MINUTES=25
	@FSDD="$(FSDD)" URBAN="$(URBAN)" FONT="$(FONT)" MINUTES="$(MINUTES)" PYTHON=$(PY) bash bench/results.sh

.PHONY: proto
proto: $(VENV)/.dev ## generate service/generated and latentone_client/generated from protos/
	@$(PY) -m protos.build

.PHONY: dashboard
dashboard: $(VENV)/.dev ## write Grafana's dashboard, and the rules as the Prometheus operator takes them
	@$(PY) -m deploy.build

.PHONY: test-kube
test-kube: $(VENV)/.dev ## run the Deployment of deploy/kubernetes with podman, on the image of make container
	@KUBE=1 $(PY) -m pytest tests/deploy/test_play_kube.py --timeout 0 $(ARGS)

.PHONY: griffin-lim
griffin-lim: $(VENV)/.train ## write service/griffin-lim, the decoder of any mel, again
	@rm -rf service/griffin-lim
	@KERAS_BACKEND=tensorflow $(PY) -m trainer.export.any_mel service/griffin-lim

.PHONY: lock
lock: ## renew the locked requirements (needs uv)
	uv lock --upgrade
	@lock() { uv export --quiet --no-emit-project --no-header --no-annotate --format requirements-txt \
	    --only-group "$$1" -o "$$2" "$${@:3}" > /dev/null; }; set -e; \
	lock serve requirements.txt; lock train requirements-train.txt; lock dev requirements-dev.txt; \
	lock container requirements-container.txt --prune keras --prune h5py --prune libclang; \
	lock gpu-jax requirements-gpu-jax.txt; lock gpu-tensorflow requirements-gpu-tensorflow.txt

.PHONY: clean
clean: ## remove the environment and caches (runs/, corpora/ and models/ stay)
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
