#!/usr/bin/env python3
"""Joins the digits that yolk-digits finds into numbers, as people read them: rows, from left to right.

    yolk predict yolk-digits photo.jpg --json - | python3 read_numbers.py

A digit follows another one when it stands to its right, not much further away than it is high, at about its height and of about
its size; so a row may lean. One line per picture: its name, then the numbers from top to bottom."""
import fileinput
import json


def follows(a, b):
    """How well digit b continues a row that ends with a: the gap between them in heights, or None when it does not."""
    high, low = max(a["h"], b["h"]), min(a["h"], b["h"])
    gap = (b["left"] - a["right"]) / high
    if b["x"] <= a["x"] or not -0.5 < gap < 0.9 or low < 0.5 * high or abs(b["y"] - a["y"]) > 0.7 * high:
        return None
    return gap


def numbers(results):
    """Of one picture's "results": strings, from top to bottom."""
    digits = []
    for r in results:
        box = r["box"]
        digits.append({"text": r["name"], "left": box["x1"], "right": box["x2"], "x": (box["x1"] + box["x2"]) / 2, "y": (box["y1"] + box["y2"]) / 2,
                       "h": box["y2"] - box["y1"]})
    rows = []
    for digit in sorted(digits, key=lambda d: d["x"]):
        open_rows = [(gap, row) for row in rows if (gap := follows(row[-1], digit)) is not None]
        if open_rows:
            min(open_rows, key=lambda pair: pair[0])[1].append(digit)
        else:
            rows.append([digit])
    rows.sort(key=lambda row: sum(d["y"] for d in row) / len(row))
    return ["".join(d["text"] for d in row) for row in rows]


def main():
    for line in fileinput.input(encoding="utf-8"):
        answer = json.loads(line)
        if "error" in answer:
            print(f"{answer['source']}: {answer['error']['message']}")
        else:
            print(f"{answer['source']}: {'  '.join(numbers(answer['results'])) or '(no digits)'}")


if __name__ == "__main__":
    main()
