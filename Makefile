# Every command brings what it needs: only Python 3.11 or newer, git and make must be there.
SHELL := /bin/bash
.DEFAULT_GOAL := help
# Images of Docker set it, and then each of thousands of processes compiles again all that it imports
unexport PYTHONDONTWRITEBYTECODE
# Variables that tie git to one repository, as a hook of git has them: here the folder decides
unexport $(filter-out GIT_CONFIG_%,$(shell git rev-parse --local-env-vars 2> /dev/null))
BIN = .venv/bin
DEMO = demo/flight-delays
LIBRARY = {{cookiecutter.project}}/vendor/modelyard
# What `make bench` runs inside a project, with the library
MEASURED = $(addprefix bench/,answered_rows.py equal_models.py judged_draft.py log_lines.py month_files.py score_rows.py streams.py)
# What has no variable in it is linted where it stands
PLAIN = hooks bench tests $(foreach part,{{cookiecutter.__package}} notebooks tests vendor,'{{cookiecutter.project}}/$(part)')
# A command, with the words in a variable of the environment after its own
WITH = $(BIN)/python tests/with_words.py
OUT ?= ..
PROJECT ?= $(DEMO)
# What a person gives reaches a command by the environment, as it was typed: make expands nothing in it, and no shell reads it
GIVEN = OUT ANSWERS PYTEST_ARGS BENCH_ARGS REPLAY_ARGS PROJECT ARGS
$(foreach name,$(GIVEN),$(eval override $(name) := $$(value $(name))))
export $(GIVEN)

.PHONY: help
help: ## List the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 10

# What generates a project: cookiecutter, cruft and uv
.venv/.made: pyproject.toml
	python3 -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check "uv>=0.9"
	$(BIN)/uv pip install --quiet --python $(BIN)/python --group generate
	@touch $@

# The test tools, and the library from its source with all that it imports
.venv/.test: .venv/.made $(wildcard $(LIBRARY)/pyproject.toml)
	$(BIN)/uv pip install --quiet --python $(BIN)/python --group test
	@# a copy, because uv reads the pyproject.toml of the folders above as well, and the project's is a template
	mkdir -p .venv/library && cp '$(LIBRARY)/pyproject.toml' .venv/library/
	$(BIN)/uv pip install --quiet --python $(BIN)/python --all-extras --requirements .venv/library/pyproject.toml
	echo "$$PWD"/'$(LIBRARY)/src' > "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/_modelyard.pth"
	@touch $@

.PHONY: new
new: .venv/.made ## Generate a project of your own: OUT=folder, and it asks you
	@$(BIN)/python hooks/new.py

.PHONY: demo
demo: .venv/.made ## Generate a project with the default answers, run its pipeline and show the report
	rm -rf demo && mkdir demo
	$(BIN)/cookiecutter "$$PWD" --no-input --default-config --output-dir demo
	PATH="$$PWD/$(BIN):$$PATH" $(MAKE) --no-print-directory -C $(DEMO) pipeline docs
	git -C $(DEMO) add --all
	git -C $(DEMO) -c user.name=demo -c user.email=demo@example.invalid commit --quiet --message "Run the pipeline"
	PATH="$$PWD/$(BIN):$$PATH" $(MAKE) --no-print-directory -C $(DEMO) report
	@echo "All of it is in $(DEMO)"

.PHONY: test
test: .venv/.test ## Run all tests
	$(BIN)/ruff check --config ruff.toml $(PLAIN)
	$(BIN)/ruff format --check --config ruff.toml $(PLAIN)
	$(BIN)/codespell
	$(BIN)/mypy --config-file '$(LIBRARY)/pyproject.toml'
	$(BIN)/mypy --config-file '$(LIBRARY)/pyproject.toml' --allow-untyped-defs --ignore-missing-imports $(MEASURED)
	$(WITH) PYTEST_ARGS $(BIN)/pytest -n 3 --dist loadgroup --no-loadscope-reorder

.PHONY: format
format: .venv/.test ## Mend style
	$(BIN)/ruff check --fix --config ruff.toml $(PLAIN)
	$(BIN)/ruff format --config ruff.toml $(PLAIN)

.PHONY: raise
raise: .venv/.test ## Raise the library's version and record it, after a change of the library
	@PYTHONPATH=tests $(BIN)/python -m library.vendoring.raise_version

.PHONY: bench
bench: .venv/.test ## Measure what the README claims
	@# wrk puts the load on the service
	@command -v wrk > /dev/null || [ "$$(id -u)" -ne 0 ] || ! command -v apt-get > /dev/null || \
		{ apt-get update -qq && apt-get install -qq --no-install-recommends wrk > /dev/null; }
	$(WITH) BENCH_ARGS $(BIN)/python -m bench

.PHONY: replay
replay: .venv/.test ## Let the sample's year happen again under each policy of retraining; REPLAY_ARGS=--again compares
	@PYTHONPATH=tests $(WITH) REPLAY_ARGS $(BIN)/python -m replay

.PHONY: pull-request
pull-request: .venv/.test ## Run a project's workflows on a pull request with its changes, here: PROJECT=folder
	@PYTHONPATH=tests $(WITH) ARGS $(BIN)/python -m workflows "$$PROJECT"

.PHONY: comment-picture
comment-picture: .venv/.test ## Draw docs/comment.png: a real comment, as GitHub shows it
	[ -d $(DEMO)/bundle ] || $(MAKE) --no-print-directory demo
	PYTHONPATH=tests $(BIN)/python -m browser $(DEMO) docs/comment.png

.PHONY: clean
clean: ## Remove what can be made again
	rm -rf .venv demo .mypy_cache .pytest_cache .ruff_cache
