# The same commands by hand and in CI. `make run` and `make test` set up what is missing.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: setup run test lint bench web pictures completions clean help

help:
	@echo "make run    set up, then answer examples/tickets.jsonl with the bundled model"
	@echo "make test   set up, then lint and run the tests"
	@echo "make bench  print every figure of docs/numbers.md (an hour)"
	@echo "make web    build the pages of pyagent serve, when their sources changed"
	@echo "make setup lint completions clean"

setup: $(VENV)/.ready

# Made again when what it installs changes; a model or a build that is there is not made twice.
$(VENV)/.ready: pyproject.toml constraints.txt .ci/setup.py
	$(PYTHON) .ci/setup.py $(VENV)
	@touch $@

run: setup
	$(BIN)/pyagent swarm run examples/tickets.jsonl --ordered --format table

test: setup lint
	-$(BIN)/python hatch_build.py
	$(BIN)/python -m pytest

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: setup
	for file in benchmarks/*.py; do echo "== $$file"; $(BIN)/python $$file || exit 1; done

web: setup
	$(BIN)/python hatch_build.py

# Every panel over real runs of the bundled model, for the docs; three minutes.
pictures: web
	PYAGENT_PICTURES=docs/pictures $(BIN)/python -m pytest tests/web/browser/test_pages.py -q -k pictures

completions: setup
	$(BIN)/python -m pyagent.cli.completion completions

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
