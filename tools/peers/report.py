#!/usr/bin/env python3
"""The benchmark page from the numbers of bench_peers.py.

usage: report.py peers.json PAGE.md PLOT.svg"""
import json
import os
import sys

ORDER = ["yolk-lazy", "yolk-dense", "onnxruntime", "openvino", "ncnn", "mnn", "torch", "openvino-bf16"]
COLOURS = {"yolk-lazy": "#d97706", "yolk-dense": "#f5b45c", "onnxruntime": "#4b7bb5", "openvino": "#6a4c93",
           "openvino-bf16": "#6a4c93", "ncnn": "#4f9d69", "mnn": "#8ab17d", "torch": "#b5494b"}


def best_peer(row, key):
    """Name and time of the fastest peer."""
    peers = [(e[key], name) for name, e in row["engines"].items() if not name.startswith("yolk") and key in e]
    return min(peers)[::-1] if peers else (None, None)


def ratio(row, engine, key):
    peer, time = best_peer(row, key)
    own = row["engines"].get(engine, {}).get(key)
    return own / time if own and time else None


def number(x, digits=2):
    return "-" if x is None else f"{x:.{digits}f}"


def text_row(row):
    yield f"{row['model']}, {row['threads']} thread{'s' if row['threads'] > 1 else ''}, {row['precision']}"
    for name in ORDER:
        e = row["engines"].get(name)
        if not e:
            continue
        if "failed" in e:
            yield f"  {name:14s} {e['failed']}"
        else:
            yield f"  {name:14s} min {e['min_ms']:9.2f}  median {e['p50_ms']:9.2f}  p99 {e['p99_ms']:9.2f} ms   ({e['version']})"
    for head in ("yolk-lazy", "yolk-dense"):
        if ratio(row, head, "p50_ms"):
            yield (f"  {head} / {best_peer(row, 'p50_ms')[0]}: {ratio(row, head, 'p50_ms'):.3f} of medians; / "
                   f"{best_peer(row, 'min_ms')[0]}: {ratio(row, head, 'min_ms'):.3f} of minima")


def table(rows, key):
    names = [n for n in ORDER if any(n in r["engines"] for r in rows)]
    yield "| model | " + " | ".join(names) + " | lazy / best peer | dense / best peer |"
    yield "|---" * (len(names) + 3) + "|"
    for r in rows:
        cells = [number(r["engines"].get(n, {}).get(key)) for n in names]
        yield (f"| {r['model'].removesuffix('.onnx')} | " + " | ".join(cells) +
               f" | **{number(ratio(r, 'yolk-lazy', key))}** | {number(ratio(r, 'yolk-dense', key))} |")


def page(result, plot):
    versions = {}
    for r in result["rows"]:
        for name, e in r["engines"].items():
            if e.get("version"):
                versions[name.split("-")[0]] = e["version"]
    yield "# Benchmarks"
    yield ""
    yield "Made by `make bench-peers`; do not edit. One inference, batch 1, milliseconds. Every ratio is yolk's time divided by that of"
    yield "the fastest peer of the same precision in the same run: below 1 yolk is faster."
    yield ""
    yield f"- Machine: {result['processor']}, {result['cores']} cores; {result['date']}."
    yield "- Versions: " + ", ".join(f"{n} {v}" for n, v in sorted(versions.items())) + "."
    yield f"- Method: {result['rounds']} interleaved rounds in which every engine runs for {result['seconds']} s, each in a process of its own, the"
    yield "  first three runs not counted, the order turning from round to round. A round's figure is its median (or 99th percentile, of so"
    yield "  few runs nearly the slowest: [docs/tails.md](tails.md)); the table shows the median of the rounds. Minima are over all rounds. ncnn and PyTorch run what pnnx makes of the ONNX file, PyTorch"
    yield "  eagerly and channels-last; MNN its own converter's; onnxruntime and OpenVINO the file itself."
    picture = f"decoded from `{result['image']}` before each run" if result.get("image") else "random"
    yield f"- yolk's figure is the inference stage of `yolk bench --json` (picture {picture}): all that the exported graph computes, decoding of boxes"
    yield "  included. *lazy* leaves out head work that cannot matter at the default threshold, *dense* computes everything. Peers get a ready"
    yield "  float tensor."
    if result.get("note"):
        yield f"- {result['note']}"
    yield ""
    yield f"![medians relative to the fastest peer]({os.path.basename(plot)})"
    for precision in dict.fromkeys(r["precision"] for r in result["rows"]):
        for threads in sorted({r["threads"] for r in result["rows"] if r["precision"] == precision}):
            rows = [r for r in result["rows"] if r["precision"] == precision and r["threads"] == threads]
            for key, title in (("p50_ms", "medians"), ("min_ms", "minima"), ("p99_ms", "99th percentiles")):
                yield ""
                yield f"## {precision}, {threads} thread{'s' if threads > 1 else ''}: {title}"
                yield ""
                yield from table(rows, key)
    failures = [(r, n, e["failed"]) for r in result["rows"] for n, e in r["engines"].items() if "failed" in e]
    if failures:
        yield ""
        yield "## What did not run"
        yield ""
        yield from sorted({f"- {r['model']}, {n}: {why}" for r, n, why in failures})


def draw(result, path):
    import matplotlib
    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.hashsalt": "yolk", "svg.fonttype": "none", "font.size": 9})
    from matplotlib import pyplot
    most = max(r["threads"] for r in result["rows"])
    groups = [(p, [r for r in result["rows"] if r["precision"] == p and r["threads"] == most]) for p in ("fp32", "bf16")]
    groups = [(p, rows) for p, rows in groups if any(best_peer(r, "p50_ms")[0] for r in rows)]
    figure, axes = pyplot.subplots(len(groups), 1, figsize=(9, 3 * len(groups)), squeeze=False)
    for axis, (precision, rows) in zip(axes[:, 0], groups):
        names = [n for n in ORDER if any("p50_ms" in r["engines"].get(n, {}) for r in rows)]
        width = 0.85 / len(names)
        for i, name in enumerate(names):
            heights = [r["engines"].get(name, {}).get("p50_ms", 0) / best_peer(r, "p50_ms")[1] for r in rows]
            axis.bar([x + i * width for x in range(len(rows))], heights, width, label=name, color=COLOURS[name])
        axis.set_xticks([x + 0.4 for x in range(len(rows))], [r["model"].removesuffix(".onnx") for r in rows])
        axis.axhline(1, color="#888", linewidth=0.6)
        axis.set_ylim(0, 2.5)
        axis.set_ylabel("time / best peer")
        axis.set_title(f"{precision}, {most} threads, medians: shorter is faster", loc="left")
        axis.legend(ncols=len(names), fontsize=7, frameon=False, loc="upper right")
        axis.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


def main():
    with open(sys.argv[1]) as f:
        result = json.load(f)
    with open(sys.argv[2], "w") as f:
        f.write("\n".join(page(result, sys.argv[3])) + "\n")
    draw(result, sys.argv[3])


if __name__ == "__main__":
    main()
