# Needs Python 3.11 or newer and make; everything else is installed into .venv from requirements.lock.
PROFILE ?= smoke
DATA ?=
VENV := .venv
PY := $(VENV)/bin/python
DATA_OPTION := $(if $(DATA),--data "$(DATA)")
# What an installation depends on; a newer one of these sets up again, otherwise set-up is skipped.
SETUP := requirements.lock pyproject.toml setup.py neurallnet/_lif.c neurallnet/_hue.c neurallnet/_portable.h
INSTALL := $(PY) -m pip install -qq --disable-pip-version-check -c requirements.lock

.DEFAULT_GOAL := help
.PHONY: help book test site serve publish lint notebooks lock clean
.DELETE_ON_ERROR:

help: ## this list
	@echo "make TARGET [PROFILE=smoke|full] [DATA=/path/to/images]"
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  \1\t\2/p' Makefile | expand -t 14

book: $(VENV)/.book ## run everything of PROFILE (default smoke: synthetic images) and render the book
	@$(PY) -m neurallnet reproduce --profile $(PROFILE) $(DATA_OPTION)

test: $(VENV)/.test ## ruff, the published figures, pytest (docstrings too), and nbval on the notebooks
	@$(PY) -m ruff check -q .
	@$(PY) -m neurallnet verify
	@$(PY) -m neurallnet reproduce --profile smoke --target runs
	@$(PY) -m pytest
	@$(PY) -m pytest --nbval -x -p no:cacheprovider notebooks
	@echo "Tests passed: ruff, pytest (tests/, examples in neurallnet/) and nbval (notebooks/)."

site: $(VENV)/.book ## render the book from the committed results of profile full, nothing is run
	@$(PY) -m neurallnet.book --profile full --notebooks results/full/notebooks --evidence results/full/evidence
	@echo "Site: _build/html/index.html"

serve: $(PY) ## show the built book on this computer; its page "Try it in your browser" needs a server
	@$(PY) -m http.server --bind 127.0.0.1 --directory _build/html 8000

publish: $(VENV)/.book ## copy the finished workspace work/full into results/, with claims and the README's table
	@$(PY) -m neurallnet.publish work/full

lint: $(VENV)/.test ## ruff alone, with formatting of what it can mend
	@$(PY) -m ruff check --fix .
	@echo "Lint passed."

notebooks: $(VENV)/.book ## run the notebooks of profile smoke and store their outputs in notebooks/
	@$(PY) -m neurallnet reproduce --profile smoke --target runs
	@$(PY) -m neurallnet.notebook_runner store notebooks/*.ipynb
	@echo "Stored outputs: notebooks/"

lock: $(PY) ## resolve the newest versions into requirements.lock and environment.yml
	@$(PY) tools/lock.py
	@echo "Locked: requirements.lock, environment.yml"

clean: ## remove the environment and everything computed
	rm -rf $(VENV) _build work build .pytest_cache .ruff_cache neurallnet.egg-info neurallnet/_lif*.so
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	@echo "Clean."

$(VENV)/.book: $(SETUP) | $(PY)
	@echo "Setting up $(VENV) for the book (a few minutes the first time) ..."
	@$(INSTALL) -e '.[audit,book,explain,export,peers]'
	@touch $@

$(VENV)/.test: $(SETUP) | $(PY)
	@echo "Setting up $(VENV) for the tests (a few minutes the first time) ..."
	@$(INSTALL) -e '.[audit,book,dev,explain,export,peers]'
	@touch $@ $(VENV)/.book

$(PY):
	@sh tools/venv.sh $(VENV)
