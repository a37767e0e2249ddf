#!/usr/bin/env python3
"""The page on time per layer: performance.py YOLK BENCH_PEAK PAGE.md MODEL...

Runs `yolk bench --profile --json` on each model with one thread and dense head, bench_peak beside it, and writes what every
layer takes, which part of the processor's peak that is, and how far it is from its floor. Run by `make performance`."""
import json
import os
import subprocess
import sys

SHOWN = 20


def run(command):
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def needed(layer):
    """Multiply-adds that the chosen algorithm has to do, as floating-point operations."""
    return layer["flops"] * (36 / 144 if "winograd4x3" in layer["kernel"] else 1)


def layers_of(yolk, model):
    """Best of several runs of every step."""
    best = None
    for _ in range(3):
        report = run([yolk, "bench", model, "--threads", "1", "--head", "dense", "--profile", "--json", "--seconds", "2"])
        if best:
            for a, b in zip(best["layers"], report["layers"]):
                a["min_ms"] = min(a["min_ms"], b["min_ms"])
        best = best or report
    return best


def section(report, peak):
    layers = report["layers"]
    total, floor = sum(x["min_ms"] for x in layers), sum(needed(x) for x in layers) / peak / 1e6
    yield f"## {os.path.splitext(os.path.basename(report['model']))[0]}, {report['shape'][2]}x{report['shape'][3]}, {report['isa']}"
    yield ""
    yield f"{len(layers)} steps take {total:.2f} ms (sum of minima); the floor, every multiply-add of the chosen algorithms at peak, is"
    yield f"{floor:.2f} ms: {floor / total:.0%} of peak over the whole network. By kernel:"
    yield ""
    yield "| kernel | steps | ms | share | of peak | ms over floor |"
    yield "|---|---|---|---|---|---|"
    kinds = {}
    for x in layers:
        kinds.setdefault(x["kernel"].rsplit("_", 1)[0], []).append(x)
    for kind, steps in sorted(kinds.items(), key=lambda k: -sum(x["min_ms"] for x in k[1])):
        ms, least = sum(x["min_ms"] for x in steps), sum(needed(x) for x in steps) / peak / 1e6
        yield f"| {kind} | {len(steps)} | {ms:.3f} | {ms / total:.1%} | {least / ms:.0%} | {ms - least:.3f} |"
    yield ""
    yield f"The {min(SHOWN, len(layers))} steps farthest from their floor:"
    yield ""
    yield "| step | kernel | ms | of peak | ms over floor |"
    yield "|---|---|---|---|---|"
    for x in sorted(layers, key=lambda x: needed(x) / peak / 1e6 - x["min_ms"])[:SHOWN]:
        least = needed(x) / peak / 1e6
        yield f"| {x['node'] or x['op']} | {x['kernel'].rsplit('_', 1)[0]} | {x['min_ms']:.3f} | {least / x['min_ms']:.0%} | {x['min_ms'] - least:.3f} |"
    yield ""


def page(yolk, bench_peak, models):
    machine = run([bench_peak])
    reads = ", ".join(f"{rate} from {int(kib) // 1024 or int(kib)} {'MiB' if int(kib) >= 1024 else 'KiB'}"
                      for kib, rate in machine["read_gb_per_s"].items())
    yield "# Performance, layer by layer"
    yield ""
    yield "Made by `make performance`; do not edit. One thread, dense head, fp32, the minimum over all runs of each step."
    yield ""
    yield f"- Machine: {machine['processor']}, second-level cache {machine['l2_bytes'] // 1024} KiB per core."
    yield "- Peak, measured (`bench_peak`): " + ", ".join(f"{k} {v} GFLOP/s" for k, v in machine["gflops"].items()) + "."
    yield f"- Reading, GB/s by one core: {reads}."
    yield "- *Of peak* counts the multiply-adds that the chosen algorithm needs (Winograd F(4x4, 3x3) a quarter of the direct ones, edge"
    yield "  waste not counted). Activations, transforms and waiting for memory are what lies over the floor; steps without"
    yield "  multiply-adds are all overhead by this measure."
    yield ""
    for model in models:
        report = layers_of(yolk, model)
        yield from section(report, machine["gflops"].get(report["isa"]) or max(machine["gflops"].values()))


def main():
    text = "\n".join(page(sys.argv[1], sys.argv[2], sys.argv[4:])).rstrip() + "\n"
    with open(sys.argv[3], "w") as f:
        f.write(text)
    print(f"wrote {sys.argv[3]}")


if __name__ == "__main__":
    main()
