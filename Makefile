# Two commands do everything: "make demo" and "make test". Each sets up what it needs first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.requirements
UV = $(if $(shell command -v uv 2>/dev/null),uv,.uv/bin/uv)

.PHONY: demo test setup lint fix types contracts docs ci bench bench-setup pins system clean

demo: setup                ## a whole small world on this machine
	@$(BIN)/heliograph demo

test: setup system         ## every test, browser and lab included
	@$(BIN)/python -m pytest -n 2 --dist worksteal -q

setup: $(STAMP)            ## .venv with pinned requirements

$(STAMP): requirements/dev.txt pyproject.toml scripts/hatch_metadata.py
	@scripts/setup "$(PYTHON)" "$(VENV)" requirements/dev.txt
	@touch $(STAMP)

bench-setup: setup system
	@scripts/setup "$(PYTHON)" "$(VENV)" requirements/bench.txt
	@scripts/system nginx caddy wget httrack wrk

system:                    ## Debian packages and other servers that tests need
	@scripts/system chromium nginx caddy brotli gzip openssl go golang-golang-x-mod-dev softhsm2 ip nft unshare curl tor sshd rsync git postgresql fonts-dejavu-core
	@scripts/peers

lint: setup
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

fix: setup                 ## what a machine can mend
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

types: setup
	@$(BIN)/mypy

contracts: setup           ## who may import whom
	@$(BIN)/lint-imports

docs: setup                ## documents against the code
	@$(BIN)/python -m pytest -q tests/test_docs.py tests/test_docs_format.py tests/test_docs_lab.py tests/test_docs_posters.py

ci: lint types contracts docs test

bench: bench-setup         ## the figures of docs/benchmarks.md; FULL=1 for 10,000 stories
	@$(BIN)/python -m benchmarks $(if $(FULL),--full)

pins: setup                ## newest versions of all requirements
	@for name in base dev bench; do \
	  $(UV) pip compile --quiet --upgrade --generate-hashes --no-emit-index-url --no-emit-find-links \
	    --python-version 3.11 --custom-compile-command "make pins" requirements/$$name.in -o requirements/$$name.txt; \
	done

clean:
	rm -rf $(VENV) .uv .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
