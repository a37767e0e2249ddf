#!/usr/bin/env python3
"""Slow runs of yolk beside slow runs of onnxruntime, in interleaved rounds, and how much of them the scheduler explains.

usage: tails.py BENCH_TAIL YOLK MODEL.onnx IMAGE [--threads N] [--rounds R] [--seconds S]

BENCH_TAIL is the build's tests/kernel/bench_tail. For every run of either engine its time is kept, and for how long its threads
were ready but waited because something else had their processor (/proc/self/task/*/schedstat). A run is *hit* when they waited
for more than a millisecond together, *calm* below 0.1 ms. Printed as rows of a table:

  p50, p99, p99-p50, p99/p50   a round's, of these the median over the rounds
  calm p99/p50                 over all calm runs, each divided by its round's median: what the engine and the processor do alone
  hit                          share of all runs
  waited, late                 mean of the hit runs; late: over the round's median
  late/waited                  ms lost for each ms that was taken; N threads that shared perfectly would lose 1/N

Needs numpy and onnxruntime, and Linux."""
import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time

from bench_peers import rank

HIT_MS, CALM_MS, WARM_UP = 1.0, 0.1, 3


def yolk_round(command):
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    return [tuple(map(float, line.split())) for line in lines]


class Onnxruntime:
    def __init__(self, model, threads):
        import numpy
        import ort
        self.version, self.session = ort.VERSION, ort.open_session(model, threads)
        entry = self.session.get_inputs()[0]
        shape = [d if isinstance(d, int) else free for d, free in zip(entry.shape, (1, 3, 640, 640))]
        self.feed = {entry.name: numpy.random.default_rng(0).random(shape, dtype=numpy.float32)}
        for _ in range(WARM_UP):  # starts the threads whose waiting is counted
            self.session.run(None, self.feed)
        self.threads = [os.open(f"/proc/self/task/{t}/schedstat", os.O_RDONLY) for t in os.listdir("/proc/self/task")]

    def waited_ms(self):
        return sum(int(os.pread(f, 128, 0).split()[1]) for f in self.threads) * 1e-6

    def round(self, seconds):
        for _ in range(WARM_UP):
            self.session.run(None, self.feed)
        runs, before, end = [], self.waited_ms(), time.perf_counter() + seconds
        while time.perf_counter() < end:
            start = time.perf_counter()
            self.session.run(None, self.feed)
            ms = (time.perf_counter() - start) * 1e3
            after = self.waited_ms()
            runs.append((ms, after - before))
            before = after
        return runs


def row(name, rounds):
    medians = [rank([ms for ms, _ in r], 0.5) for r in rounds]
    p50, p99 = statistics.median(medians), statistics.median(rank([ms for ms, _ in r], 0.99) for r in rounds)
    runs = [(ms, waited, median) for r, median in zip(rounds, medians) for ms, waited in r]
    calm = [ms / median for ms, waited, median in runs if waited < CALM_MS]
    hit = [(waited, ms - median) for ms, waited, median in runs if waited > HIT_MS]
    waited, late = (statistics.mean(column) for column in zip(*hit)) if hit else (0, 0)
    return (f"| {name} | {len(runs)} | {p50:.2f} | {p99:.2f} | {p99 - p50:.2f} | {p99 / p50:.3f} | {rank(calm, 0.99):.3f} | "
            f"{len(hit) / len(runs):.1%} | {waited:.2f} | {late:.2f} | {late / waited if hit else 0:.2f} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("bench_tail", "yolk", "model", "image"):
        parser.add_argument(name)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=5)
    a = parser.parse_args()
    own, theirs, peer = [], [], Onnxruntime(a.model, a.threads)
    with tempfile.TemporaryDirectory() as folder:
        engine = os.path.join(folder, "model.yolk")
        subprocess.run([a.yolk, "build", a.model, "-o", engine, "--quiet"], check=True)
        for _ in range(a.rounds):
            own.append(yolk_round([a.bench_tail, engine, a.image, str(a.threads), str(a.seconds)]))
            theirs.append(peer.round(a.seconds))
    print(f"{os.path.basename(a.model)}, {a.threads} threads, {a.rounds} rounds of {a.seconds:g} s; onnxruntime {peer.version}\n")
    print("| | runs | p50 | p99 | p99-p50 | p99/p50 | calm p99/p50 | hit | waited | late | late/waited |")
    print("|---" * 11 + "|")
    print(row("yolk", own))
    print(row("onnxruntime", theirs))
    return 0


if __name__ == "__main__":
    sys.exit(main())
