# Everything a fresh machine needs: Python 3.11 or 3.12, git, make. `make run` and `make test` set up what is missing, once.
SUITABLE := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))
PYTHON ?= $(shell for p in python3 python3.11 python3.12; do $$p -c '$(SUITABLE)' 2>/dev/null && echo $$p && break; done)
VENV ?= .venv
BIN := $(VENV)/bin
JOBS ?= auto

.DEFAULT_GOAL := help
.PHONY: help setup run run-v2a listen-demo results test test-slow test-browser browser lint format types docs serve-docs clean

help: ## Show this list
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

$(VENV)/.runtime: requirements/lock.txt pyproject.toml
	@test -n "$(PYTHON)" && $(PYTHON) -c '$(SUITABLE)' || { echo "songbench needs Python 3.11 or 3.12 (the packages it"\
		"stands on have no wheels for others). Install one, or name it: make PYTHON=/path/to/python3.11 …"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet torch==2.13.0 -c requirements/lock.txt
	$(BIN)/pip install --quiet --no-deps -r requirements/lock.txt
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.workshop: $(VENV)/.runtime requirements/dev-lock.txt
	$(BIN)/pip install --quiet --no-deps -r requirements/dev-lock.txt
	@touch $@

setup: $(VENV)/.runtime ## Make the environment and fetch the embedded weights (about 190 MB, once)
	@$(BIN)/songbench setup

run: setup ## Score the demo suite and print the leaderboard
	@$(BIN)/songbench run

run-v2a: setup ## Score accompaniments of the vocals of the suite v2a-demo
	@$(BIN)/songbench run --suite v2a-demo

LISTENING ?= listening/demo
DEMO_TEST := --protocol demo --systems rulebased,reference,copy_prompt,noise
listen-demo: run ## Hold a blind listening test over the demo songs, on this machine
	@test -f $(LISTENING)/test.json || $(BIN)/songbench listen create demo $(DEMO_TEST) --out $(LISTENING)
	@$(BIN)/songbench listen serve $(LISTENING)

test: $(VENV)/.workshop ## Run the tests (those that need weights say so when these cannot be had)
	@$(BIN)/songbench setup || echo "Going on without these weights; tests that need them are skipped."
	$(BIN)/python -m pytest -n $(JOBS) -m "not slow and not gpu and not network and not browser and not postgres"

# Chromium and PostgreSQL come from the system's packages; without the right to install them, tests that need them are skipped.
browser:
	@.ci/system-packages

test-browser: $(VENV)/.workshop browser ## Test the listening test in Chromium and on PostgreSQL (installs both where it may)
	$(BIN)/python -m pytest -n $(JOBS) -m "(browser or postgres) and not slow"

test-slow: $(VENV)/.workshop ## Run the slow tests too
	@$(BIN)/songbench setup || true
	$(BIN)/python -m pytest -n $(JOBS) -m "not gpu and not network and not browser and not postgres"

results: setup ## Make the committed results anew: demo, core, validation, intelligibility, listening tests (three hours)
	@$(BIN)/songbench run
	@$(BIN)/songbench report demo --to results/demo --no-page
	@$(BIN)/songbench report demo --to results/demo --no-page --name by-language --facet language --no-intervals \
		--columns per@whisper-base-stem,per@whisper-base-mix,similarity,ser,fad
	$(BIN)/python benchmarks/readme_table.py
	@$(BIN)/songbench run --suite v2a-demo
	@$(BIN)/songbench report v2a-demo --to results/v2a_demo --no-page
	@$(BIN)/songbench validate-metrics --track v2a --to results/validation_v2a
	@$(BIN)/songbench run --suite core --systems rulebased
	@$(BIN)/songbench report core --to results/core --no-page
	@$(BIN)/songbench report core --to results/core --no-page --name by-language --facet language --no-intervals \
		--columns per@whisper-base-stem,per@whisper-base-mix,similarity,ser,fad
	@$(BIN)/songbench validate-metrics --to results/validation
	@$(BIN)/songbench validate-metrics --track v2a --to results/validation_v2a
	$(BIN)/python benchmarks/intelligibility.py --suite benchmarks/intelligibility.jsonl --takes 3 --out results/intelligibility
	@$(BIN)/songbench listen create demo $(DEMO_TEST) --out build/listening-demo --force
	@$(BIN)/songbench listen simulate build/listening-demo --raters 24 \
		--effects reference=3.2,rulebased=3.0,copy_prompt=2.2,noise=1.1
	@$(BIN)/songbench listen report build/listening-demo --to results/listening_demo --no-leaderboard \
		--answers build/listening-demo/simulated.jsonl
	$(BIN)/python benchmarks/listening_calibration.py --tests 500
	$(BIN)/python benchmarks/listening_load.py

lint: $(VENV)/.workshop ## Style, docstrings, who may know whom
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/python tests/structure/weak_names.py songbench systems metrics listening_test benchmarks tests

format: $(VENV)/.workshop ## Put the style right
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

types: $(VENV)/.workshop ## Strict type check
	$(BIN)/mypy

docs: $(VENV)/.workshop ## Build the documentation, strictly
	$(BIN)/mkdocs build --strict --quiet --site-dir build/site

serve-docs: $(VENV)/.workshop ## Read the documentation in a browser
	$(BIN)/mkdocs serve

clean: ## Remove builds and caches, not the store
	rm -rf build site .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
