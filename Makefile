# Everything a developer or a visitor runs. `make help` lists the targets.
SHELL := /bin/sh
.DEFAULT_GOAL := help

PY := .venv/bin/python
INSTALLED := .venv/installed
STACK := $(PY) -m magodoo_devstack

# bytecode halves Airflow's import time (docs/facts/airflow-3.3.md#0)
unexport PYTHONDONTWRITEBYTECODE

# every target that says what it does
.PHONY: $(shell sed -nE 's/^([a-z-]+):.*[#][#] .*/\1/p' Makefile)

help: ## list these targets
	@awk -F ':.*## ' '/^##@ / {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  make %-18s %s\n", $$1, $$2}' Makefile

##@ Try it

install: $(INSTALLED) ## create .venv from the pinned requirements and install magodoo and dev/ into it

$(INSTALLED): requirements.txt dev/requirements.txt requirements-dev.txt pyproject.toml setup.py dev/pyproject.toml scripts/install
	@scripts/install
	@mkdir -p var && chmod 700 var
	@touch $@

demo: ## run the whole chain on a sandbox shop and print what it found; ODOO=live: with a real Odoo 19; ORDERS=20000: a larger shop
	@started=$$(date +%s); $(MAKE) --silent --no-print-directory install && \
	MAGODOO_INSTALL_SECONDS=$$(($$(date +%s) - started)) $(STACK).demo --odoo $(or $(ODOO),sandbox) --orders $(or $(ORDERS),300)

up: $(INSTALLED) ## start PostgreSQL, Airflow and the mail server, and the sandbox systems where the demo made them
	@$(STACK) up

down: $(INSTALLED) ## stop every process of the stack
	@$(STACK) down

status: $(INSTALLED) ## show what runs, the addresses and the logins
	@$(STACK) status

clean: $(INSTALLED) ## stop the stack and remove its data under var/; with a magodoo.yaml of your own: YES=1 make clean
	@$(STACK) clean

##@ Use it

screenshots: $(INSTALLED) ## take screenshots of every sales page for docs/screenshots, desktop and phone, light and dark; needs chromium
	@cd tests/support && PYTHONPATH=. ../../$(PY) -W ignore -m screenshots

screenshots-demo: $(INSTALLED) ## take screenshots of the demo that runs here, for the README; needs chromium
	@cd tests/support && PYTHONPATH=. ../../$(PY) -W ignore -m screenshots --demo

samples: $(INSTALLED) ## write sample statements of a German, a Swiss, a British and a Texan shop to docs/samples; ODOO=live: with a real Odoo 19
	@cd tests/support && PYTHONPATH=. ../../$(PY) -W ignore -m samples --odoo $(or $(ODOO),sandbox)

init: $(INSTALLED) ## read Magento and Odoo and draft magodoo.yaml from them; run again: what has changed since
	@$(STACK).run magodoo_airflow.init

settings: $(INSTALLED) ## check the settings file (MAGODOO_SETTINGS, else magodoo.yaml)
	@$(PY) -m magodoo.settings

provision: $(INSTALLED) ## show what Odoo lacks of what the settings name; YES=1 makes it; LIST=1 shows what was made
	@$(STACK).run --needed magodoo_airflow.provision

preflight: $(INSTALLED) ## check every instance against its systems before it may write
	@$(STACK).run --needed magodoo_airflow.preflight

explain: $(INSTALLED) ## show what both sides hold of an order and what will be written: make explain ORDER=000000012
	@$(STACK).explain $(or $(ORDER),$(error name the order: make explain ORDER=000000012))

erase: $(INSTALLED) ## erase a customer's personal data from everything stored here: make erase EMAIL=ann@example.com [CUSTOMER=12] [ORDERS="000000012 000000013"]
	@$(STACK).run --needed magodoo_airflow.erase --email "$(EMAIL)" --customer-id "$(CUSTOMER)" $(ORDERS:%=--order %)

##@ Change it

# A file's tests stay together: they share what they have set up. The order is that of tests/conftest.py, the longest files first.
ON_EVERY_CORE := -n auto --dist loadfile --no-loadscope-reorder

test: $(INSTALLED) ## run the test suite
	@$(PY) -m pytest $(ON_EVERY_CORE)

lint: $(INSTALLED) ## check style, formatting and types
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy

format: $(INSTALLED) ## fix formatting and style
	@.venv/bin/ruff check --fix .
	@.venv/bin/ruff format .

COMPILE := PATH="$(CURDIR)/.venv/bin:$$PATH" uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-strip-extras --no-emit-index-url --no-emit-find-links

# What is pinned already is constrained, and left out.
PINNED = $$(sed -nE 's/^([a-z0-9._-]+)(\[[a-z,-]+\])?==.*/--no-emit-package \1/p' $(1)) $(addprefix --constraint ,$(1))
EXTRAS := celery fab openlineage statsd
LOCKS := requirements.txt dev/requirements.txt requirements-dev.txt

