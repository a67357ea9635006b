# make run, test, lint, bench, tour: each makes the environment it needs, once.

PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3 python; do \
	$$p -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
APP := .venv/app.stamp
DEV := .venv/dev.stamp

.PHONY: run test lint format bench tour clean

run: $(APP)
	@$(BIN)/python main.py $(ARGS)

test: $(DEV)
	@QT_QPA_PLATFORM=offscreen $(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadscope --no-loadscope-reorder $(ARGS)

lint: $(DEV)
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

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
$(APP): requirements.txt resources/requirements.txt
	@test -n "$(PYTHON)" || { echo "Glassbox needs Python 3.11 or newer: sudo apt-get install python3 python3-venv, or see python.org."; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv || { echo "This Python can't make environments: sudo apt-get install python3-venv"; rm -rf .venv; exit 2; }
	@echo "Installing what Glassbox needs; the first time takes a few minutes."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -r resources/requirements.txt
	@touch $@

$(DEV): requirements-dev.txt $(APP)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@
