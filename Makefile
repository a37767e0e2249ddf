# The two commands of the README are `make demo` and `make test`; both work as the first command on a fresh machine.
# CMake does the building; this file only gives its jobs short names.

BUILD ?= build
SHELL := /bin/bash
CMAKE_ARGS ?=

.PHONY: all setup configure build demo test test-full bench bench-peers bench-tails performance fuzz install format check-layers clean help

all: build

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

setup: ## install what is missing (packages of the system)
	@tools/setup

configure: setup
	@test -f $(BUILD)/build.ninja || cmake -S . -B $(BUILD) -G Ninja $(CMAKE_ARGS) >/dev/null

build: configure ## the library and the yolk executable
	@cmake --build $(BUILD)

demo: build ## read the numbers in a few pictures: engine, check, predict (MODEL=, IMAGE= for others)
	@tools/demo "$(BUILD)" "$(MODEL)" "$(IMAGE)"

test: build ## all tests but the long ones (make test-full)
	@ctest --test-dir $(BUILD) --output-on-failure -LE full

test-full: build ## the whole product: backend x instruction set x threads x pictures
	@ctest --test-dir $(BUILD) -L full --output-on-failure

bench: build ## kernels, then the network beside onnxruntime where that is installed
	@tools/bench "$(BUILD)"

bench-peers: build ## beside onnxruntime, OpenVINO, ncnn, MNN and PyTorch (ONNX="a.onnx b.onnx", PEERS_PAGE=docs)
	@tools/peers/bench-peers "$(BUILD)" $(ONNX)

bench-tails: build ## slow runs beside onnxruntime's, and what took the processor (ONNX=a.onnx IMAGE=a.jpg PEERS_PYTHON=)
	@$(or $(PEERS_PYTHON),python3) tools/peers/tails.py "$(BUILD)/tests/kernel/bench_tail" "$(BUILD)/yolk" "$(ONNX)" "$(IMAGE)"

performance: build ## docs/performance.md: time per layer against the processor's peak (ONNX="a.onnx b.yolk")
	@tools/peers/performance.py "$(BUILD)/yolk" "$(BUILD)/tests/kernel/bench_peak" docs/performance.md $(ONNX)

fuzz: ## every fuzz target for FUZZ_SECONDS (default 600) each; needs clang
	@tools/run-fuzzers

install: build ## into PREFIX (default /usr/local)
	@cmake --install $(BUILD) $(if $(PREFIX),--prefix $(PREFIX))

format: ## clang-format over our sources
	@git ls-files '*.c' '*.h' | xargs clang-format -i

check-layers: ## who includes whom (docs/architecture.md)
	@tools/check-layers

clean:
	@rm -rf $(BUILD)

# Our own models (tools/train/README.md): TRAIN holds options of train.py, such as --reduced.
MODELS := yolk-digits yolk-digit-cls yolk-plate-obb yolk-plate-pose yolk-plate-seg
.PHONY: models $(MODELS:%=model-%)

models: $(MODELS:%=model-%) ## train all of our own models (hours without a GPU)

$(MODELS:%=model-%): model-%: ## train one of them, resuming where it was
	@tools/train/model $* $(TRAIN)
