# Two commands from nothing: `make demo` and `make test`. Everything is installed into .venv, with
# the versions and hashes of requirements.lock.

PYTHON ?= python3
BIN := .venv/bin
ifeq ($(OS),Windows_NT)
BIN := .venv/Scripts
endif
UV := $(BIN)/uv
RUN := $(BIN)/python
DEMO := runs/demo/auto
REAL ?= ../shared/data

.PHONY: help demo test browser lint format real mlflow clean

help:
	@echo "make demo    the main job end to end on generated images, about 4 minutes on 2 cores"
	@echo "make test    lint, types and the whole test suite"
	@echo "make lint    ruff and pyright only"
	@echo "make real    the main job on real camera-trap images in REAL=$(REAL)"
	@echo "make mlflow  an MLflow server on this machine, with a password; MLFLOW_OPTIONS=\"--port 5001\""
	@echo "make format  ruff format and import order"
	@echo "make clean   remove what make demo and make real made; never labels by people"

# A stamp per set of packages: nothing is installed twice, and a changed lock installs again.
.venv/base.stamp: requirements.lock pyproject.toml
	test -x $(UV) || { $(PYTHON) -m venv .venv && $(BIN)/python -m pip install --quiet uv; }
	$(UV) pip install --quiet --python $(RUN) --constraint requirements.lock -e .
	@touch $@

.venv/dev.stamp: .venv/base.stamp
	$(UV) pip install --quiet --python $(RUN) --constraint requirements.lock -e ".[dev,gui,postgres,tensorboard,server,fast]"
	@touch $@

.venv/server.stamp: .venv/base.stamp
	$(UV) pip install --quiet --python $(RUN) --constraint requirements.lock -e ".[server]"
	@touch $@

mlflow: .venv/server.stamp
	$(RUN) utils/serve_mlflow.py $(MLFLOW_OPTIONS)

demo: .venv/base.stamp
	$(RUN) utils/make_sample_dataset.py data/raw/sample
	$(RUN) utils/combine_datasets.py data/interim/sample --cct data/raw/sample/sample_cct.json
	$(RUN) utils/crop_detections.py data/interim/sample/sample_clean_cct.json \
		data/processed/sample --images-dir data/raw/sample/images
	$(RUN) utils/create_classification_dataset.py data/processed/sample \
		--cct-json data/interim/sample/sample_clean_cct.json --test-frac 0.3
	$(RUN) classification/train.py --config $(DEMO)/config.yml $(DEMO_OPTIONS)
	@echo "Look at $(DEMO)/report.html: the curve, the mistakes, and what each round asked for."

# The tests of the labelling app drive Chromium: Debian's package, installed where that is possible.
# Without it they are skipped with the reason, unless CI is set.
browser:
	@command -v chromium >/dev/null || { test "$$(id -u)" = 0 && apt-get update -qq \
		&& DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium; } \
		|| echo "no chromium: the tests of the labelling app in a browser are skipped"

test: .venv/dev.stamp browser lint
	$(RUN) -m pytest -n 2 $(PYTEST_OPTIONS)

lint: .venv/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright

format: .venv/dev.stamp
	$(BIN)/ruff check --fix --select I .
	$(BIN)/ruff format .

real: real-caltech_night real-missouri
	$(RUN) benchmarks/real_accuracy.py --data $(REAL)

# A real dataset from its CCT JSON to a registered model. Classes seen in fewer than three cameras
# (or bursts) cannot be in train, val and test at once and are left out, with a line in the report.
real-%: .venv/base.stamp
	$(RUN) utils/combine_datasets.py data/interim/$* --cct $(REAL)/$*/$*_cct.json
	$(RUN) utils/crop_detections.py data/interim/$*/$*_clean_cct.json data/processed/$* \
		--images-dir $(REAL)/$*/images
	$(RUN) utils/create_classification_dataset.py data/processed/$* \
		--cct-json data/interim/$*/$*_clean_cct.json --min-locs 3
	$(RUN) classification/train.py --config runs/mobilenet_v2/$*/config.yml \
		--backbone.weights $(REAL)/backbones/mobilenet_v2_imagenet.pth

clean:
	rm -rf data/raw/sample data/interim/sample data/processed/sample
	rm -rf data/raw/north data/interim/combined data/interim/species
	rm -rf $(DEMO)/rounds $(DEMO)/embeddings $(DEMO)/checkpoints $(DEMO)/export $(DEMO)/previous
	rm -f $(DEMO)/labels.db* $(DEMO)/report.html $(DEMO)/mlflow.json
