# Needs make and Python 3.11 or later with venv, nothing else. Another Python: make PYTHON=python3.12 demo

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := PIP_DISABLE_PIP_VERSION_CHECK=1 $(BIN)/python -m pip install -q -c constraints.txt -e

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test test-kafka check bench chaos clean

help: ## say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' Makefile

demo: $(VENV)/run.stamp ## the main job in one terminal: broker, store, worker, board, simulator, audit
	$(BIN)/hightide demo

test: $(VENV)/dev.stamp ## every test
	$(BIN)/python -m pytest

test-kafka: $(VENV)/dev.stamp ## the integration tests against Apache Kafka; needs Java 17 or later and Maven
	$(BIN)/python -m tests.apache

check: $(VENV)/dev.stamp ## format, lint, types and the fast tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q -m "not servers and not long"

bench: $(VENV)/dev.stamp ## events per second and CPU per event, beside plain Faust, raw aiokafka and raw confluent
	$(BIN)/hightide bench

chaos: $(VENV)/dev.stamp ## faults done to real processes, hundreds of trials, half an hour; see tests/chaos
	$(BIN)/python -m tests.chaos --trials 240

clean: ## remove the virtualenv and everything that tools left
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or later is needed, $(PYTHON) is " + sys.version.split()[0])'
	$(PYTHON) -m venv $(VENV)

# the metadata that an editable install writes to the tree is needed by nothing once it is done
$(VENV)/run.stamp: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) '.[embedded]'
	@rm -rf hightide.egg-info build
	@touch $@

$(VENV)/dev.stamp: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) '.[embedded,bench,dev]'
	@rm -rf hightide.egg-info build
	@touch $@ $(VENV)/run.stamp
