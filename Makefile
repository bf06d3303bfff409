.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c

VENV := .venv
PYTHON := $(VENV)/bin/python
PYTEST := $(VENV)/bin/pytest
STAMP := $(VENV)/.installed
# Every process that a run starts would compile our modules anew.
unexport PYTHONDONTWRITEBYTECODE
# Each worker has a Kafka and a Postgres of its own and takes whole files.
WORKERS ?= 3
PARALLEL := -n $(WORKERS) --dist loadfile --no-loadscope-reorder
MEMBERS := libs/common libs/client libs/cli libs/sandbox $(wildcard services/*) tools

.PHONY: help
help: ## This list
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

$(STAMP): requirements.txt $(addsuffix /pyproject.toml,$(MEMBERS))
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or later is needed"; exit 1; }
	@$(PYTHON) -m pip --version >/dev/null 2>&1 || python3 -m venv $(VENV)
	@echo "installing the dependencies into $(VENV) (about a minute the first time)"
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --no-deps $(addprefix -e ,$(MEMBERS))
	@touch $@

.PHONY: setup
setup: $(STAMP) ## Install what the project needs into .venv

.PHONY: demo
demo: $(STAMP) ## The main job on a fresh machine (ONCE=1 stops at the end, SOURCE=tryton, odoo, postgresql, mariadb or sandbox)
	@$(PYTHON) -m lineshaft.tools.demo

.PHONY: up
up: $(STAMP) ## Start the local stack with a SOURCE and leave it up, to connect by hand
	@$(PYTHON) -m lineshaft.tools.stack up

.PHONY: test
test: $(STAMP) system-packages ## Everything but the long runs; what CI runs
	@$(PYTEST) $(PARALLEL) -m "not nightly"

.PHONY: unit
unit: $(STAMP) system-packages ## Tests without processes or network
	@$(PYTEST) -m "not integration and not e2e and not chaos and not nightly"

.PHONY: integration
integration: $(STAMP) system-packages ## Tests on real Postgres and Kafka
	@$(PYTEST) $(PARALLEL) -m "integration and not nightly"

.PHONY: e2e
e2e: $(STAMP) system-packages ## The whole story
	@$(PYTEST) -m "e2e and not nightly"

.PHONY: chaos
chaos: $(STAMP) ## Kills and freezes, the short ones
	@$(PYTEST) -m "chaos and not nightly"

.PHONY: nightly
nightly: $(STAMP) system-packages ## Long kills, many seeds, growth curves
	@$(PYTEST) -m nightly --timeout 7200

.PHONY: bench
bench: $(STAMP) ## Side-by-side measurements
	@for script in bench/bench_*.py; do $(PYTHON) $$script; done

.PHONY: check
check: $(STAMP) ## Format, lint, types, import contracts, integrations, generated docs; changes nothing
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/mypy -p lineshaft.common -p lineshaft.client -p lineshaft.cli -p lineshaft.sandbox -p lineshaft.api -p lineshaft.connector -p lineshaft.mapping -p lineshaft.health_monitor -p lineshaft.notifier -p lineshaft.tools
	@$(VENV)/bin/mypy tests deploy/docker conftest.py
	@$(VENV)/bin/lint-imports --no-cache
	@$(PYTHON) -m lineshaft.tools.lints
	@$(VENV)/bin/lineshaft integrations validate > /dev/null
	@$(PYTHON) -m lineshaft.tools.generate --check

.PHONY: fix
fix: $(STAMP) ## Format and fix what can be fixed by itself
	@$(VENV)/bin/ruff check --fix-only .
	@$(VENV)/bin/ruff format .

.PHONY: docs
docs: $(STAMP) ## Regenerate docs/reference
	@$(PYTHON) -m lineshaft.tools.generate

.PHONY: release-contracts
release-contracts: $(STAMP) ## Keep the events and routes of this checkout as the released ones, which later versions must keep
	@$(PYTHON) -m lineshaft.tools.released_events
	@$(PYTHON) -m lineshaft.tools.released_routes

.PHONY: pictures
pictures: $(STAMP) system-packages ## Draw the console's pages for the documents anew
	@$(PYTEST) -q services/api/tests/console/pictures.py

.PHONY: page-times
page-times: $(STAMP) ## Milliseconds of each page of the console with 10,000 connections
	@$(PYTEST) -q -s services/api/tests/console/page_times.py

.PHONY: integrations
integrations: $(STAMP) ## What each source system can do, and what is wrong with its folder
	@$(VENV)/bin/lineshaft integrations validate

# Pins that are there stay unless UPGRADE says otherwise.
COMPILE := uv pip compile --quiet --universal --generate-hashes --no-header --no-emit-index-url --no-emit-find-links
.PHONY: lock
lock: ## Pin what the dependencies lack (needs uv; UPGRADE=--upgrade or "--upgrade-package NAME" for newer versions)
	@$(COMPILE) $(UPGRADE) --group dev $(addprefix --no-emit-package lineshaft-,$(notdir $(MEMBERS))) pyproject.toml -o requirements.txt
	@$(COMPILE) $(UPGRADE) bench/requirements-peers.in -o bench/requirements-peers.txt
	@$(COMPILE) $(UPGRADE) --no-annotate tools/tryton/requirements.in -o tools/tryton/requirements.txt

.PHONY: system-packages
system-packages: # Prometheus for dashboards and alerts, PostgreSQL with TLS and MariaDB as sources, Chromium for the console, npm for an OpenID provider, where we may install them
	@{ command -v prometheus && command -v prometheus-alertmanager && command -v chromium && command -v npm && PATH="$$PATH:/usr/sbin" command -v mariadbd && ls /usr/lib/postgresql/*/bin/postgres; } >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && \
	  { echo "installing Prometheus, PostgreSQL, MariaDB, Chromium and npm for the tests"; apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends prometheus prometheus-alertmanager postgresql mariadb-server chromium $$(command -v npm >/dev/null || echo npm) >/dev/null; } } || true

.PHONY: clean
clean: ## Remove what runs and tests left behind, the caches too
	@rm -rf var .mypy_cache .ruff_cache .pytest_cache .hypothesis
