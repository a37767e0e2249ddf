#!/usr/bin/env python3
"""Reads photographs with the yolk executable at default settings and counts digits found and named right. Photographs are for
judging only; nothing is trained on them.

usage: eval_numbers.py YOLK MODEL FOLDER [--list]      FOLDER holds pictures and truth.json

truth.json has no boxes: each picture lists its groups of digits as they are read. Answers become groups too: they are joined along
their rows, and the best alignment of the rows with the truth's groups counts a digit as found where it stands in its place in its
group. Recall is found / listed; precision is found / answered, over the pictures whose list is exhaustive. Rows of a grid with gaps are
not always joined as the truth lists them, so `recall_by_count` and `precision_by_count` state the same with a digit counted as found
when the picture has one of that name that no other answer has used."""
import collections
import json
import os
import subprocess
import sys


def common(a, b):
    """How many digits of two strings agree in order (longest common subsequence)."""
    row = [0] * (len(b) + 1)
    for x in a:
        before = 0
        for j, y in enumerate(b):
            before, row[j + 1] = row[j + 1], before + 1 if x == y else max(row[j], row[j + 1])
    return row[-1]


def lines(results):
    """Boxes to strings: boxes belong to one row when their centres' heights differ by less than half a digit's height."""
    boxes = [(r["name"], r["box"]["x1"], r["box"]["y1"], r["box"]["x2"], r["box"]["y2"]) for r in results]
    rows = []
    for box in sorted(boxes, key=lambda b: b[1]):
        best = None
        for row in rows:
            last = row[-1]
            height = min(last[4] - last[2], box[4] - box[2])
            off = abs((last[2] + last[4]) - (box[2] + box[4])) / 2
            gap = box[1] - last[3]
            if off < 0.5 * height and gap < 4 * max(last[4] - last[2], 1) and (best is None or off < best[0]):
                best = (off, row)
        if best:
            best[1].append(box)
        else:
            rows.append([box])
    rows.sort(key=lambda row: sum(b[2] for b in row) / len(row))
    return ["".join(b[0] for b in row) for row in rows]


def found(groups, rows):
    """The most digits in place when each group is matched with a piece of a row; rows may hold several groups in order."""
    left, total = list(rows), 0
    for group in sorted(groups, key=len, reverse=True):
        best, at, cut = 0, None, None
        for i, row in enumerate(left):
            for start in range(len(row)):
                for end in range(start + 1, min(len(row), start + len(group) + 2) + 1):
                    n = common(group, row[start:end])
                    if n > best or n == best and at is not None and end - start < cut[1] - cut[0]:
                        best, at, cut = n, i, (start, end)
        if at is not None:
            total += best
            row = left.pop(at)
            left += [part for part in (row[:cut[0]], row[cut[1]:]) if part]
    return total


def main():
    yolk, model, folder = sys.argv[1:4]
    truth = json.load(open(os.path.join(folder, "truth.json")))
    listed = right = answered = right_of_exhaustive = counted = counted_of_exhaustive = 0
    for picture in truth:
        run = subprocess.run([yolk, "predict", model, os.path.join(folder, picture["file"]), "--json", "-"], capture_output=True, text=True, check=True)
        results = json.loads(run.stdout.splitlines()[0])["results"]
        rows = lines(results)
        n = found(picture["digits"], rows)
        n_count = sum((collections.Counter(r["name"] for r in results) & collections.Counter("".join(picture["digits"]))).values())
        listed += sum(map(len, picture["digits"]))
        counted += n_count
        right += n
        if picture["exhaustive"]:
            answered += len(results)
            right_of_exhaustive += n
            counted_of_exhaustive += n_count
        if "--list" in sys.argv:
            print(f"{picture['file']:32} {n:3} of {sum(map(len, picture['digits'])):3}, {len(results):3} answers: {' '.join(rows)}")
    print(json.dumps({"recall": round(right / max(listed, 1), 4), "precision": round(right_of_exhaustive / max(answered, 1), 4),
                      "recall_by_count": round(counted / max(listed, 1), 4), "precision_by_count": round(counted_of_exhaustive / max(answered, 1), 4),
                      "digits": listed}))


if __name__ == "__main__":
    main()
