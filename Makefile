# Every target makes .venv by itself; only python3 (3.11 to 3.13) is needed.
PYTHON ?= python3
BIN := .venv/bin
# uv does in seconds what takes pip minutes. It is used where it is installed.
PIP := $(if $(shell command -v uv),uv pip install --quiet --python $(BIN)/python,$(BIN)/python -m pip install --quiet --disable-pip-version-check)
# Three testers for two processors, since they wait for Postgres and browsers now and then.
TESTERS := $(shell $(PYTHON) -c 'import os; print(min(6, (os.cpu_count() or 1) * 3 // 2))')
# Many tests start Python anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: install install-mcp install-parquet install-archive demo test test-changed test-slow test-all test-long test-fuzz test-faults soak test-17 mutants lint bench docs dist screenshots lock

install: .venv/runtime

# What `blockline mcp` needs beside that: an extra, so that other installations stay as small as they are.
install-mcp: .venv/runtime
	$(PIP) --require-hashes -r requirements-mcp.txt

# And `blockline export --format parquet`: a library of 170 MB.
install-parquet: .venv/runtime
	$(PIP) --require-hashes -r requirements-parquet.txt

# And `blockline archive`: PyIceberg, DuckDB and pyarrow.
install-archive: .venv/runtime
	$(PIP) --require-hashes -r requirements-archive.txt

.venv/bin/python:
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v < (3, 14) else "Blockline needs Python 3.11 to 3.13; set PYTHON=python3.x. This is %d.%d." % v)'
	$(PYTHON) -m venv .venv

.venv/runtime: requirements.txt pyproject.toml | .venv/bin/python
	$(PIP) --require-hashes -r requirements.txt
	$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

.venv/development: requirements-dev.txt .venv/runtime
	$(PIP) --require-hashes -r requirements-dev.txt
	@touch $@

# What checks the browser's scripts, and what examines the pages for accessibility. Versions and hashes are in the lock.
.venv/npm: tests/js/package.json tests/js/package-lock.json | .venv/bin/python
	@if ! command -v npm >/dev/null; then \
	echo 'npm is not installed: nothing checks the scripts of the browser, and no test examines the pages with axe-core.'; \
	else rm -rf $@ && mkdir $@ && cp $^ $@ && npm ci --prefix $@ --ignore-scripts --no-audit --no-fund --silent || { rm -rf $@; exit 1; }; fi

.venv/docs: requirements-docs.txt .venv/development
	$(PIP) --require-hashes -r requirements-docs.txt
	@touch $@

.venv/release: requirements-release.txt .venv/runtime
	$(PIP) --require-hashes -r requirements-release.txt
	@touch $@

demo: install
	$(BIN)/blockline demo $(ARGS)

# Each tester has a Postgres of its own; ARGS=-n0 is one. Leaves out tests that take seconds each: browsers, servers
# that are killed or upgraded, soaks, whole demonstrations, every page in every size. `make test-slow` runs them.
test: .venv/development .venv/npm
	$(BIN)/python -m pytest -m "not slow and not long" -n $(TESTERS) --dist worksteal $(ARGS)

# Of these the modules that import what changed since the branch left SINCE, directly or through others.
SINCE ?= main
test-changed: .venv/development .venv/npm
	chosen=$$($(BIN)/python -m tests.support.changed $(SINCE)) && \
	$(BIN)/python -m pytest -m "not slow and not long" -n $(TESTERS) --dist worksteal $$chosen $(ARGS)

test-slow: .venv/development .venv/npm
	$(BIN)/python -m pytest -m "slow and not long" -n $(TESTERS) --dist worksteal $(ARGS)

# Both in one run.
test-all: .venv/development .venv/npm
	$(BIN)/python -m pytest -m "not long" -n $(TESTERS) --dist worksteal $(ARGS)

# What depends on chance, again and again: processes are killed at any moment, and for hours anything happens
# to an installation, in any order. Each of ROUNDS begins with another seed. And all cases of which `make test`
# takes a few.
ROUNDS ?= 1000
test-long: .venv/development .venv/npm
	TEST_LONG=1 ROUNDS=$(ROUNDS) $(BIN)/python -m pytest -m "long or again" -n logical --maxprocesses 4 --maxschedchunk 1 --maxfail 1 $(ARGS)

# Hostile inputs for every parser of foreign bytes, for SECONDS. Inputs that break one are kept in build/fuzz.
SECONDS ?= 7200
test-fuzz: .venv/development
	$(BIN)/python -m tests.fuzz --seconds $(SECONDS) $(ARGS)

# Everything around an installation fails, one after the other; writes the table docs/reference/faults.md. Needs Debian's
# packages faketime and postgresql-17.
test-faults: .venv/development
	$(BIN)/python -m tests.faults --page docs/reference/faults.md $(ARGS)