lock: $(INSTALLED) ## compile the pinned requirements again: the product's, dev/'s, the tests' and deploy/helm's
	@$(COMPILE) --custom-compile-command "make lock" pyproject.toml $(EXTRAS:%=--extra %) requirements.in --output-file requirements.txt
	@$(COMPILE) --custom-compile-command "make lock" $(call PINNED,requirements.txt) dev/requirements.in --output-file dev/requirements.txt
	@$(COMPILE) --custom-compile-command "make lock" $(call PINNED,requirements.txt dev/requirements.txt) \
		requirements-dev.in --output-file requirements-dev.txt
	@$(COMPILE) --custom-compile-command "make lock" $(call PINNED,requirements.txt) \
		deploy/helm/requirements.in --output-file deploy/helm/requirements.txt

audit: $(INSTALLED) ## check the pinned packages against a database of known vulnerabilities (AUDIT="--vulnerability-service osv ...")
	@for file in $(LOCKS) deploy/helm/requirements.txt; do \
		.venv/bin/uvx --quiet pip-audit==2.10.1 --strict --require-hashes --disable-pip $(AUDIT) --requirement $$file || exit 1; \
	done

coverage: $(INSTALLED) ## run the suite and measure branch coverage, in every process, by package
	@rm -rf var/coverage && mkdir -p var/coverage
	@$(PY) -m coverage run -m pytest $(ON_EVERY_CORE); $(PY) -m coverage combine --quiet && $(PY) -m scripts.coverage

test-dates: $(INSTALLED) ## run the suite on 29 February, 31 December and 1 March; needs faketime. TESTS="tests/test_statement.py ...": these files
	@$(PY) -m scripts.dates $(or $(TESTS),$(ON_EVERY_CORE))

mutants: $(INSTALLED) ## change matching, planning and the write protocol and check whether a test fails: make mutants MUTANTS=25 SEED=1
	@$(PY) -m scripts.mutants --mutants $(or $(MUTANTS),25) --seed $(or $(SEED),1) $(AREA)

##@ Read it

DOCS := var/docs/venv

docs: $(DOCS)/installed ## build the documentation into site/, without a warning
	@NO_MKDOCS_2_WARNING=1 $(DOCS)/bin/mkdocs build --quiet --strict

docs-serve: $(DOCS)/installed ## serve the documentation and reload it on changes
	@NO_MKDOCS_2_WARNING=1 $(DOCS)/bin/mkdocs serve --strict

$(DOCS)/installed: docs/requirements.txt | $(INSTALLED)
	@$(PY) -m venv --clear $(DOCS)
	@$(DOCS)/bin/python -m pip install -qq --require-hashes -r docs/requirements.txt
	@touch $@

reference: $(INSTALLED) ## write docs/reference and docs/settings.schema.json again from the code
	@$(PY) -m magodoo.settings --schema > docs/settings.schema.json
	@$(PY) -m scripts.reference

docs-lock: $(INSTALLED) ## compile docs/requirements.txt again
	@PATH="$(CURDIR)/.venv/bin:$$PATH" uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
		--no-strip-extras --no-emit-index-url --no-emit-find-links --custom-compile-command "make docs-lock" \
		docs/requirements.in --output-file docs/requirements.txt

##@ Longer tests

histories: $(INSTALLED) ## run random histories of both sides until nothing is left to do: make histories HISTORIES=2000 SEED=1
	@cd tests/support && ../../$(PY) -W ignore -m histories --histories $(or $(HISTORIES),2000) --seed $(or $(SEED),1)

month: $(INSTALLED) ## run months of sales without and with faults; both must end equal, and no row may be lost
	@cd tests/support && PYTHONPATH=. ../../$(PY) -W ignore -m months $(MONTHS)

ten-minutes: $(INSTALLED) ## from two keys to a first reconciliation, as a person types it: counts questions, edits, seconds; ODOO=live: with a real Odoo 19
	@cd tests/support && PYTHONPATH=. ../../$(PY) -W ignore -m ten_minutes --odoo $(or $(ODOO),sandbox)

cutover: $(INSTALLED) ## run the first day of a shop with ten years and 2,000 orders, and check every document
	@cd tests/support && PYTHONPATH=. ../../$(PY) -m cutover

faults: $(INSTALLED) ## inject faults while documents are written, then check both systems: make faults SCHEDULES=100 SEED=1
	@cd tests/support && ../../$(PY) -W ignore -m faults --schedules $(or $(SCHEDULES),1000) --seed $(or $(SEED),1) \
		--mutation "$(MUTATION)"

faults-mutations: $(INSTALLED) ## remove each step of the protocol in turn; every removal must be detected
	@cd tests/support && ../../$(PY) -W ignore -m faults --each-mutation --schedules $(or $(SCHEDULES),100) --seed $(or $(SEED),1)

faults-live: $(INSTALLED) ## the faults, fewer, against a live Odoo 19; provisions one
	@cd tests/support && ../../$(PY) -W ignore -m faults --live --schedules $(or $(SCHEDULES),50) --seed $(or $(SEED),1) \
		--jobs 1 --summary ../../var/faults/summary-live.json

