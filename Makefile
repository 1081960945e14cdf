# One target a habit; each works from a fresh clone.
.PHONY: help build test lint bench peers docs

VENV := .venv
PYTHON := $(VENV)/bin/python
SIMD := .bench/pillow-simd

help: ## show this list
	@grep -E '^[a-z]+:.*##' Makefile | sed 's/:.*## /\t/'

$(PYTHON):
	python3 -m venv $(VENV)

build: $(PYTHON) ## build the extension and install the package with the test and dev extras
	$(VENV)/bin/pip install --quiet '.[test,dev]'

test: build ## run the tests of the core and of the package
	cargo test --package ptarmigan-core --locked
	$(PYTHON) -m pytest

lint: $(PYTHON) ## check format, lints, types and stubs
	$(VENV)/bin/pip install --quiet '.[test,dev]'
	cargo fmt --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(PYTHON) -m mypy.stubtest ptarmigan._core

$(SIMD): $(PYTHON)
	CC="cc -mavx2" $(VENV)/bin/pip install --quiet --no-deps --target $(SIMD) pillow-simd

bench: $(PYTHON) ## time the package against its peers
	$(VENV)/bin/pip install --quiet '.[bench]'
	$(PYTHON) -m pytest -c benches/pytest.ini benches
	cargo bench --package ptarmigan-core --bench archive --bench pixels --locked

peers: $(PYTHON) ## time decoding and cropping beside every other library (PHOTOS=archive or folder)
	$(VENV)/bin/pip install --quiet .
	$(VENV)/bin/ptarmigan bench --peers $(PHOTOS)

docs: build ## run every example of the README and the documentation
	$(PYTHON) -m pytest tests/test_docs.py
