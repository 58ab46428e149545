# The developer's page. Each target is one command; `make` alone lists them.
PY := .venv/bin/python
BIN := .venv/bin

.PHONY: help setup test quick check format lock docs audit sbom fuzz pictures

help:            ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

setup:           ## the environment with everything for developers
	python3 bootstrap.py test --version

test:            ## all tests, as CI runs them
	python3 bootstrap.py test

quick:           ## the tests that take no time
	$(PY) -m pytest -m "not long and not corpus and not browser and not postgres"

check:           ## style, types, and the law of the house
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports

format:          ## bring the code into form
	$(BIN)/ruff check --fix . && $(BIN)/ruff format .

lock:            ## pin every package with its hashes
	$(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --extra build --extra s3 --output-file requirements.lock pyproject.toml
	$(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --extra build --extra test --output-file requirements-test.lock pyproject.toml

audit:           ## known weaknesses of the pinned packages, and of our own code
	$(BIN)/pip-audit --requirement requirements.lock --disable-pip --no-deps
	$(BIN)/bandit --quiet --configfile pyproject.toml --recursive commands scraper pipelines changelog web demo migrations countersign.py scheduler.py
	$(BIN)/ruff check --select S .

sbom:            ## what is in it: a CycloneDX list of the pinned packages with their hashes
	$(BIN)/cyclonedx-py requirements requirements.lock --pyproject pyproject.toml --output-reproducible --output-file sbom.json

docs:            ## the site of the documentation, in site/
	$(BIN)/mkdocs build --strict

fuzz:            ## the long run over every reader (pip install '.[fuzz]'; SECONDS for each target)
	$(PY) tests/fuzz/long.py --seconds $(or $(SECONDS),300)

pictures:        ## the README's pictures (Chromium); `make pictures HOME_TO_SHOW=folder` shows another home
	$(PY) docs/make_pictures.py $(HOME_TO_SHOW)