chaos: $(INSTALLED) ## kill, stop and fill up every part of the stack while documents are written, then check both systems: make chaos ROUNDS=30 SEED=1; needs faketime and the right to mount
	@cd tests/support && PYTHONPATH=. ../../$(PY) -W ignore -m chaos --rounds $(or $(ROUNDS),30) --seed $(or $(SEED),1)

test-by-hand: $(INSTALLED) ## clear, repeat, trigger and backfill in a running Airflow: the end state must not change
	@$(PY) -m pytest -m "by_hand and not live_demo" tests/test_demo_e2e.py

test-newcomer: $(INSTALLED) ## run the tutorial in a fresh clone, command by command
	@$(PY) -m pytest -m newcomer

test-outage: $(INSTALLED) ## kill the api-server at three moments, leave it away for 8 minutes, and check that all ends green; 45 minutes; writes its evidence
	@$(PY) -m pytest -m outage tests/test_outage_e2e.py

test-celery: $(INSTALLED) ## run docker-compose.yaml's commands with two Celery workers, one of which is killed; needs redis-server
	@$(PY) -m pytest -m celery

test-install: $(INSTALLED) ## install the wheel beside plain Airflow in an empty environment, parse and run its DAGs, open its pages, use its connection types
	@$(PY) -m pytest -m install

test-airflow: $(INSTALLED) ## the same with another Airflow: AIRFLOW=3.3.0; writes its row of docs/evidence/airflow-versions.md
	@EVIDENCE=1 AIRFLOW_VERSION="$${AIRFLOW:?say which: make test-airflow AIRFLOW=3.3.0}" $(PY) -m pytest -m install

odoo: $(INSTALLED) ## provision a live Odoo 19 and run it until interrupted; ODOO_HOME=...: another Odoo on this machine
	@$(PY) -m magodoo_devstack.live_odoo --serve

test-odoo: $(INSTALLED) ## run the tests that need a live Odoo 19; provisions one. ODOO_HOME=/srv/odoo-18.0 [ODOO_PYTHON=...]: on that one; ODOO_URL=... ODOO_DB=... ODOO_KEY=...: on copies of a database of an existing server; TESTS="tests/odoo/test_odoo_reads.py ...": these files; EVIDENCE=1: counts into docs/evidence/live-odoo.md
	@$(PY) -m pytest -m odoo $(TESTS)

odoo-names: $(INSTALLED) ## look up every name that is used of Odoo in the sources of a version: ODOO_HOME=<tree> SOURCE="<where it comes from>"; writes docs/evidence/odoo-sources.md
	@$(PY) -m magodoo_devstack.odoo_names "$$ODOO_HOME" "$$SOURCE"

test-odoo-stories: $(INSTALLED) ## run the scenarios, closed periods, the statement and more modules on a live Odoo 19; provisions one; the variables of test-odoo
	@$(PY) -m pytest -m odoo_stories $(TESTS)

test-demo-odoo: $(INSTALLED) ## run the demo's tests with a live Odoo 19 instead of the sandbox
	@$(PY) -m pytest -m live_demo tests/test_demo_e2e.py

test-magento: $(INSTALLED) ## run the tests that need a live Magento: MAGENTO_URL and a login (docs/live-systems.md)
	@if [ -n "$$MAGENTO_URL" ]; then $(PY) -m pytest -m magento; \
	else echo "The tests of a live Magento were NOT RUN: MAGENTO_URL and a login are not given (docs/live-systems.md)."; fi

test-pair: $(INSTALLED) ## run the whole chain on a live Magento (MAGENTO_URL and a login) and a live Odoo 19
	@if [ -n "$$MAGENTO_URL" ]; then $(PY) -m pytest -m live_pair; \
	else echo "The live pair was NOT RUN: MAGENTO_URL and a login are not given (docs/live-systems.md)."; fi

##@ Measure it

BENCH := extract odoo-read stage pg-copy reconcile quality load chain memory pages statement idle crowd scale
SIZE ?= quick
RUNS ?= 5

bench: $(INSTALLED) bench-competitors ## measure against the tools that people would use instead: make bench SIZE=full, make bench-stage
	@$(PY) -m bench --size $(SIZE) --runs $(RUNS)

$(BENCH:%=bench-%): bench-%: $(INSTALLED) bench-competitors
	@$(PY) -m bench $* --size $(SIZE) --runs $(RUNS)

bench-competitors: var/bench/venv/installed ## install dlt, datacompy, odoorpc and pandas into a separate environment

var/bench/venv/installed: bench/requirements-competitors.txt | $(INSTALLED)
	@$(PY) -m venv --clear var/bench/venv
	@var/bench/venv/bin/python -m pip install -qq --require-hashes -r bench/requirements-competitors.txt
	@touch $@

bench-lock: $(INSTALLED) ## compile bench/requirements-competitors.txt again
	@$(COMPILE) --custom-compile-command "make bench-lock" bench/requirements-competitors.in --output-file bench/requirements-competitors.txt
