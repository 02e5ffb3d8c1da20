# The tasks of a contributor. `make` is on every machine that can build a bench; `just` would be one more thing to install.
# PYTHON may be the Python of a bench (env/bin/python).
PYTHON ?= python3
SHELL := bash
# Pinned, and got by npx: a package.json here would make `bench get-app` install them on every bench.
ESLINT = npx --yes eslint@9.39.1
PRETTIER = npx --yes prettier@3.1.0 --use-tabs --tab-width=4 --print-width=100
SCRIPTS = eslint.config.mjs "crm_relations/{public/js,crm_relations,tests/js}/**/*.{js,mjs}" "crm_relations/public/scss/*.scss"
# the test files of the linters; to load all others would take longer than to run these
LINTS = $(shell grep -rlE --include='test_*.py' 'mark\.lint\b' crm_relations/tests)
PYTEST = $(PYTHON) -m pytest -q -p no:cacheprovider

.PHONY: help setup lint types javascript fix pure test docs

help: ## List the tasks
	@sed -nE 's/^([a-z]+):.*## (.*)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 12

setup: ## Install the tools of a contributor for PYTHON; npx gets those for JavaScript when they are needed
	$(PYTHON) -m pip install --editable '.[test,dev]'

lint: types javascript ## Check style, types and architecture; changes nothing
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) scripts/lib/generate_docs.py --check
	$(PYTEST) -m lint $(LINTS)

types: ## Check the types: strictly where no Frappe is imported
	$(PYTHON) scripts/lib/check_types.py

javascript: ## Check the desk's scripts with eslint and prettier, and run their unit tests
	$(ESLINT) .
	$(PRETTIER) --check $(SCRIPTS)
	node --test crm_relations/tests/js/*.mjs

fix: ## Repair style and format
	$(PYTHON) -m ruff check --fix .
	$(PYTHON) -m ruff format .
	$(PRETTIER) --write --log-level warn $(SCRIPTS)

pure: ## Run the tests that need no bench, and check their coverage of the modules without Frappe
	$(PYTHON) -m coverage run -m pytest -q -p no:cacheprovider crm_relations/tests
	$(PYTHON) -m coverage report --include="$$($(PYTHON) scripts/lib/frappe_free.py | paste -sd,)" --fail-under=$(FLOOR)

# The coverage of the modules without Frappe on the day it was first measured, rounded down. Raise it, never lower it.
FLOOR = 90

test: ## Run all tests, on a site that is made for them and dropped
	scripts/test

docs: ## Write the generated pages again
	$(PYTHON) scripts/lib/generate_docs.py
