# The tasks of a contributor. `make` is on every machine that can build a bench; `just` would be one more thing to install.
# PYTHON may be the Python of a bench (env/bin/python).
PYTHON ?= python3
SHELL := bash
PYTEST = $(PYTHON) -m pytest -q -p no:cacheprovider

.PHONY: help setup lint types javascript fix pure test docs

help: ## List the tasks
	@sed -nE 's/^([a-z]+):.*## (.*)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 12

setup: ## Install the tools of a contributor for PYTHON, and those for JavaScript
	$(PYTHON) -m pip install --editable '.[test,dev]'
	if [[ -f package.json ]]; then npm install --no-fund --no-audit; fi

lint: types javascript ## Check style, types and architecture; changes nothing
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) scripts/lib/generate_docs.py --check
	$(PYTEST) -m lint crm_relations/tests

types: ## Check the types: strictly where no Frappe is imported
	$(PYTHON) scripts/lib/check_types.py

javascript: # Run eslint and the unit tests of the scripts
	if [[ -f package.json ]]; then npm run --silent lint && npm run --silent test; fi

fix: ## Repair style and format
	$(PYTHON) -m ruff check --fix .
	$(PYTHON) -m ruff format .

pure: ## Run the tests that need no bench, and check their coverage of the modules without Frappe
	$(PYTHON) -m coverage run -m pytest -q -p no:cacheprovider crm_relations/tests
	$(PYTHON) -m coverage report --include="$$($(PYTHON) scripts/lib/frappe_free.py | paste -sd,)" --fail-under=$(FLOOR)

# The coverage of the modules without Frappe on the day it was first measured, rounded down. Raise it, never lower it.
FLOOR = 90

test: ## Run all tests, on a site that is made for them and dropped
	scripts/test

docs: ## Write the generated pages again
	$(PYTHON) scripts/lib/generate_docs.py
