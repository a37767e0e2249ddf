#!/usr/bin/env python3
"""yolk beside onnxruntime, OpenVINO, ncnn, MNN and PyTorch on the same ONNX files, in interleaved rounds of one run.

usage: bench_peers.py YOLK --out FOLDER [--threads 1,2] [--precisions fp32,bf16] [--engines LIST] [--image F]
                      [--rounds R] [--seconds S] [--keep] MODEL.onnx...

Run by `make bench-peers`, which makes the Python environment. Writes FOLDER/peers.json, from which report.py makes the page."""
import argparse
import datetime
import json
import os
import platform
import statistics
import subprocess
import sys

import report

HERE = os.path.dirname(os.path.abspath(__file__))
PEERS = {"fp32": ["onnxruntime", "openvino", "ncnn", "mnn", "torch"], "bf16": ["openvino-bf16"]}


def rank(values, p):
    """The percentile p (0 to 1), by nearest rank."""
    values = sorted(values)
    return values[min(len(values), max(1, int(p * len(values) + 0.5))) - 1]


def summary(times):
    return {"min_ms": min(times), "p50_ms": rank(times, 0.5), "p99_ms": rank(times, 0.99)}


class Peer:
    """An engine of engines.py in its own process."""

    def __init__(self, name, model, threads, folder):
        self.name, self.rounds = name, []
        command = [sys.executable, os.path.join(HERE, "engines.py"), name, model, str(threads), folder]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        answer = self.read()
        self.version, self.failure = answer.get("ready"), answer.get("failed")

    def read(self):
        line = self.process.stdout.readline()
        return json.loads(line) if line else {"failed": "the process ended"}

    def measure(self, seconds):
        try:
            print(seconds, file=self.process.stdin, flush=True)
            answer = self.read()
        except BrokenPipeError:
            answer = {"failed": "the process ended"}
        if isinstance(answer, list):
            self.rounds.append(summary(answer))
        else:
            self.failure = answer["failed"]

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Yolk:
    """`yolk bench`, one process a round: its inference stage, which covers all that the exported graph computes."""

    def __init__(self, name, program, engine, threads, head, image):
        self.name, self.rounds, self.failure = name, [], None
        self.version = subprocess.run([program, "--version"], capture_output=True, text=True).stdout.split()[-1]
        self.command = [program, "bench", engine, "--threads", str(threads), "--head", head, "--json"]
        self.command += ["--image", image] if image else []
        self.isa = ""

    def measure(self, seconds):
        run = subprocess.run(self.command + ["--seconds", str(seconds)], capture_output=True, text=True)
        if run.returncode != 0:
            self.failure = run.stderr.strip().splitlines()[-1] if run.stderr.strip() else "yolk bench failed"
            return
        answer = json.loads(run.stdout)
        self.isa = answer["isa"]
        self.rounds.append({k: answer["stages"]["inference"][k] for k in ("min_ms", "p50_ms", "p99_ms")})

    def close(self):
        pass


def build(program, model, precision, folder):
    """The engine file, or None where this yolk cannot make it."""
    engine = os.path.join(folder, f"{os.path.splitext(os.path.basename(model))[0]}-{precision}.yolk")
    command = [program, "build", model, "-o", engine, "--quiet"] + ([] if precision == "fp32" else ["--precision", precision])
    return engine if subprocess.run(command, capture_output=True).returncode == 0 else None


def runners(a, model, threads, precision, folder):
    engine = build(a.yolk, model, precision, folder)
    made = []
    for head in ("lazy", "dense"):
        if engine and head in a.heads:
            made.append(Yolk(f"yolk-{head}", a.yolk, engine, threads, head, a.image))
    return made + [Peer(name, model, threads, folder) for name in PEERS[precision] if not a.engines or name in a.engines]


def measure(a, model, threads, precision, folder):
    made = runners(a, model, threads, precision, folder)
    for i in range(a.rounds):
        turn = i % max(1, len(made))
        for r in made[turn:] + made[:turn]:
            if not r.failure:
                r.measure(a.seconds)
    row = {"model": os.path.basename(model), "threads": threads, "precision": precision, "engines": {}}
    for r in made:
        r.close()
        if r.failure or not r.rounds:
            row["engines"][r.name] = {"version": r.version, "failed": r.failure}
            continue
        row["engines"][r.name] = {"version": r.version,
                                  "min_ms": round(min(x["min_ms"] for x in r.rounds), 4),
                                  "p50_ms": round(statistics.median(x["p50_ms"] for x in r.rounds), 4),
                                  "p99_ms": round(statistics.median(x["p99_ms"] for x in r.rounds), 4),
                                  "rounds": [round(x["p50_ms"], 4) for x in r.rounds]}
    row["isa"] = next((r.isa for r in made if isinstance(r, Yolk) and r.isa), "")
    return row


def processor():
    try:
        with open("/proc/cpuinfo") as f:
            lines = f.read().splitlines()
    except OSError:
        return platform.machine()
    facts = dict(line.replace("\t", "").split(":", 1) for line in lines if ":" in line)
    name = facts.get("model name", platform.machine()).strip()
    return f"{name} (family {facts.get('cpu family', '?').strip()}, model {facts.get('model', '?').strip()})"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("yolk")
    parser.add_argument("models", nargs="+")
    parser.add_argument("--out", required=True)
    parser.add_argument("--image")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--precisions", default="fp32,bf16")
    parser.add_argument("--heads", default="lazy,dense")
    parser.add_argument("--engines", default="")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=1.5)
    parser.add_argument("--note", default="", help="a sentence for the page: weights, circumstances")
    parser.add_argument("--keep", action="store_true", help="add to FOLDER/peers.json instead of beginning anew")
    a = parser.parse_args()
    a.engines = [e for e in a.engines.split(",") if e]
    os.makedirs(a.out, exist_ok=True)
    result = {"date": datetime.date.today().isoformat(), "processor": processor(), "cores": os.cpu_count(),
              "image": os.path.basename(a.image) if a.image else None, "rounds": a.rounds, "seconds": a.seconds, "note": a.note, "rows": []}
    path = os.path.join(a.out, "peers.json")
    if a.keep and os.path.exists(path):
        with open(path) as f:
            result["rows"] = json.load(f)["rows"]
    for model in a.models:
        folder = os.path.join(a.out, os.path.splitext(os.path.basename(model))[0])
        os.makedirs(folder, exist_ok=True)
        for threads in map(int, a.threads.split(",")):
            for precision in a.precisions.split(","):
                row = measure(a, model, threads, precision, os.path.abspath(folder))
                same = [r for r in result["rows"] if all(r[k] == row[k] for k in ("model", "threads", "precision"))]
                result["rows"] = [r for r in result["rows"] if r not in same] + [row]
                print("\n".join(report.text_row(row)), flush=True)
                with open(path, "w") as f:
                    json.dump(result, f, indent=1)
                    f.write("\n")


if __name__ == "__main__":
    main()
