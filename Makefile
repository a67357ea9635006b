# make run, test, lint, audit, bench, tour: each makes the environment it needs, once.

PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3 python; do \
	$$p -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
APP := .venv/app.stamp
DEV := .venv/dev.stamp
# pip says of each file how large it is, and how far it has come.
PIP := $(BIN)/python -m pip install --disable-pip-version-check
ifeq ($(shell uname -s),Linux)
SIZE := About 3 GB are fetched, and take 6 GB: most of it is torch, with CUDA. A few minutes.
else
SIZE := About 300 MB are fetched, most of it torch. A few minutes.
endif

.PHONY: run test lint audit format bench tour clean

run: $(APP)
	@$(BIN)/python main.py $(ARGS)

# What is compiled is kept, also where the machine says not to: several processes import the same.
test: $(DEV)
	@PYTHONDONTWRITEBYTECODE= QT_QPA_PLATFORM=offscreen $(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadscope --no-loadscope-reorder $(ARGS)

lint: $(DEV)
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/pip-licenses > /dev/null

# Known vulnerabilities of what is installed: asks a data base on the network.
audit: $(DEV)
	@$(BIN)/pip-audit

format: $(DEV)
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: $(DEV)
	@$(BIN)/python -m bench $(ARGS)

# Pictures for README and docs: everything is trained to its end, which takes about an hour.
tour: $(APP)
	@$(BIN)/python main.py --tour build/tour --long $(ARGS)

clean:
	rm -rf .venv build

# A stamp is younger than the requirements it was made from, or the environment is built again.
$(APP): requirements.txt
	@test -n "$(PYTHON)" || { echo "Glassbox needs Python 3.11 or newer: sudo apt-get install python3 python3-venv, or see python.org."; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv || { echo "This Python can't make environments: sudo apt-get install python3-venv"; rm -rf .venv; exit 2; }
	@echo "Installing what Glassbox needs, once. $(SIZE)"
	@$(PIP) -r requirements.txt
	@touch $@

$(DEV): requirements-dev.txt $(APP)
	@$(PIP) -r requirements-dev.txt
	@touch $@
