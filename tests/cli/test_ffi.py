#!/usr/bin/env python3
"""yk_probe through Python's ctypes: what a web service without a compiler would do.

usage: test_ffi.py LIBYOLK SEEDS. Each seed is named NUMBER-KIND. With $YOLK_SHARED (default ../shared) at hand, the first 64 KiB
of its files must name the same kind as yk_check does of the whole file."""
import ctypes
import json
import os
import sys

HEAD = 65536
UNKNOWN_SIZE = 2**64 - 1


class Error(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("status", ctypes.c_int), ("message", ctypes.c_char * 1024)]


def load(path):
    library = ctypes.CDLL(path)
    library.yk_probe.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint64, ctypes.POINTER(ctypes.c_void_p),
                                 ctypes.POINTER(Error)]
    library.yk_check.argtypes = [ctypes.POINTER(ctypes.c_void_p), ctypes.c_char_p, ctypes.c_void_p, ctypes.POINTER(Error)]
    library.yk_report_to_json.argtypes = [ctypes.c_void_p, ctypes.POINTER(ctypes.c_void_p), ctypes.POINTER(Error)]
    library.yk_report_destroy.argtypes = library.yk_text_destroy.argtypes = [ctypes.POINTER(ctypes.c_void_p)]
    return library


def finish(library, status, report, error):
    if status != 0:
        raise OSError(error.message.decode())
    text = ctypes.c_void_p()
    library.yk_report_to_json(report, ctypes.byref(text), None)
    result = json.loads(ctypes.string_at(text))
    library.yk_text_destroy(ctypes.byref(text))
    library.yk_report_destroy(ctypes.byref(report))
    assert report.value is None
    return result


def probe(library, head, size):
    report, error = ctypes.c_void_p(), Error(size=ctypes.sizeof(Error))
    return finish(library, library.yk_probe(head, len(head), size, ctypes.byref(report), ctypes.byref(error)), report, error)


def check(library, path):
    report, error = ctypes.c_void_p(), Error(size=ctypes.sizeof(Error))
    status = library.yk_check(ctypes.byref(report), os.fsencode(path), None, ctypes.byref(error))
    return finish(library, status, report, error)


def files(folder):
    return sorted(os.path.join(root, name) for root, _, names in os.walk(folder) for name in names)


def main():
    library, seeds = load(sys.argv[1]), sys.argv[2]
    for path in files(seeds):
        with open(path, "rb") as f:
            data = f.read()
        wanted = os.path.basename(path).split("-", 1)[-1]
        report = probe(library, data, len(data))
        if os.path.basename(path)[0].isdigit():
            assert report["kind"] == wanted, (path, report["kind"])
        assert report["size"] == len(data)
        assert probe(library, data[:HEAD], UNKNOWN_SIZE)["size"] is None
    try:
        probe(library, b"abc", 2)
        raise AssertionError("three bytes of a file of two")
    except OSError as error:
        assert "yk_probe" in str(error)
    shared = os.environ.get("YOLK_SHARED") or "../shared"
    n = 0
    for folder in ("data", "models", "reference"):
        for path in files(os.path.join(shared, folder)):
            with open(path, "rb") as f:
                head = f.read(HEAD)
            named, whole = probe(library, head, os.path.getsize(path))["kind"], check(library, path)["kind"]
            assert named == whole, (path, named, whole)
            n += 1
    print(f"{len(files(seeds))} seeds, {n} files of {shared}" if n else f"skipped: no folder {shared}; the seeds are right")


main()
