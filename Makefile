# Two commands do everything on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test test-quick test-lowest kernels check docs lock clean
.DELETE_ON_ERROR:

demo: .venv/ready
	$(BIN)/mlrisk demo --out outputs/demo

# Each module goes to one worker, the longest first (tests/conftest.py): what a module trains is trained once.
PYTEST := -m pytest -n 2 --dist loadfile --no-loadscope-reorder

test: .venv/ready kernels
	$(BIN)/python $(PYTEST)

# The unit layer without its slow tests, for while you work.
test-quick: .venv/ready kernels
	$(BIN)/python $(PYTEST) -m "not slow" tests/unit tests/test_architecture.py

# Compiled once, before two workers would both do it; a second call takes what lies there.
kernels: .venv/ready
	$(BIN)/python -m tests.support.kernels

# The unit layer on the lowest versions that pyproject.toml allows, in an environment of its own.
test-lowest: .venv-lowest/ready
	.venv-lowest/bin/python $(PYTEST) -m "not slow" tests/unit

.venv-lowest/ready: pyproject.toml
	$(PYTHON) -m venv --clear .venv-lowest
	.venv-lowest/bin/python -m pip install --quiet uv hatchling editables
	.venv-lowest/bin/uv pip compile --quiet --resolution lowest-direct --no-header --no-annotate --no-emit-index-url \
	  --no-emit-find-links --extra dev pyproject.toml --output-file .venv-lowest/lowest.txt
	.venv-lowest/bin/uv pip install --quiet --python .venv-lowest/bin/python --requirement .venv-lowest/lowest.txt
	.venv-lowest/bin/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

check: .venv/ready
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

# The documentation as pages in outputs/site; every link is checked, and no page asks for anything from outside.
docs: .venv/ready
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict
	! grep -rnoE '<(link|script|img)[^>]+(src|href)="?https?://[^>]*' --include=*.html outputs/site

# Versions and hashes come from constraints.txt; the project itself is installed on top, editable, with nothing resolved anew.
.venv/ready: constraints.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "mlrisk needs Python 3.11 or newer: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install --quiet --require-hashes --only-binary :all: -r constraints.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

# After a change of the dependencies: `make lock`, then look at the diff.
lock: .venv/ready
	$(BIN)/python -m pip install --quiet uv
	printf 'hatchling\neditables\n' > .venv/build.in
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links \
	  --python-version 3.11 --extra dev --extra docs pyproject.toml .venv/build.in --output-file constraints.txt

clean:
	rm -rf .venv .venv-lowest outputs
