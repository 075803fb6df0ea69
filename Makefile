# `make run` serves the console, `make test` runs every test. Each first installs what it needs into .venv, from the
# hash-pinned lock, once per content of that lock; the project itself comes last, for its command `gatehouse`.
#
#   PORT=8001 make run                    another port (0: any free one)
#   GATEHOUSE_STORAGE=/srv/gh make run    another storage
#   make run ARGS=...                     more arguments for `manage.py up`
#   WORKERS=2 make test                   tests in two processes instead of three, which wait half of their time
#   make page-figures                     what every page costs and weighs beside 1,000 runs; how soon charts are drawn
#   make matrix                           every page in every width, theme and language, not in pairs of them only

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
WORKERS ?= 3
CASES ?= 200
RUN_STAMP := $(VENV)/.run-$(firstword $(shell cksum < requirements.lock))
TEST_STAMP := $(VENV)/.test-$(firstword $(shell cksum < requirements-dev.lock))

.PHONY: run test schema page-figures matrix lint
.DEFAULT_GOAL := run

# Runs and tests start Pythons by the dozen: each but the first finds our modules compiled, whatever this shell thinks of
# that.
run test: export PYTHONDONTWRITEBYTECODE :=

run: $(RUN_STAMP)
	@exec $(VENV)/bin/python manage.py up --with-parent $(ARGS)

test: lint
	$(VENV)/bin/python -m pytest -n $(WORKERS) --no-loadscope-reorder $(ARGS)

# The long form of the test that sends generated requests to every operation of the API: CASES of each kind for each.
schema: export SCHEMA_CASES = $(CASES)
schema: $(TEST_STAMP)
	$(VENV)/bin/python -m pytest -n0 --timeout 36000 console/tests/api/test_schema.py $(ARGS)

page-figures: $(TEST_STAMP)
	$(VENV)/bin/python -m pytest console/tests/page_figures/figures.py -n 0 -s -q -o python_functions=measure $(ARGS)

matrix: export GATEHOUSE_LOOKS := all
matrix: $(TEST_STAMP)
	$(VENV)/bin/python -m pytest $$(grep -rl "import .*in_every_language" console/tests) -k "[en] or [de]" -n $(WORKERS) -o timeout=1800 $(ARGS)

lint: $(TEST_STAMP)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy .
	$(VENV)/bin/lint-imports

.PHONY: python
python:
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed: make PYTHON=...")'

$(RUN_STAMP): requirements.lock | python
	@echo "Installing what the console needs into $(VENV) …"
	@$(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/python -m pip install -qq --require-hashes -r requirements.lock
	@$(VENV)/bin/python -m pip install -qq --no-deps --no-build-isolation -e .
	@rm -f $(VENV)/.run-* && touch $@

# The development lock holds everything of the other one, at the same versions.
$(TEST_STAMP): requirements-dev.lock | python
	@echo "Installing what the tests need into $(VENV) …"
	@$(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/python -m pip install -qq --require-hashes -r requirements-dev.lock
	@$(VENV)/bin/python -m pip install -qq --no-deps --no-build-isolation -e .
	@rm -f $(VENV)/.test-* && touch $@