# A whole installation for a simulated month, of which the host is awake for 45 minutes a day, on a clock that
# libfaketime makes SPEED times faster: whether it is worn out by it. Plots are in build/soak/soak.html. A day takes
# 3 minutes and a month about 100. ARGS='--days 2 --accounts 300 --churn 20' is two days of a small one.
SPEED ?= 15
soak: .venv/development
	$(BIN)/python -m tests.soak --speed $(SPEED) $(ARGS)

# Small faults put into the core, one at a time: whether a test notices each of them.
mutants: .venv/development
	$(BIN)/python -m tests.support.mutants $(ARGS)

# The tests of the storage again, on a Postgres 17 of this machine, made for the occasion.
test-17: .venv/development
	$(BIN)/python -m tests.support.on_postgres_17 $(ARGS)

lint: .venv/development .venv/npm
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/basedpyright
	$(BIN)/lint-imports
	@test -d .venv/npm || { echo 'The scripts of the browser were not checked: install npm, then make lint again.'; exit 1; }
	.venv/npm/node_modules/.bin/biome check --error-on-warnings
	.venv/npm/node_modules/.bin/tsc
	@find collectors storage dashboard jobs -name '*.py' | xargs wc -l | awk '$$2 != "total" && $$1 > 500 {print "past 500 lines, look for a second noun: " $$2 " (" $$1 ")"}'
	@if grep -nE '://' requirements*.txt tests/js/package-lock.json; then echo 'an address in a lock file'; exit 1; fi

bench: .venv/development
	$(BIN)/python -m tests.benchmarks $(GROUP)

# The documentation as a site of files: open build/docs/index.html. A link that leads nowhere is an error.
docs: .venv/docs .venv/npm
	@test -d .venv/npm || { echo 'The search needs a script that npm brings: install npm, then make docs again.'; exit 1; }
	@mkdir -p build/docs-theme/assets
	@cp .venv/npm/node_modules/iframe-worker/shim/index.js build/docs-theme/assets/iframe-worker.js
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict $(ARGS)

# A release of the commit that is checked out, the same bytes whenever it is built: the wheel, the source, the versions it was tested with,
# a list of all parts (SBOM, CycloneDX) and checksums. A commit with the tag of another version is not built.
VERSION = $(shell sed -n 's/^version = "\(.*\)"$$/\1/p' pyproject.toml)
dist: .venv/release
	@for tag in $$(git tag --points-at HEAD --list 'v[0-9]*'); do [ "$$tag" = "v$(VERSION)" ] || \
		{ echo "This commit has the tag $$tag, and pyproject.toml the version $(VERSION). Make them agree." >&2; exit 1; }; done
	rm -rf build/dist build/source
	mkdir -p build/source && git archive HEAD | tar -x -C build/source
	cd build/source && SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) ../../$(BIN)/python -m hatchling build -d ../dist
	sed -nE 's/^([a-z].*[^ ]) \\$$/\1/p' build/source/requirements.txt >build/dist/constraints.txt
	$(BIN)/cyclonedx-py requirements build/source/requirements.txt --pyproject build/source/pyproject.toml --output-reproducible -o build/dist/sbom.cdx.json
	cd build/dist && sha256sum * >SHA256SUMS && cat SHA256SUMS

# The pictures in docs/images/; and each page in FOLDER, light and dark, on a desktop and on a phone, to be looked at.
FOLDER ?= build/screenshots
screenshots: .venv/development
	$(BIN)/python -m tests.support.screenshots
	$(BIN)/python -m tests.support.every_screenshot $(FOLDER)

# Renew the locks from pyproject.toml and package.json; needs uv and npm on the path.
LOCK := pyproject.toml --group build --universal --python-version 3.11 --generate-hashes --no-header -q
lock:
	uv pip compile $(LOCK) -o requirements.txt
	uv pip compile $(LOCK) --extra mcp -o requirements-mcp.txt
	uv pip compile $(LOCK) --extra parquet -o requirements-parquet.txt
	uv pip compile $(LOCK) --extra archive -o requirements-archive.txt
	uv pip compile $(LOCK) --all-extras --group dev -o requirements-dev.txt
	uv pip compile --group docs -c requirements-dev.txt --universal --python-version 3.11 --generate-hashes --no-header -q -o requirements-docs.txt
	uv pip compile --group release -c requirements-dev.txt --universal --python-version 3.11 --generate-hashes --no-header -q -o requirements-release.txt
	npm install --prefix tests/js --package-lock-only --omit-lockfile-registry-resolved --no-audit --no-fund --silent
	sed -i '/"funding": {/,/}/d' tests/js/package-lock.json
