#!/usr/bin/env python3
"""Looks at the machine code of the register tiles: check_spills.py BINARY [OBJDUMP]

A tile keeps its accumulators in registers for the whole reduction. A compiler that keeps some of them on the stack instead
halves the speed and breaks no other test (gcc 12 does so with loop optimisations that src/backend/cpu/CMakeLists.txt switches
off). In every innermost loop with at least 16 multiply-adds, vector moves to or from the stack may be 5 % of these: gcc 12
moves 4 of 96 in the fullest AVX2 tile, which costs nothing measurable.
"""
import re
import subprocess
import sys

MOST = 0.05
FEWEST_FMA = 16
TILE = re.compile(r"^(tile|product|first|few)_\d")


def functions(binary, objdump):
    text = subprocess.run([objdump, "-d", "--no-show-raw-insn", binary], capture_output=True, text=True, check=True).stdout
    name, body = None, []
    for line in text.splitlines():
        head = re.match(r"^[0-9a-f]+ <(.+)>:", line)
        if head:
            if name and TILE.match(name):
                yield name, body
            name, body = head.group(1), []
            continue
        code = re.match(r"^\s*([0-9a-f]+):\s+(.*)", line)
        if code:
            body.append((int(code.group(1), 16), code.group(2)))
    if name and TILE.match(name):
        yield name, body


def innermost_loops(body):
    index = {address: i for i, (address, _) in enumerate(body)}
    loops = []
    for i, (_, code) in enumerate(body):
        jump = re.match(r"j\w+\s+([0-9a-f]+)", code)
        target = index.get(int(jump.group(1), 16)) if jump else None
        if target is not None and target <= i:
            loops.append((target, i))
    for first, last in loops:
        if not any((a, b) != (first, last) and first <= a and b <= last for a, b in loops):
            yield [code for _, code in body[first : last + 1]]


def main():
    binary, objdump = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "objdump"
    n_loops, bad = 0, []
    for name, body in functions(binary, objdump):
        for loop in innermost_loops(body):
            fma = sum(code.startswith(("vfmadd", "vdpbf16ps")) for code in loop)
            if fma < FEWEST_FMA:
                continue
            n_loops += 1
            moves = [c for c in loop if re.match(r"v?mov\S+\s.*%[yz]mm\d", c) and re.search(r"\(%r[sb]p", c)]
            if len(moves) > MOST * fma:
                bad.append(f"{name}: {len(moves)} stack moves beside {fma} multiply-adds, e.g. {moves[0]}")
    print(f"{n_loops} loops of register tiles, {len(bad)} with accumulators on the stack")
    print("\n".join(bad))
    if n_loops == 0:
        print("no tile was found: is the binary stripped, or were the tiles renamed?")
    return 1 if bad or n_loops == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
