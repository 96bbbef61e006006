# Needs only Python 3.11, 3.12 or 3.13 with venv: everything else goes into .venv.
#
#   make          install into .venv, and say what to do next
#   make demo     from nothing to three new pieces, in under 8 minutes
#   make test     install and run the tests
#   make bench    measure the speed of everything, beside others; half an hour
#
# Another Python: make PYTHON=/path/to/python3.12

VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
PIP    := $(BIN)/python -m pip --disable-pip-version-check
DEMO   := trained/demo

# the first Python in range; evaluated only where .venv is made
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	"$$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
		2>/dev/null && { echo "$$python"; break; }; done)

.DEFAULT_GOAL := install
.PHONY: install help demo test bench check format lock clean

install: $(STAMP)  ## install musiclstm and its tools into .venv (what plain `make` does)
	@$(BIN)/musiclstm --version
	@echo "It is $(BIN)/musiclstm: try '$(BIN)/musiclstm --help', or 'make demo', or 'make help'."

help:  ## list these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

# pinned versions first, so that the package itself has nothing left to choose
$(STAMP): pyproject.toml requirements-dev.lock | $(BIN)/python
	$(PIP) install --quiet --requirement requirements-dev.lock
	$(PIP) install --quiet --no-deps --editable .
	@touch $@

$(BIN)/python:
	@test -n "$(PYTHON)" || { \
		echo "musiclstm needs Python 3.11, 3.12 or 3.13, and none was found as python3," \
			"python3.13, python3.12 or python3.11. Install one, or name it:" \
			"make PYTHON=/path/to/python3.12" >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || { \
		echo "$(PYTHON) is not Python 3.11, 3.12 or 3.13; name another:" \
			"make PYTHON=/path/to/python3.12" >&2; exit 1; }
	@"$(PYTHON)" -m venv $(VENV) || { rm -rf $(VENV); \
		echo "$(PYTHON) could not make a virtual environment; where venv is a package of its own" \
			"(Debian, Ubuntu: python3-venv), install that" >&2; exit 1; }

demo: $(STAMP)  ## corpus, three minutes of training, three new pieces in out/ with pictures
	$(BIN)/musiclstm corpus chorales midi_data/chorales
	@if [ -e $(DEMO)/model.safetensors ]; then \
		echo "$(DEMO) is there from an earlier demo and is used again ('rm -r $(DEMO)' trains anew)"; \
	else \
		set -x; rm -rf $(DEMO); \
		$(BIN)/musiclstm train midi_data/chorales -o $(DEMO) --minutes 3; \
	fi
	$(BIN)/musiclstm generate -m $(DEMO) -o out/ -n 3 --bars 16
	@set --; for piece in out/*.mid; do \
		[ -e "$${piece%.mid}.png" ] || set -- "$$@" "$$piece"; done; \
	test $$# -eq 0 || { set -x; $(BIN)/musiclstm render "$$@"; }
	@echo
	@echo "New music, as MIDI and as pictures, in out/:"
	@ls -1 out/*.mid out/*.png | sed 's/^/  /'
	@echo "What to do next:"
	@echo "  listen         open the .mid files in any player or notation program"
	@echo "  more           $(BIN)/musiclstm generate -m $(DEMO) -o out/ -n 3 --key 'A minor'"
	@echo "  your music     put MIDI files into midi_data/mine/, look at them with"
	@echo "                 $(BIN)/musiclstm ingest midi_data/mine, and train longer:"
	@echo "                 $(BIN)/musiclstm train midi_data/mine -o trained/mine --minutes 30"

test: $(STAMP)  ## run the tests, two at a time
	$(BIN)/python -m pytest -n 2

check: $(STAMP)  ## lint, formatting, types and layers: what must hold before a commit
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

# a contender that is not installed is left out: '$(PIP) install .[bench]' brings PyTorch
bench: $(STAMP)  ## measure speed on an idle machine, half an hour; writes benchmarks/RESULTS.md
	$(BIN)/python benchmarks/results.py

format: $(STAMP)  ## let ruff rewrite what it can
	$(BIN)/ruff check --fix --exit-zero
	$(BIN)/ruff format

# --universal: one list for Linux, macOS and Windows, Python 3.11 to 3.13
lock: $(STAMP)  ## pin the newest versions allowed by pyproject.toml in requirements-dev.lock
	$(PIP) install --quiet uv
	@sed -n '/^#/p;/^[^#]/q' requirements-dev.lock > $(VENV)/lock
	$(BIN)/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 \
		--fork-strategy fewest --upgrade --no-header --no-annotate --quiet \
		--no-emit-index-url --no-emit-find-links --output-file $(VENV)/pins
	@cat $(VENV)/lock $(VENV)/pins > requirements-dev.lock
	@rm $(VENV)/lock $(VENV)/pins

clean:  ## remove .venv, caches and builds; music, models and out/ stay
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis \
		.import_linter_cache
	find musiclstm tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
