# Everything a developer or a visitor runs. `make help` lists the targets.
SHELL := /bin/sh
.DEFAULT_GOAL := help

PY := .venv/bin/python
INSTALLED := .venv/installed
STACK := $(PY) -m magodoo.stack

# bytecode halves Airflow's import time (facts airflow-3.3 0)
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help install demo up down status clean settings preflight explain test test-odoo odoo lint format lock bench bench-competitors bench-lock

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(INSTALLED) ## make .venv from the pinned requirements.txt and install magodoo into it

$(INSTALLED): requirements.txt pyproject.toml scripts/install
	@scripts/install
	@touch $@

demo: ## run the whole chain on a sandbox shop, from a clean start, and print what it found
	@started=$$(date +%s); $(MAKE) --silent --no-print-directory install && \
	MAGODOO_INSTALL_SECONDS=$$(($$(date +%s) - started)) $(STACK).demo

up: $(INSTALLED) ## start PostgreSQL, Airflow, the sandbox systems and the mail server
	@$(STACK) up

down: $(INSTALLED) ## stop every process of the stack
	@$(STACK) down

status: $(INSTALLED) ## show what runs, the addresses and the logins
	@$(STACK) status

clean: $(INSTALLED) ## stop the stack and remove all that it keeps under var/
	@$(STACK) clean

settings: $(INSTALLED) ## check the settings file (MAGODOO_SETTINGS, else magodoo.yaml)
	@$(PY) -m magodoo.settings

preflight: $(INSTALLED) ## examine every instance against its systems before it may write
	@$(PY) -m magodoo_airflow.preflight

explain: $(INSTALLED) ## tell what both sides hold of an order and what will be done: make explain ORDER=000000012
	@$(STACK).explain $(ORDER)

test: $(INSTALLED) ## run the test suite
	@$(PY) -m pytest

test-odoo: $(INSTALLED) ## run the tests that need a live Odoo 19; provisions one
	@$(PY) -m pytest -m odoo

odoo: $(INSTALLED) ## provision a live Odoo 19 and serve it until interrupted
	@$(PY) -m magodoo.stack.live_odoo --serve

lint: $(INSTALLED) ## check style, formatting and types
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy

format: $(INSTALLED) ## put the formatting and the fixable style right
	@.venv/bin/ruff check --fix .
	@.venv/bin/ruff format .

lock: $(INSTALLED) ## compile requirements.txt again from requirements.in and requirements-dev.in
	@PATH="$(CURDIR)/.venv/bin:$$PATH" uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
		--no-strip-extras --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" \
		requirements.in requirements-dev.in --output-file requirements.txt

BENCH := extract odoo-read stage reconcile quality load memory pages scale
SIZE ?= quick
RUNS ?= 5

bench: $(INSTALLED) bench-competitors ## measure beside what people would use instead: make bench SIZE=full, make bench-stage
	@$(PY) -m bench --size $(SIZE) --runs $(RUNS)

$(BENCH:%=bench-%): bench-%: $(INSTALLED) bench-competitors
	@$(PY) -m bench $* --size $(SIZE) --runs $(RUNS)

bench-competitors: var/bench/venv/installed ## install dlt, datacompy, odoorpc and pandas into an environment of their own

var/bench/venv/installed: bench/requirements-competitors.txt | $(INSTALLED)
	@$(PY) -m venv --clear var/bench/venv
	@var/bench/venv/bin/python -m pip install -qq --require-hashes -r bench/requirements-competitors.txt
	@touch $@

bench-lock: $(INSTALLED) ## compile bench/requirements-competitors.txt again
	@PATH="$(CURDIR)/.venv/bin:$$PATH" uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
		--no-strip-extras --no-emit-index-url --no-emit-find-links --custom-compile-command "make bench-lock" \
		bench/requirements-competitors.in --output-file bench/requirements-competitors.txt
