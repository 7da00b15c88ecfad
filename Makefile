# The words of this project; `make` lists them.
PYTHON ?= python3
BIN := .venv/bin
HOME_FOLDER ?= .jieneng

.DEFAULT_GOAL := help
.PHONY: help install demo stack screenshots test check bench docs format clean

help: ## list the words
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: .venv/.installed ## make .venv with everything in it (again when pyproject.toml changed)

.venv/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "Python's venv module is missing: apt-get install python3-venv (Debian, Ubuntu)"; exit 1; }
	@[ -x $(BIN)/python ] || $(PYTHON) -m venv .venv
	@echo "installing into .venv (a minute)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

demo: install ## show the product: a simulated province and real buildings, through MQTT, to a chart
	$(BIN)/jieneng up --demo --home $(HOME_FOLDER)/demo

stack: install ## the Standard size here: Mosquitto, InfluxDB 2, Grafana and ours; DEMO=1 sends the province through it
	@servers=$$($(BIN)/python scripts/test-servers MOSQUITTO INFLUXD GRAFANA_HOME --require) && eval "$$servers" && \
	exec $(BIN)/jieneng stack --home $(HOME_FOLDER)/stack $(if $(DEMO),--demo) \
	  --mosquitto "$$MOSQUITTO" --influxd "$$INFLUXD" --grafana "$$GRAFANA_HOME"

screenshots: install ## every console page and dashboard in both languages, by real Chromium, into build/screenshots
	$(BIN)/python scripts/screenshots --home $(HOME_FOLDER)/stack

test: install ## set everything up and run all tests (servers that are missing are named and skipped)
	$(BIN)/python -m pytest -n 2 --dist loadfile

check: install ## ruff, mypy --strict, import contracts, documentation tests: seconds
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q tests/docs

bench: install ## measure ingest against Telegraf, stores and arithmetic; prints ratios
	$(BIN)/python -m benchmarks

format: install ## let ruff put the code in shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## remove what was made (not the state of an installation)
	rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
