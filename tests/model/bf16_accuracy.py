#!/usr/bin/env python3
"""What bf16 costs in answers: bf16_accuracy.py YOLK MODEL DATA [LEVEL]

Builds MODEL in fp32 and in bf16 and compares the answers on the photographs of DATA (images, coco8, coco128 in it). Bounds: nothing above confidence 0.3 lost,
added or renamed, |confidence difference| 0.006 in the mean, 95 % of boxes with an IoU of 0.99 and more. Exits with 77 (skipped)
where model or pictures are absent. LEVEL caps the instruction set.
"""
import glob
import json
import os
import subprocess
import sys
import tempfile

CONFIDENCE, MEAN, IOU = 0.3, 0.006, 0.99


def main():
    yolk, model, data, *level = sys.argv[1:]
    pictures = [p for name in ("images", "coco8", "coco128") for p in sorted(glob.glob(f"{data}/{name}/**/*.jpg", recursive=True))]
    if not os.path.exists(model) or not pictures:
        print(f"skipped: {model} or pictures in {data} are not here")
        return 77
    environment = dict(os.environ, **({"YOLK_CPU": level[0]} if level else {}))
    with tempfile.TemporaryDirectory() as folder:
        engines = []
        for precision in ("fp32", "bf16"):
            engines.append(os.path.join(folder, precision + ".yolk"))
            subprocess.run([yolk, "build", model, "--precision", precision, "-o", engines[-1]], check=True, env=environment)
        done = subprocess.run([yolk, "compare", *engines, *pictures, "--summary", "--json"], capture_output=True, text=True,
                              check=False, env=environment)
    if done.returncode not in (0, 1):
        print(done.stderr)
        return 1
    summary = json.loads(done.stdout)
    print(json.dumps(summary, indent=1))
    worst = summary.get("most_confident", 0)
    bad = [text for text, holds in (
        (f"a detection of confidence {worst} was lost, added or renamed", worst <= CONFIDENCE),
        ("no detections to compare", summary["matched"] > 0),
        ("the mean difference of confidence is too large", summary["confidence"]["mean"] <= MEAN),
        ("boxes moved too far", summary["box_iou"]["p95"] >= IOU)) if not holds]
    print("\n".join(bad))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
