#!/usr/bin/env python3
"""yolk beside ONNX Runtime on the same ONNX file: interleaved rounds in one run, the ratio of medians.

usage: bench_ort.py YOLK MODEL.onnx [--image F] [--threads N] [--rounds R] [--seconds S] [--head dense|lazy] [--imgsz N]

Method: in each round yolk (a process of `yolk bench`, its inference stage) and ONNX Runtime (this process, session.run on a
prepared tensor) run for S seconds each, in turn, so that both see the same noise of the machine; the first calls of each are
not counted. Inference on both sides covers everything that the exported graph computes. Needs onnxruntime and numpy."""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time


def ort_round(session, feed, seconds):
    for _ in range(3):
        session.run(None, feed)
    times, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 5:
        start = time.perf_counter()
        session.run(None, feed)
        times.append((time.perf_counter() - start) * 1e3)
    return times


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("yolk")
    parser.add_argument("model")
    parser.add_argument("--image")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--head", default="dense")
    a = parser.parse_args()
    try:
        import numpy
        import ort
        session = ort.open_session(a.model, a.threads)
    except ImportError as error:
        print(f"bench: skipped, {error.name} is not installed for {sys.executable}")
        return 0
    shape = [d if isinstance(d, int) else 1 for d in session.get_inputs()[0].shape]
    feed = {session.get_inputs()[0].name: numpy.random.default_rng(0).random(shape, dtype=numpy.float32)}
    theirs, yolk, isa = [], [], ""
    with tempfile.TemporaryDirectory() as folder:
        engine = os.path.join(folder, "model.yolk")
        subprocess.run([a.yolk, "build", a.model, "-o", engine, "--quiet"], check=True)
        command = [a.yolk, "bench", engine, "--head", a.head, "--threads", str(a.threads), "--seconds", str(a.seconds), "--json"]
        command += ["--image", a.image] if a.image else []
        for _ in range(a.rounds):
            report = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
            yolk.append(report["stages"]["inference"])
            isa = report["isa"]
            theirs.append(ort_round(session, feed, a.seconds))
    yolk_median = statistics.median(r["p50_ms"] for r in yolk)
    ort_median = statistics.median(statistics.median(r) for r in theirs)
    print(f"{os.path.basename(a.model)} {'x'.join(map(str, shape))}, {a.threads} threads, {a.rounds} rounds of {a.seconds} s, {isa}, {a.head} head")
    print(f"  yolk          min {min(r['min_ms'] for r in yolk):8.2f} ms   median {yolk_median:8.2f} ms")
    print(f"  onnxruntime   min {min(min(r) for r in theirs):8.2f} ms   median {ort_median:8.2f} ms   ({ort.VERSION})")
    print(f"  yolk / onnxruntime: {yolk_median / ort_median:.3f} of medians, "
          f"{min(r['min_ms'] for r in yolk) / min(min(r) for r in theirs):.3f} of minima")
    return 0


if __name__ == "__main__":
    sys.exit(main())
