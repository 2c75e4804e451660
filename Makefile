# The two commands of the README are `make demo` and `make test`.

PYTHON ?= python3
BIN := .venv/bin
EXTRA ?= cpu
PYTEST := $(BIN)/python -m pytest
# Unit tests share the cores, one thread each; those with a Ray or an engine have the machine to themselves.
UNIT := OMP_NUM_THREADS=1 $(PYTEST) tests/unit -m "not slow" -n auto --maxprocesses 4

.PHONY: demo test test-all test-cluster check fix bench clean

demo: .venv/.ready
	$(BIN)/fsa-ray run jobs/demo.yaml --root runs --placement cluster/placements/laptop.yaml

test: .venv/.ready
	$(UNIT)
	$(PYTEST) tests/ray tests/s3 tests/end_to_end -m "not slow"

test-all: .venv/.ready
	$(PYTEST) -m "slow and not cluster"

# Hours: machines in network namespaces, an S3 server, random faults. Needs root and FSA_RAY_S3_SERVER.
test-cluster: .venv/.ready
	$(PYTEST) -m "cluster" -s

check: .venv/.ready
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(UNIT)

fix: .venv/.ready
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: .venv/.ready
	mkdir -p build/benchmarks
	for name in packing pairs scoring teacher; do \
		$(BIN)/python benchmarks/$$name.py --out build/benchmarks/$$name.json || exit 1; \
	done
	if [ -n "$$FSA_RAY_DATA" ]; then \
		$(BIN)/python benchmarks/answering.py --data "$$FSA_RAY_DATA/sentibench" --out build/benchmarks/answering.json || exit 1; \
		$(BIN)/python benchmarks/clustering.py --data "$$FSA_RAY_DATA" --out build/benchmarks/clustering.json; \
	fi

clean:
	rm -rf .venv runs

# Ray starts many processes, each of which would compile what it imports: bytecode is made once, here.
# torch's CPU build is not on every index: pip's find-links are passed on to uv, which does not read pip's settings.
.venv/.ready: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	UV_FIND_LINKS="$${UV_FIND_LINKS:-$$PIP_FIND_LINKS}" $(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python \
		$(if $(filter cpu,$(EXTRA)),$(if $(PIP_FIND_LINKS)$(UV_FIND_LINKS),,--torch-backend=cpu)) -e ".[$(EXTRA),dev]"
	touch $@
