# Everything runs from here. All paths are relative, so that a checkout may lie below a folder with a space in its name.
# Steps that install or build leave a stamp named by the checksum of what they read: a second run has nothing to do.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:

PYTHON = $(shell for name in python3.13 python3.12 python3.11 python3.14 python3 python; do \
	"$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo "$$name" && break; done)
PY := .venv/bin/python
# Programs of the environment win: where the system has no fitting Node, the environment gets one.
IN_ENV = PATH="$$PWD/.venv/bin:$$PATH"

checksum = $(shell cat $(1) 2>/dev/null | cksum | cut -d ' ' -f 1)
RUN_STAMP := .venv/.stamp-run-$(call checksum,requirements/build.txt requirements/run.txt)
DEV_STAMP := .venv/.stamp-dev-$(call checksum,requirements/build.txt requirements/dev.txt)
NPM_STAMP := node_modules/.stamp-$(call checksum,package-lock.json package.json .npmrc)
BUILD_STAMP := node_modules/.stamp-build-$(shell find package-lock.json frontend app -path app/core/static/dist -prune -o -type f \
	\( -name '*.html' -o -name '*.css' -o -name '*.js' -o -name '*.mjs' -o -name '*.svg' -o -name 'package-lock.json' \) \
	-exec cksum {} + 2>/dev/null | sort | cksum | cut -d ' ' -f 1)

PORT ?= 8000
JOBS ?= 2
ARGS ?=
# What pytest answers when ARGS name no test of a part.
NO_TEST := 5

.PHONY: help setup setup-run demo test unit e2e accessibility browser check openapi format translations bench faults faults-short fuzz locks clean

help: ## Show this help
	@echo "Orion Loyalty"
	@sed -n 's/^\([a-z][a-z0-9-]*\):.*## \(.*\)/  make \1 \2/p' Makefile | awk '{ name = $$2; $$1 = $$2 = ""; printf "  make %-13s%s\n", name, $$0 }'

setup: $(DEV_STAMP) $(BUILD_STAMP) ## Install everything that developing and testing need, and build the front end
	@:

setup-run: $(RUN_STAMP) $(BUILD_STAMP)

demo: setup-run ## Run everything on this machine with sample data (PORT=8000)
	@exec $(PY) -m app.cli demo --port $(PORT) $(ARGS)

test: setup check unit e2e faults-short ## Run all checks and all tests

unit: $(DEV_STAMP) $(BUILD_STAMP) ## Run the tests that need no browser (JOBS=2, ARGS=...)
	@echo "==> Unit and API tests"
	@$(PY) -m pytest app tests --ignore=app/modules/loyalty --ignore=tests/e2e --ignore=tests/faults -n $(JOBS) $(ARGS) || test $$? -eq $(NO_TEST)
	@# Counting lines doubles the time of what is counted, so it is done where a figure is asked for (requirements, I1).
	@$(PY) -m pytest app/modules/loyalty -n $(JOBS) --cov=app/modules/loyalty --cov-report= $(ARGS) || test $$? -eq $(NO_TEST)
	@test -n "$(ARGS)" || $(PY) -m coverage report --skip-covered --show-missing | tail -n 40
	@test -n "$(ARGS)" || $(PY) -m coverage report --fail-under=80 >/dev/null \
		|| { echo "Coverage of app/modules/loyalty is below 80 %."; exit 1; }

e2e: setup browser ## Run the browser tests
	@test ! -d tests/e2e || { echo "==> Browser tests"; \
		CHROMIUM_PATH="$$($(IN_ENV) $(PY) -m app.ops.browser)" $(PY) -m pytest tests/e2e -n $(JOBS) $(ARGS); }

accessibility: setup browser ## Look at every page in every language, size and scheme (ARGS=...)
	@ORION_TEST_FULL=1 CHROMIUM_PATH="$$($(IN_ENV) $(PY) -m app.ops.browser)" $(PY) -m pytest tests/e2e/test_every_page.py -n $(JOBS) $(ARGS)

browser: $(DEV_STAMP) $(NPM_STAMP)
	@if $(IN_ENV) $(PY) -m app.ops.browser >/dev/null; then exit 0; fi; \
	if [ "$$CI" = true ] && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "==> Installing a browser"; apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium; fi; \
	if $(IN_ENV) $(PY) -m app.ops.browser >/dev/null; then exit 0; fi; \
	if [ "$$CI" = true ]; then echo "No browser was found: install chromium or set CHROMIUM_PATH."; exit 1; fi; \
	echo "No browser was found: browser tests will be skipped. Install chromium or set CHROMIUM_PATH."

check: $(DEV_STAMP) ## Check style, types, architecture, templates, translations and the API's description
	@echo "==> Style";          $(PY) -m ruff check . && $(PY) -m ruff format --check --quiet .
	@echo "==> Types";          $(PY) -m mypy
	@echo "==> Architecture";   .venv/bin/lint-imports --no-cache >.venv/lint-imports.log 2>&1 || { cat .venv/lint-imports.log; exit 1; }
	@$(PY) -m tools.ast_rules
	@echo "==> Templates";      $(PY) -m djlint --lint --quiet app
	@echo "==> Translations";   $(PY) -m tools.i18n check
	@echo "==> API description"; $(PY) -m app.cli openapi --check

openapi: $(DEV_STAMP) ## Write the description of loyalty's API
	@$(PY) -m app.cli openapi

format: $(DEV_STAMP) ## Format Python
	@$(PY) -m ruff check --fix --quiet . ; $(PY) -m ruff format .

bench: setup ## Measure the database's limit and the product in one run (ARGS=...)
	@$(PY) -m benchmarks $(ARGS)

faults: setup ## Kill, hang and starve every part on purpose, in full (ARGS=...)
	@ORION_TEST_FULL=1 $(PY) -m pytest tests/faults $(ARGS)

faults-short: setup
	@test ! -d tests/faults || { echo "==> Faults, short form"; $(PY) -m pytest tests/faults -n $(JOBS) $(ARGS); }

fuzz: setup ## Send 10,000 generated requests (ARGS=...)
	@ORION_TEST_FULL=1 $(PY) -m pytest tests/fuzz $(ARGS)

locks: $(DEV_STAMP) ## Resolve requirements/*.in anew
	@cd requirements && for name in build node run; do \
		../$(PY) -m uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate $$name.in -o $$name.txt || exit 1; done; \
		../$(PY) -m uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -c run.txt dev.in -o dev.txt

clean: ## Remove what was installed and built; data in var/ stays
	@rm -rf .venv node_modules app/core/static/dist build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage .coverage.* htmlcov

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed and none was found."; exit 1; }
	@echo "==> Python environment ($(PYTHON))"
	@"$(PYTHON)" -m venv .venv && test -x .venv/bin/pip \
		|| { rm -rf .venv; echo "This Python lacks its venv module: on Debian and Ubuntu, apt install python3-venv."; exit 1; }

$(RUN_STAMP): | .venv/bin/python
	@echo "==> Python packages"
	@$(call install,requirements/run.txt)
	@rm -f .venv/.stamp-run-*; touch $@

$(DEV_STAMP): | .venv/bin/python
	@echo "==> Python packages, with those for development"
	@$(call install,requirements/dev.txt)
	@rm -f .venv/.stamp-*; touch $@ $(RUN_STAMP)

install = $(PY) -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements/build.txt -r $(1) \
	&& $(PY) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .

$(NPM_STAMP): | $(RUN_STAMP)
	@if ! $(IN_ENV) node -e 'process.exit(Number(process.versions.node.split(".")[0]) < 20 ? 1 : 0)' 2>/dev/null || ! $(IN_ENV) npm --version >/dev/null 2>&1; then \
		echo "==> Node (none of version 20 or newer here)"; \
		$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements/node.txt; fi
	@echo "==> Front-end packages"
	@$(IN_ENV) npm ci --loglevel=error
	@touch $@

$(BUILD_STAMP): | $(NPM_STAMP)
	@echo "==> Front-end build"
	@$(IN_ENV) npm run --silent build
	@rm -f node_modules/.stamp-build-*; touch $@
