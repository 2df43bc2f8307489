# The README's two commands are `make demo` and `make test`. Everything lives in .venv; nothing is
# installed outside of this folder. PYTHON names another interpreter, ARGS goes to `ragqa answer`,
# or to the bench of `make bench`, which measures beside LangChain and PaperQA2: they get an
# environment of their own, .bench-venv. DATA is the folder of its datasets.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
DATA ?= ../shared/data

.PHONY: demo test test-all bench lint types docs fix clean

demo: $(VENV)/.ragqa
	$(BIN)/ragqa answer corpus/upscaling/card.txt $(ARGS)

test: $(VENV)/.dev lint types
	$(BIN)/pytest -q -n 2 -m "not slow"

test-all: $(VENV)/.dev
	$(BIN)/pytest -q -n 2 -m slow

bench: $(VENV)/.dev
	$(BIN)/python -m benchmarks.bench --data $(DATA) $(ARGS)

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pydoclint --quiet ragqa

types: $(VENV)/.dev
	$(BIN)/mypy

docs: $(VENV)/.dev
	$(BIN)/python docs/make_cli.py
	$(BIN)/python docs/make_evaluation.py

fix: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) .bench .bench-venv indexes .pytest_cache .mypy_cache .ruff_cache

$(VENV)/.ragqa: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	touch $@

$(VENV)/.dev: $(VENV)/.ragqa
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@
