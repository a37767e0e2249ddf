#!/usr/bin/env python3
"""Drives the yolk executable as a stranger would: exit status, help, JSON, folders, bad pictures, strange names.

usage: test_cli.py YOLK SOURCE_DIR [unittest options]. Needs nothing but Python's standard library. Models: the bundled ones,
or those of $YOLK_SHARED (default ../shared); tests that need one say "skipped" when there is neither."""
import json
import os
import struct
import subprocess
import sys
import tempfile
import time
import unittest
import zlib

YOLK = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else ""
SOURCE = os.path.abspath(sys.argv[2]) if len(sys.argv) > 2 else ""
SHARED = os.environ.get("YOLK_SHARED") or os.path.join(os.path.dirname(SOURCE), "shared")
COMMANDS = ["build", "check", "explain", "strip", "wrap", "inspect", "predict", "bench", "compare", "models", "doctor"]


def first_file(*paths):
    return next((p for p in paths if os.path.isfile(p)), None)


DETECT = first_file(os.path.join(SOURCE, "models/yolk-digits.onnx"), os.path.join(SHARED, "models/onnx/yolov8n.onnx"))
POSE = first_file(os.path.join(SHARED, "models/onnx/yolov8n-pose-coco8-dynamic.onnx"))
SEGMENT = first_file(os.path.join(SHARED, "models/pt/yolov8n-seg.pt"))
OBB = first_file(os.path.join(SHARED, "models/pt/overfit/yolov8n-obb-dota8.pt"))
CLASSIFY = first_file(os.path.join(SOURCE, "models/yolk-digit-cls.onnx"),
                      os.path.join(SHARED, "models/onnx/yolov8n-cls-weather-64.onnx"))


TINY = os.path.join(SOURCE, "tests/golden/onnx/tiny-detect.onnx")


def with_note(model, key, value):
    """An ONNX file with one more metadata entry: a protobuf message may simply go on (field 14: key 1, value 2)."""
    def field(number, data):
        return bytes([number << 3 | 2]) + (bytes([len(data)]) if len(data) < 128 else bytes([len(data) & 127 | 128, len(data) >> 7])) + data
    with open(model, "rb") as f:
        return f.read() + field(14, field(1, key.encode()) + field(2, value.encode()))


def png(width=40, height=30):
    """A small picture with some structure, as PNG bytes."""
    rows = b"".join(b"\0" + bytes((x * 7 + y * 3 * c) & 255 for x in range(width) for c in (1, 2, 3)) for y in range(height))

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.dir = self.folder.name
        self.addCleanup(self.folder.cleanup)

    def path(self, *names):
        return os.path.join(self.dir, *names)

    def write(self, name, data):
        path = os.path.join(os.fsencode(self.dir), os.fsencode(name))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(data)
        return os.fsdecode(path)

    def yolk(self, *args, expect=0, stdin=b"", env=None, cwd=None):
        environment = dict(os.environ, XDG_CACHE_HOME=self.path("cache"), **(env or {}))
        done = subprocess.run([YOLK, *args], input=stdin, capture_output=True, timeout=300, env=environment, cwd=cwd,
                              check=False)
        if expect is not None:
            self.assertEqual(done.returncode, expect, msg=(args, done.stdout[-500:], done.stderr[-500:]))
        return done

    def predict(self, model, *args, expect=0, stdin=b""):
        done = self.yolk("predict", model, *args, "--json", "-", expect=expect, stdin=stdin)
        return [json.loads(line) for line in done.stdout.decode().splitlines()]


class Words(Case):
    def test_help_lists_what_is_built(self):
        text = self.yolk("--help").stdout.decode()
        self.assertEqual([line.split()[0] for line in text.split("commands:\n")[1].split("\n\n")[0].splitlines()], COMMANDS)
        for command in COMMANDS:
            self.assertIn("usage: yolk " + command, self.yolk(command, "--help").stdout.decode())
            self.assertTrue(self.yolk("--man", command).stdout.startswith(b".TH YOLK"))

    def test_version(self):
        self.assertRegex(self.yolk("--version").stdout.decode(), r"^yolk \d+\.\d+\.\d+\n$")

    def test_usage_errors(self):
        self.yolk(expect=2)
        self.yolk("fly", expect=2)
        self.assertIn(b"did you mean --conf", self.yolk("predict", "m", "p", "--cond", "1", expect=2).stderr)
        self.yolk("predict", "m", "p", "--conf", "2", expect=2)
        self.yolk("predict", "m", "p", "--conf", expect=2)
        self.yolk("predict", "m", "p", "--classes", "1,x", expect=2)
        self.yolk("predict", "m", "p", "--imgsz", "64x", expect=2)
        self.yolk("predict", "m", expect=2)
        self.yolk("build", "a", "b", expect=2)
        self.yolk("check", expect=2)

    def test_missing_files(self):
        self.assertIn(b"nowhere.onnx", self.yolk("build", self.path("nowhere.onnx"), expect=3).stderr)
        self.yolk("predict", self.path("nowhere.yolk"), "x.jpg", expect=3)
        self.yolk("check", self.path("nowhere"), expect=3)
        self.assertIn(b"searched", self.yolk("models", expect=1, env={"YOLK_MODELS": self.path("none")}).stderr) \
            if not os.path.isdir(os.path.join(os.path.dirname(YOLK), "models")) else None

    def test_doctor(self):
        self.assertIsInstance(json.loads(self.yolk("doctor", "--json").stdout), dict)
        self.assertTrue(self.yolk("doctor").stdout)

    def test_explain(self):
        text = "[TRT] [E] 6: The engine plan file is not compatible with this version of TensorRT, expecting library version"
        done = self.yolk("explain", text, "8.2.3 got 8.2.1, please rebuild.", "--json")
        first = json.loads(done.stdout)["findings"][0]
        self.assertEqual(first["code"], "exact-version-mismatch")
        self.assertEqual(first["machine"], {"kind": "version", "value": "8.2.3"})
        self.assertEqual(first["file"], {"kind": "version", "value": "8.2.1"})
        self.assertEqual(set(first), {"code", "certainty", "file", "machine", "message", "remedy"})
        log = b"noise\n" * 1000 + b"Error Code 1: Serialization (magicTagRead == kMAGIC_TAG failed.Magic tag does not ma\ntch)\n"
        self.assertIn(b"not-a-plan", self.yolk("explain", "-", stdin=log).stdout)
        done = self.yolk("explain", "my secret question", "--json", expect=1)
        self.assertEqual(json.loads(done.stdout), {"findings": []})
        self.assertNotIn(b"secret", done.stdout + done.stderr)
        self.assertIn(b"not known", self.yolk("explain", "-", stdin=b"", expect=1).stdout)
        self.yolk("explain", expect=2)


class Files(Case):
    def test_check_target(self):
        """A made-up plan of 8.2 with nothing but a version: judged for the machine that is named."""
        records = b"".join(b"\x02\x80\x01\x00" + bytes([v]) for v in (8, 2, 1, 8)) + bytes(100)
        plan = self.write("a.plan", b"ptrt" + struct.pack("<IIIQ", 0, 205, 0, len(records)) + records)
        found = json.loads(self.yolk("check", "--json", plan, "--target", "trt=8.4.1.5", expect=1).stdout)
        self.assertEqual(found["verdict"], "invalid")
        self.assertIn("Current Version: 213, Serialized Engine Version: 205", found["findings"][0]["found"])
        found = json.loads(self.yolk("check", "--json", plan, "--target", "trt=8.2.1.8", expect=1).stdout)
        self.assertEqual(found["verdict"], "foreign")
        self.assertEqual(found["facts"]["tensorrt"]["version"], "8.2.1.8")
        self.assertEqual(found["facts"]["tensorrt"]["sections"], [])
        self.yolk("check", plan, "--target", "cc=x", expect=2)

    def test_check_names_what_is_no_model(self):
        for name, data, kind in (("a", b"", "empty"), ("b", b"<!DOCTYPE html><html><body>no</body></html>", "html"),
                                 ("c", png(), "image"), ("d", b"\0" * 5000, "zeros")):
            report = json.loads(self.yolk("check", "--json", self.write(name, data), expect=1).stdout)
            self.assertEqual(report["kind"], kind)
            self.assertIn(report["verdict"], ("invalid", "foreign"))
            self.assertTrue(report["findings"])

    def check(self, *files, expect, options=()):
        """One report a line, in the order of the files."""
        done = self.yolk("check", "--json", *options, *files, expect=expect)
        lines = done.stdout.decode().splitlines()
        self.assertEqual(len(lines), len(files))
        return [json.loads(line) for line in lines]

    def test_check_reports_what_cannot_be_read_in_its_place(self):
        picture = self.write("a.png", png())
        reports = self.check(self.path("nowhere"), picture, self.dir, "/dev/zero", expect=3)
        for report in reports:
            self.assertEqual(list(report)[:7], ["file", "size", "kind", "container", "facts", "verdict", "findings"])
        self.assertEqual([r["verdict"] for r in reports], ["invalid", "foreign", "invalid", "invalid"])
        self.assertEqual([r["findings"][0]["code"] for r in reports],
                         ["file-unreadable", "foreign-file", "file-unreadable", "file-unreadable"])
        self.assertIn("No such file", reports[0]["findings"][0]["found"])
        self.assertIn("device", reports[3]["findings"][0]["found"])
        done = self.yolk("check", self.path("nowhere"), picture, expect=3)
        self.assertIn(b"nowhere", done.stderr)
        self.assertIn(b"a.png: foreign", done.stdout)

    def test_check_of_a_folder_names_a_file_in_it(self):
        self.write("export/metadata.yaml", b"task: detect")
        self.write("export/yolov8n.xml", b"<net name='a'><layers></layers></net>")
        self.assertIn(b"export/yolov8n.xml", self.yolk("check", self.path("export"), expect=3).stderr)

    def test_check_of_pipes(self):
        os.mkfifo(self.path("pipe"))
        self.assertIn(b"nobody writes", self.yolk("check", self.path("pipe"), expect=3).stderr)
        report = json.loads(subprocess.run(["bash", "-c", f"'{YOLK}' check --json <(sleep 0.2; printf '<html>')"],
                                           capture_output=True, timeout=60, check=False).stdout)
        self.assertEqual(report["kind"], "html")

    def test_check_of_odd_names_and_links(self):
        names = [b"new\nline", b"no\xffutf", b"\x1b[31mred", b"-dash", b" ", "\u00fc".encode()]
        for name in names:
            path = os.path.join(os.fsencode(self.dir), name)
            with open(path, "wb") as f:
                f.write(b"hello")
            report, = self.check(os.fsdecode(path), expect=1)
            self.assertEqual(report["kind"], "text")
            self.assertEqual(report["file"], path.decode("utf-8", "replace"))
            text = self.yolk("check", os.fsdecode(path), expect=1).stdout
            self.assertNotIn(b"\x1b", text)
            self.assertIn(b": foreign", text.splitlines()[0])
        os.symlink(os.fsdecode(os.path.join(os.fsencode(self.dir), names[-1])), self.path("link"))
        self.assertEqual(self.check(self.path("link"), expect=1)[0]["kind"], "text")
        os.symlink("nowhere", self.path("dangling"))
        self.check(self.path("dangling"), expect=3)

    def test_check_of_a_large_sparse_file_is_quick(self):
        path = self.write("large", b"")
        os.truncate(path, 4 << 30)
        times = []
        for _ in range(3):
            start = time.monotonic()
            report, = self.check(path, expect=1)
            times.append(time.monotonic() - start)
        self.assertEqual((report["kind"], report["findings"][0]["certainty"]), ("zeros", "likely"))
        self.assertNotIn("sha256", report)
        self.assertLess(min(times), 1)  # 15 ms on an idle machine; reading it all takes seconds

    def test_check_hashes_when_asked(self):
        report, = self.check(self.write("a", b"abc"), expect=1, options=["--sha256"])
        self.assertEqual(report["sha256"], "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")

    def test_strip_and_wrap(self):
        plan = bytearray(b"ftrt" + struct.pack("<IQQ4B4s", 0, 0, 0, 10, 3, 0, 30, b"utrt") + bytes(40))
        plan[16:24] = struct.pack("<Q", len(plan))
        meta = b'{"task": "classify", "names": {"0": "a"}}'
        engine, out = self.write("a.engine", struct.pack("<i", len(meta)) + meta + plan), self.path("a.plan")
        self.yolk("strip", engine, "-o", out, "--metadata", self.path("m.json"))
        self.assertEqual(open(out, "rb").read(), plan)
        self.yolk("wrap", out, "--metadata", self.path("m.json"), "-o", self.path("b.engine"))
        self.assertEqual(open(self.path("b.engine"), "rb").read(), open(engine, "rb").read())
        self.yolk("strip", engine, expect=2)
        self.assertIn(b"same file", self.yolk("strip", engine, "-o", engine, expect=2).stderr)
        cut = self.write("cut.engine", open(engine, "rb").read()[:-1])
        self.assertIn(b"cut", self.yolk("strip", cut, "-o", self.path("c.plan"), expect=3).stderr)
        self.assertFalse(os.path.exists(self.path("c.plan")))
        self.yolk("strip", out, "-o", self.path("c.plan"), expect=3)
        self.yolk("wrap", out, "-o", self.path("c.engine"), expect=2)
        self.yolk("wrap", out, "--metadata", self.path("none.json"), "-o", self.path("c.engine"), expect=3)

    def test_not_a_model(self):
        self.yolk("build", self.write("m.onnx", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"), expect=3)
        self.assertFalse(os.path.exists(self.path("m.yolk")))


class Bundled(Case):
    """Models by name, from any folder; and what a model says of itself."""

    DEFAULTS = "{'conf': 0.0, 'iou': 0.1, 'max_det': 7, 'agnostic': True}"

    def setUp(self):
        super().setUp()
        self.write("models/tiny.onnx", with_note(TINY, "defaults", self.DEFAULTS))
        self.environment = {"YOLK_MODELS": self.path("models")}

    def named(self, *args, **options):
        """From a folder that has nothing to do with it."""
        os.makedirs(self.path("elsewhere"), exist_ok=True)
        return self.yolk(*args, env=self.environment, cwd=self.path("elsewhere"), **options)

    def test_every_command_takes_a_name(self):
        picture = self.write("p.png", png(64, 64))
        self.named("predict", "tiny", picture)
        self.named("inspect", "tiny")
        self.named("bench", "tiny", "--seconds", "0.1")
        self.named("compare", "tiny", "tiny", picture)
        self.assertEqual(json.loads(self.named("check", "tiny", "--json").stdout)["kind"], "onnx")
        self.named("build", "tiny")
        self.assertEqual(os.listdir(self.path("elsewhere")), ["tiny.yolk"])
        self.named("check", "tiny.yolk")
        self.assertEqual(os.listdir(self.path("models")), ["tiny.onnx"])
        for command in (["build", "small"], ["predict", "small", picture], ["inspect", "small"]):
            self.assertIn(b"no bundled model of that name", self.named(*command, expect=3).stderr)
        self.named("check", "small", expect=3)

    def test_files_come_first(self):
        self.write("elsewhere/tiny", b"not a model")
        self.named("inspect", "tiny", expect=3)
        self.named("inspect", "./tiny", expect=3)
        os.remove(self.path("elsewhere", "tiny"))
        os.mkdir(self.path("elsewhere", "tiny"))  # a folder of that name is no model
        self.named("inspect", "tiny")

    def test_models(self):
        self.write("models/other.onnx", with_note(TINY, "metrics", "{'map50': 0.975, 'pictures': 1000}"))
        self.write("models/README.md", b"no model")
        listed = [json.loads(line) for line in self.named("models", "--json").stdout.splitlines()]
        mine = [m for m in listed if os.path.dirname(m["path"]) == self.path("models")]
        self.assertEqual([m["name"] for m in mine], ["other", "tiny"])
        self.assertEqual([m["metrics"] for m in mine], [{"map50": 0.975, "pictures": 1000}, {}])
        self.assertEqual(mine[0]["bytes"], os.path.getsize(mine[0]["path"]))
        self.assertEqual(set(mine[0]), {"name", "path", "bytes", "task", "imgsz", "names", "description", "metrics"})
        self.assertRegex(self.named("models").stdout.decode(), r"\nother +detect .* MB  map50 0.975, pictures 1000\n")
        self.yolk("build", TINY, "-o", self.path("models", "tiny.yolk"))  # an engine comes before a model of its name
        listed = [json.loads(line)["path"] for line in self.named("models", "--json").stdout.splitlines()]
        self.assertIn(self.path("models", "tiny.yolk"), listed)
        self.assertNotIn(self.path("models", "tiny.onnx"), listed)
        self.write("models/broken.onnx", b"no")
        self.assertIn(b"broken.onnx", self.named("models", expect=3).stderr)

    def test_defaults_of_the_model(self):
        picture = self.write("p.png", png(64, 64))

        def count(*options):
            return len(json.loads(self.named("predict", "tiny", picture, "--json", "-", *options).stdout)["results"])
        plain = self.predict(TINY, picture, "--conf", "0", "--iou", "0.1")[0]["results"]
        across = self.predict(TINY, picture, "--conf", "0", "--iou", "0.1", "--agnostic")[0]["results"]
        self.assertLess(len(across), len(plain))
        self.assertEqual(count("--max-det", "300"), len(across))
        self.assertEqual(count("--max-det", "300", "--no-agnostic"), len(plain))
        self.assertEqual(count(), min(7, len(across)))
        self.assertEqual(count("--conf", "1"), 0)
        self.assertGreater(count("--iou", "1", "--max-det", "300"), len(plain))
        self.named("predict", "tiny", picture, "--agnostic", "--no-agnostic", expect=2)
        info = json.loads(self.named("inspect", "tiny", "--json").stdout)
        self.assertEqual([info[k] for k in ("conf", "max_det", "agnostic")], [0, 7, True])
        self.assertIn(b"at most 7 detections, NMS across classes", self.named("inspect", "tiny").stdout)
        self.named("build", "tiny", "-o", self.path("t.yolk"))
        self.assertEqual(json.loads(self.named("inspect", self.path("t.yolk"), "--json").stdout)["agnostic"], True)
        wrong = self.write("w.onnx", with_note(TINY, "defaults", "{'conf': 30}"))
        self.assertIn(b"conf must be a number from 0 to 1", self.yolk("build", wrong, expect=3).stderr)


@unittest.skipUnless(CLASSIFY, "skipped: no classifier here")
def without_notes(model):
    """An ONNX file without its metadata (field 14 of the outermost message)."""
    with open(model, "rb") as f:
        data = f.read()

    def varint(at):
        value = shift = 0
        while True:
            value |= (data[at] & 127) << shift
            at, shift = at + 1, shift + 7
            if data[at - 1] < 128:
                return value, at

    out, at = b"", 0
    while at < len(data):
        key, end = varint(at)
        value, end = varint(end)
        end += value if key & 7 == 2 else 0
        if key >> 3 != 14:
            out += data[at:end]
        at = end
    return out


class Rescue(Case):
    """An engine of TensorRT cannot load here; the model it was made from can be built with what the engine says of it."""
    NAMES = {"0": "a", "1": "it's \"b\"", "2": "caf\u00e9"}

    def plan(self):
        records = b"".join(b"\x02\x80\x01\x00" + bytes([v]) for v in (8, 2, 1, 8)) + bytes(range(256)) * 4
        return b"ptrt" + struct.pack("<IIIQ", 0, 205, 0, len(records)) + records

    def engine(self, name, **metadata):
        text = json.dumps(metadata).encode()
        return self.write(name, struct.pack("<I", len(text)) + text + self.plan())

    def answers(self, model, picture, *args):
        return self.predict(model, picture, "--conf", "0.001", *args)[0]["results"]

    def test_offered_and_done(self):
        picture = self.write("p.png", png())
        engine = self.engine("my best.engine", task="detect", names=self.NAMES, imgsz=[64, 64], stride=32)
        self.assertNotIn("source-model-found", self.yolk("check", engine, expect=1).stdout.decode())
        with open(TINY, "rb") as f:
            exported = f.read()
        for data in (exported, without_notes(TINY)):
            model = self.write("my best.onnx", data)
            found = json.loads(self.yolk("check", engine, "--json", expect=1).stdout)
            self.assertEqual(found["facts"]["ultralytics"]["names"], self.NAMES)
            offer = [f for f in found["findings"] if f["code"] == "source-model-found"][0]
            command = "yolk build '%s' --from '%s'" % (engine, model)
            self.assertIn(command, offer["remedy"])
            self.assertIn(command, found["findings"][0]["remedy"])
            self.yolk("build", engine, "--from", model)
            built = self.path("my best.yolk")
            recipe = json.loads(self.yolk("inspect", built, "--json").stdout)
            self.assertEqual(recipe["names"], list(self.NAMES.values()))
            self.assertEqual((recipe["task"], recipe["imgsz"]), ("detect", [64, 64]))
            mine, original = self.answers(built, picture), self.answers(TINY, picture)
            self.assertTrue(original)
            self.assertEqual([(r["class"], r["confidence"], r["box"]) for r in mine],
                             [(r["class"], r["confidence"], r["box"]) for r in original])
            self.assertEqual({r["name"] for r in mine}, {self.NAMES[str(r["class"])] for r in mine})
            self.assertEqual(self.answers(engine, picture, "--from", model), mine)  # built on the fly
            os.remove(built)

    def test_other_name(self):
        engine = self.engine("e.engine", task="detect", names=self.NAMES, imgsz=[64, 64])
        found = self.yolk("check", engine, "--from", TINY, expect=1).stdout.decode()
        self.assertIn("--from " + TINY, found)
        self.write("e.onnx", b"something else entirely")
        self.assertIn("source-model-unsuited", self.yolk("check", engine, expect=1).stdout.decode())

    def test_what_does_not_fit(self):
        out = ("-o", self.path("out.yolk"))
        two = self.engine("two.engine", task="detect", names={"0": "a", "1": "b"}, imgsz=64)
        self.assertIn(b"engine 2", self.yolk("build", two, "--from", TINY, *out, expect=2).stderr)
        other = self.engine("other.engine", task="classify", names=self.NAMES)
        self.assertIn(b"not of one model", self.yolk("build", other, "--from", TINY, *out, expect=2).stderr)
        broken = self.engine("broken.engine", task="detect", names={"0": "a", "2": "b"})
        self.assertIn(b"names", self.yolk("build", broken, "--from", TINY, *out, expect=3).stderr)
        self.yolk("build", TINY, "--from", TINY, *out, expect=2)
        self.yolk("build", self.path("none.engine"), "--from", TINY, *out, expect=3)
        self.assertIn(b"--from", self.yolk("build", two, *out, expect=4).stderr)
        self.assertFalse(os.path.exists(self.path("out.yolk")))

    def test_without_metadata_or_whole_plan(self):
        """A plain plan says nothing of names; a cut engine still does."""
        plain = self.write("plain.plan", self.plan())
        self.yolk("build", plain, "--from", TINY)
        self.assertEqual(json.loads(self.yolk("inspect", self.path("plain.yolk"), "--json").stdout)["names"][0], "ball")
        engine = self.engine("cut.engine", task="detect", names=self.NAMES)
        with open(engine, "rb") as f:
            data = f.read()
        self.write("cut.engine", data[:-100])
        self.yolk("build", engine, "--from", TINY)
        self.assertEqual(json.loads(self.yolk("inspect", self.path("cut.yolk"), "--json").stdout)["names"][0], "a")

    @unittest.skipUnless(CLASSIFY, "skipped: no classifier")
    def test_classifier(self):
        picture = self.write("p.png", png())
        names = json.loads(self.yolk("inspect", CLASSIFY, "--json").stdout)
        engine = self.engine("c.engine", task="classify", imgsz=names["imgsz"], stride=1,
                             names={str(i): n for i, n in enumerate(names["names"])})
        with open(CLASSIFY, "rb") as f:
            model = self.write("c.onnx", f.read())
        self.assertIn("yolk build", self.yolk("check", engine, expect=1).stdout.decode())
        self.yolk("build", engine, "--from", model)
        rescued, direct = self.predict(self.path("c.yolk"), picture)[0], self.predict(CLASSIFY, picture)[0]
        self.assertEqual(rescued["results"], direct["results"])
        self.assertTrue(rescued["results"])


class Classify(Case):
    def test_build_check_predict(self):
        engine = self.path("c.yolk")
        self.yolk("build", CLASSIFY, "-o", engine)
        first = open(engine, "rb").read()
        self.yolk("build", CLASSIFY, "-o", engine)
        self.assertEqual(first, open(engine, "rb").read(), "builds are reproducible")
        report = json.loads(self.yolk("check", engine, "--json").stdout)
        self.assertEqual((report["kind"], report["verdict"]), ("yolk-engine", "valid"))
        answer, = self.predict(engine, self.write("a.png", png()), "--probs")
        self.assertEqual(answer["task"], "classify")
        self.assertLessEqual(len(answer["results"]), 5)
        self.assertAlmostEqual(sum(answer["probs"]), 1, places=4)
        self.assertEqual(set(answer), {"source", "frame", "width", "height", "task", "results", "probs", "speed_ms"})

    def test_cut_engine(self):
        engine = self.path("c.yolk")
        self.yolk("build", CLASSIFY, "-o", engine)
        data = open(engine, "rb").read()
        cut = self.write("cut.yolk", data[:-100])
        report = json.loads(self.yolk("check", cut, "--json", expect=1).stdout)
        self.assertEqual(report["verdict"], "invalid")
        self.assertIn("truncated", [f["code"] for f in report["findings"]])
        self.assertIn(b"cut.yolk", self.yolk("predict", cut, self.write("a.png", png()), expect=3).stderr)

    def test_unwritable(self):
        self.write("file", b"")
        self.yolk("build", CLASSIFY, "-o", self.path("file", "x.yolk"), expect=3)
        self.yolk("predict", CLASSIFY, self.write("a.png", png()), "--txt", self.path("file"), expect=3)


@unittest.skipUnless(DETECT, "skipped: no detector here")
class Detect(Case):
    def setUp(self):
        super().setUp()
        self.engine = self.path("d.yolk")
        self.yolk("build", DETECT, "-o", self.engine, "--quiet")

    def test_folder_order_and_sources(self):
        for name in ("b.png", "a.png", "B.PNG", "c.txt", "sub/z.png"):
            self.write("in/" + name, png())
        answers = self.predict(self.engine, self.path("in"))
        self.assertEqual([a["source"] for a in answers], [self.path("in") + "/" + n for n in ("B.PNG", "a.png", "b.png")])
        answers = self.predict(self.engine, self.path("in") + "/*.png")
        self.assertEqual([a["source"] for a in answers], [self.path("in") + "/" + n for n in ("a.png", "b.png")])
        self.predict(self.engine, self.path("in", "sub", "*.jpg"), expect=3)

    def test_stdin(self):
        answer, = self.predict(self.engine, "-", stdin=png())
        self.assertEqual((answer["source"], answer["width"], answer["height"]), ("-", 40, 30))

    def test_bad_picture_among_good(self):
        good, bad = self.write("g.png", png()), self.write("b.png", png()[:-5])
        answers = self.predict(self.engine, good, bad, self.path("missing.png"), good, expect=3)
        self.assertEqual(["error" in a for a in answers], [False, True, True, False])
        self.assertEqual([a["error"]["code"] for a in answers if "error" in a], ["image", "not-found"])

    def test_throughput_changes_nothing(self):
        files = [self.write(f"t/{i:02}.png", png(40 + 8 * (i % 3), 30)) for i in range(23)]
        self.write("t/05.png", b"no picture")
        common = [self.path("t"), "--conf", "0.001", "--imgsz", "96"]
        bare = lambda answers: [{k: v for k, v in a.items() if k != "speed_ms"} for a in answers]
        one = bare(self.predict(self.engine, *common, expect=3))
        self.assertEqual([a["source"] for a in one], files)
        for options in (["--threads", "3"], ["--threads", "1"], ["--threads", "40"], [], ["--threads", "2", "--batch", "2"]):
            self.assertEqual(bare(self.predict(self.engine, *common, "--throughput", *options, expect=3)), one, msg=options)
        self.assertIn(b"class 99", self.yolk("predict", self.engine, *common, "--throughput", "--threads", "4", "--classes", "99", expect=2).stderr)

    def test_batch_changes_nothing(self):
        files = [self.write(f"{i}.png", png(40 + 8 * (i % 3), 30)) for i in range(7)]
        for options in ([], ["--rect"], ["--no-rect"]):
            one = self.predict(self.engine, *files, *options, "--conf", "0.001", "--imgsz", "128")
            many = self.predict(self.engine, *files, *options, "--conf", "0.001", "--imgsz", "128", "--batch", "4")
            for a, b in zip(one, many):
                a.pop("speed_ms"), b.pop("speed_ms")
            self.assertEqual(one, many)

    def test_strange_names(self):
        for name in ("with space.png", "new\nline.png", "quo\"te.png", b"\xff\xfe.png"):
            path = self.write(name, png())
            answer, = self.predict(self.engine, path)
            if isinstance(name, str):
                self.assertEqual(answer["source"], path)

    def test_outputs(self):
        a = self.write("one/x.png", png(64, 64))
        b = self.write("two/x.png", png(64, 64))
        out = self.path("out")
        self.yolk("predict", self.engine, a, b, "--conf", "0", "--max-det", "3", "--imgsz", "64", "--txt", out + "/t", "--save",
                  out + "/s", "--crop", out + "/c", "--json", out + "/j.jsonl", "--quiet")
        self.assertEqual(sorted(os.listdir(out + "/t")), ["x-2.txt", "x.txt"])
        self.assertEqual(sorted(os.listdir(out + "/s")), ["x-2.png", "x.png"])
        self.assertEqual(len(open(out + "/j.jsonl").read().splitlines()), 2)
        for line in open(out + "/t/x.txt"):
            self.assertEqual(len(line.split()), 5)
        self.assertEqual(sum(len(files) for _, _, files in os.walk(out + "/c")), 6)

    def test_classes_and_thresholds(self):
        path = self.write("a.png", png(64, 64))
        everything, = self.predict(self.engine, path, "--conf", "0", "--imgsz", "64", "--iou", "1", "--max-det", "30000")
        self.assertGreater(len(everything["results"]), 10)
        scores = [r["confidence"] for r in everything["results"]]
        self.assertEqual(scores, sorted(scores, reverse=True))
        only, = self.predict(self.engine, path, "--conf", "0", "--imgsz", "64", "--classes", "0,2")
        self.assertLessEqual({r["class"] for r in only["results"]}, {0, 2})
        self.yolk("predict", self.engine, path, "--classes", "9999", expect=2)

    def test_closed_pipe(self):
        command = f"'{YOLK}' predict '{self.engine}' '{self.write('a.png', png())}' --json - | head -c 0"
        done = subprocess.run(["bash", "-c", command], capture_output=True, timeout=60, check=False)
        self.assertNotIn(b"Broken pipe", done.stderr)

    def test_bench(self):
        report = json.loads(self.yolk("bench", self.engine, "--imgsz", "64", "--seconds", "0.1", "--json").stdout)
        self.assertEqual(set(report), {"model", "device", "isa", "precision", "threads", "batch", "shape", "input", "head",
                                       "stages", "images_per_s"})
        self.assertEqual(list(report["stages"]), ["decode", "preprocess", "inference", "postprocess", "total"])
        for stage in report["stages"].values():
            self.assertLessEqual(stage["min_ms"], stage["p50_ms"])
            self.assertLessEqual(stage["p50_ms"], stage["p99_ms"])
        report = json.loads(self.yolk("bench", self.engine, "--imgsz", "64", "--seconds", "0.5", "--json", "--throughput", "--threads", "3",
                                      "--every", "0.1").stdout)
        self.assertEqual((report["mode"], report["threads"], report["shape"]), ("throughput", 3, [1, 3, 64, 64]))
        self.assertGreater(report["images_per_s"], 1e3 / report["stages"]["total"]["p99_ms"])
        self.assertLess(report["images_per_s"], 3e3 / report["stages"]["total"]["min_ms"])
        self.assertTrue(all(0 < i["p50_ms"] <= i["p99_ms"] and i["runs"] > 0 and 0 < i["memory_mb"] <= i["peak_mb"] for i in report["intervals"]))
        self.assertGreaterEqual(len(report["intervals"]), 2)
        layers = json.loads(self.yolk("bench", self.engine, "--imgsz", "64", "--seconds", "0.1", "--json",
                                      "--profile").stdout)["layers"]
        self.assertTrue(any("conv" in layer["kernel"] and layer["flops"] > 0 for layer in layers))
        self.assertTrue(all(layer["min_ms"] > 0 for layer in layers))

    def test_model_file_is_cached(self):
        path = self.write("a.png", png())
        self.predict(DETECT, path, "--imgsz", "64")
        entries = [f for _, _, files in os.walk(self.path("cache")) for f in files]
        self.assertEqual(len([f for f in entries if f.endswith(".yolk")]), 1)
        before, = self.predict(DETECT, path, "--imgsz", "64", "--conf", "0.001")
        after, = self.predict(self.engine, path, "--imgsz", "64", "--conf", "0.001")
        self.assertEqual(before["results"], after["results"])

    def test_bf16(self):
        half = self.path("half.yolk")
        self.yolk("build", DETECT, "--precision", "bf16", "-o", half)
        self.assertLess(os.path.getsize(half), 0.7 * os.path.getsize(self.engine))
        self.assertEqual(json.loads(self.yolk("check", half, "--json").stdout)["verdict"], "valid")
        self.assertIn(b"bf16", self.yolk("inspect", half).stdout)
        self.assertIn("conv_bf16", self.yolk("inspect", half, "--layers", "--imgsz", "64").stdout.decode())
        picture = self.write("a.png", png())
        bench = ["--imgsz", "64", "--seconds", "0.1", "--json"]
        for model in ([half], [DETECT, "--precision", "bf16"]): # the same engine, and what a model file becomes
            self.assertEqual(json.loads(self.yolk("bench", *model, *bench).stdout)["precision"], "bf16")
        size = ["--imgsz", "64", "--conf", "0.001"]
        one, = self.predict(half, picture, *size)
        two, = self.predict(DETECT, picture, *size, "--precision", "bf16")
        self.assertEqual(one["results"], two["results"])
        done = self.yolk("compare", self.engine, DETECT, picture, "--imgsz", "64", "--precision", "bf16", "--summary", expect=None)
        self.assertIn(done.returncode, (0, 1)) # the engine as it is, the model in bf16

    def test_what_an_engine_was_built_with(self):
        picture = self.write("a.png", png())
        for option, value, its_own in (("--precision", "bf16", "precision: fp32"), ("--precision", "bf32", "precision: fp32"),
                                       ("--task", "segment", "task: detect"), ("--layout", "v5", "layout of outputs: v8"),
                                       ("--names", "names.txt", "names: its own"), ("--passes", "none", "passes: those of its build")):
            done = self.yolk("predict", self.engine, picture, option, value, expect=2)
            self.assertIn(f"an engine keeps what it was built with ({its_own}); for '{value}'", done.stderr.decode())
        self.yolk("predict", self.engine, picture, "--end2end", expect=2)
        self.yolk("predict", self.engine, picture, "--precision", "fp32", "--task", "detect", "--imgsz", "64")
        self.yolk("compare", self.engine, self.engine, picture, "--precision", "bf16", "--summary", expect=2)

    def test_precisions_that_are_not_built(self):
        for name, status in (("fp16", 4), ("int8", 4), ("fp31", 2)):
            done = self.yolk("build", DETECT, "--precision", name, "-o", self.path("x.yolk"), expect=status)
            self.assertIn(f"'{name}': use fp32 or bf16", done.stderr.decode())

    def test_inspect(self):
        info = json.loads(self.yolk("inspect", self.engine, "--json").stdout)
        self.assertEqual(info["task"], "detect")
        self.assertIn("YolkHead", self.yolk("inspect", self.engine, "--layers", "--imgsz", "64").stdout.decode())
        self.assertIn("ImageInput", self.yolk("inspect", self.engine, "--graph").stdout.decode())


def npy(shape, values, code="f"):
    """An array as numpy.save writes it."""
    header = repr({"descr": {"f": "<f4", "B": "|u1"}[code], "fortran_order": False, "shape": tuple(shape)}).encode()
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\0" + struct.pack("<H", len(header)) + header + struct.pack(f"<{len(values)}{code}", *values)


def runs(counts):
    """COCO's compressed run lengths as numbers."""
    out, at = [], 0
    while at < len(counts):
        value, shift, more = 0, 0, True
        while more:
            c = ord(counts[at]) - 48
            value |= (c & 31) << shift
            shift += 5
            more = c & 32
            at += 1
            if not more and c & 16:
                value -= 1 << shift
        out.append(value + (out[-2] if len(out) > 2 else 0))
    return out


class Tasks(Case):
    """Forms of the answers; their numbers are the business of tests/model. Confidence 0 makes any picture give detections."""

    def answers(self, model, *options):
        picture = self.write("p.png", png(96, 64))
        return self.predict(model, picture, "--imgsz", "96", "--conf", "0", "--max-det", "3", *options)[0]

    @unittest.skipUnless(POSE, "skipped: no pose model here")
    def test_pose(self):
        answer = self.answers(POSE, "--txt", self.path("t"), "--save", self.path("s"))
        self.assertEqual(answer["task"], "pose")
        for result in answer["results"]:
            self.assertEqual(list(result), ["name", "class", "confidence", "box", "keypoints"])
            self.assertEqual({k: len(v) for k, v in result["keypoints"].items()}, {"x": 17, "y": 17, "visible": 17})
            self.assertTrue(all(0 <= x <= 96 for x in result["keypoints"]["x"]))
        lines = open(self.path("t", "p.txt")).read().splitlines()
        self.assertEqual([len(line.split()) for line in lines], [5 + 3 * 17] * 3)
        self.assertEqual(os.listdir(self.path("s")), ["p.png"])

    @unittest.skipUnless(SEGMENT, "skipped: no segment model here")
    def test_segment(self):
        for options, size in (([], [64, 96]), (["--no-rect"], [96, 96]), (["--retina-masks"], [64, 96])):
            answer = self.answers(SEGMENT, *options, "--txt", self.path("t"), "--save", self.path("s"))
            self.assertGreater(len(answer["results"]), 0)
            for result in answer["results"]:
                self.assertEqual(list(result), ["name", "class", "confidence", "box", "segments", "mask"])
                self.assertEqual(result["mask"]["size"], size)
                counted = runs(result["mask"]["counts"])
                self.assertEqual(sum(counted), size[0] * size[1])
                self.assertGreater(sum(counted[1::2]), 0)
                self.assertEqual(len(result["segments"]["x"]), len(result["segments"]["y"]))

    @unittest.skipUnless(OBB, "skipped: no model of oriented boxes here")
    def test_obb(self):
        answer = self.answers(OBB, "--txt", self.path("t"), "--save", self.path("s"))
        for result in answer["results"]:
            self.assertEqual(list(result), ["name", "class", "confidence", "box", "xywhr"])
            self.assertEqual(list(result["box"]), ["x1", "y1", "x2", "y2", "x3", "y3", "x4", "y4"])
            for k, axis in enumerate("xy"):
                middle = sum(result["box"][axis + str(i)] for i in range(1, 5)) / 4
                self.assertAlmostEqual(middle, result["xywhr"][k], delta=0.01)
        lines = open(self.path("t", "p.txt")).read().splitlines()
        self.assertEqual([len(line.split()) for line in lines], [9] * len(answer["results"]))


@unittest.skipUnless(DETECT, "skipped: no detector here")
class Checkpoints(Case):
    """Tiny checkpoints of our own (tools/make_pt_seeds.py)."""
    SEEDS = os.path.join(SOURCE, "fuzz/seeds/fuzz_pt")

    def engine_of(self, name, *options):
        self.yolk("build", os.path.join(self.SEEDS, name + ".pt"), "-o", self.path(name + ".yolk"), *options)
        return self.path(name + ".yolk")

    def test_every_engine_has_a_self_test(self):
        for name in ["v8", "activations", "blocks", "segment", "pose", "obb", "classify", "v5", "v26-one-head", "v26", "segment26", "pose26", "obb26"]:
            options = ["--end2end"] if name.endswith("26") else []
            report = json.loads(self.yolk("check", self.engine_of(name, *options), "--json").stdout)
            self.assertEqual((report["verdict"], report["facts"]["selftest"]), ("valid", True), msg=name)

    def test_label_lines_with_confidence(self):
        picture = self.write("p.png", png(96, 64))
        for task, numbers in {"v8": 4, "pose": 4 + 6, "obb": 8}.items():
            answer = self.predict(self.engine_of(task), picture, "--conf", "0", "--max-det", "3", "--txt", self.path(task), "--save-conf")[0]
            lines = [line.split() for line in open(self.path(task, "p.txt")).read().splitlines()]
            self.assertEqual([(int(l[0]), l[-1], len(l)) for l in lines],
                             [(r["class"], "%g" % r["confidence"], 1 + numbers + 1) for r in answer["results"]], msg=task)

    def test_batches_of_unlike_sizes(self):
        pictures = [self.write(f"{w}x{h}.png", png(w, h)) for w, h in ((96, 64), (40, 30), (64, 96), (96, 64), (33, 70), (64, 64))]
        for name in ("v8", "segment", "v5", "classify"):
            engine = self.engine_of(name)
            for rect in ((), ("--rect",), ("--no-rect",)):
                answers = [[{k: v for k, v in line.items() if k != "speed_ms"} for line in self.predict(engine, *pictures, "--conf", "0", "--max-det", "5",
                                                                                                  "--imgsz", "96", "--batch", batch, *rect)]
                           for batch in ("1", "2", "4", "6")]
                self.assertTrue(all(a == answers[0] for a in answers), msg=(name, rect))

    def test_refused(self):
        for name, words in {"rtdetr": b"RT-DETR", "yolov7": b"YOLOv7", "state-dict": b"state dict", "evil": b"builtins.exec", "v5-segment": b"YOLOv5",
                            "unknown-block": b"Mystery"}.items():
            self.assertIn(words, self.yolk("build", os.path.join(self.SEEDS, name + ".pt"), "-o", self.path("x.yolk"), expect=4).stderr)
        self.assertIn(b"no one-to-one head", self.yolk("predict", os.path.join(self.SEEDS, "v8.pt"), "x.jpg", "--end2end", expect=2).stderr)


class Compare(Case):
    def compare(self, *args, expect=0):
        return json.loads(self.yolk("compare", *args, "--json", expect=expect).stdout)

    def setUp(self):
        super().setUp()
        self.picture = self.write("in/p.png", png(96, 64))
        self.size = ["--imgsz", "96", "--no-rect", "--conf", "0.001"]

    def test_backends(self):
        answer = self.compare(DETECT, DETECT, self.picture, *self.size)
        self.assertEqual((answer["a"]["device"], answer["b"]["device"]), ("cpu", "ref"))
        self.assertEqual((answer["equal"], answer["first"]), (True, None))
        self.assertEqual([s["stage"] for s in answer["stages"]],
                         ["pixels", "input", "layers", "head", "candidates", "nms", "final"])
        self.assertTrue(all(s["compared"] and s["equal"] for s in answer["stages"]))
        self.assertGreater(answer["stages"][2]["n"], 10)
        text = self.yolk("compare", DETECT, DETECT, self.picture, *self.size, "--device-b", "cpu").stdout.decode()
        self.assertIn("Equal within rounding", text)

    def test_summary(self):
        self.write("in/q.png", png(80, 80))
        answer = self.compare(DETECT, DETECT, self.path("in"), *self.size, "--summary")
        self.assertEqual([answer[k] for k in ("pictures", "lost", "added", "renamed", "equal")], [2, 0, 0, 0, True])
        self.assertEqual(answer["detections_a"], answer["matched"] + answer["borderline"])
        self.compare(DETECT, DETECT, self.path("in"), *self.size, "--summary", "--tolerance", "0", expect=1)

    def test_arrays(self):
        letterboxed = [114] * (96 * 96 * 3)
        arrays = self.write("arrays/input.npy", npy([96, 96, 3], letterboxed, "B"))
        answer = self.compare(DETECT, os.path.dirname(arrays), self.picture, "--conf", "0.001", expect=1)
        self.assertEqual((answer["equal"], answer["first"]), (False, "input"))
        self.assertIn("input at [", answer["stages"][1]["message"])
        plain = self.write("plain/detections.npy", npy([0, 6], []))
        self.compare(DETECT, os.path.dirname(plain), self.picture, "--conf", "0.9999")

    def test_bad_arrays(self):
        self.write("nothing/readme.txt", b"no arrays")
        self.write("other/strange.npy", npy([1], [0.0]))
        self.write("broken.npz", b"PK\x05\x06 cut")
        for name in ("nothing", "other", "broken.npz", "missing.npz"):
            self.yolk("compare", DETECT, self.path(name), self.picture, expect=3)
        self.yolk("compare", self.path("other"), DETECT, self.picture, expect=2)
        self.yolk("compare", DETECT, self.path("other"), self.picture, "--summary", expect=2)
        self.yolk("compare", DETECT, DETECT, expect=2)
        self.yolk("compare", DETECT, DETECT, self.picture, self.picture, expect=2)

    @unittest.skipUnless(CLASSIFY, "skipped: no classifier here")
    def test_other_task(self):
        self.yolk("compare", DETECT, CLASSIFY, self.picture, expect=2)
        self.assertTrue(self.compare(CLASSIFY, CLASSIFY, self.picture)["equal"])


class Examples(Case):
    def read(self, *files, stdin=b""):
        script = os.path.join(SOURCE, "examples/read_numbers.py")
        done = subprocess.run([sys.executable, script, *files], input=stdin, capture_output=True, timeout=60, check=True)
        return done.stdout.decode()

    @staticmethod
    def row(text, x, y, height, lean=0.0, gap=0.3):
        """Digits of a row that leans, each 0.6 as wide as high."""
        step = height * (0.6 + gap)
        return [{"name": c, "box": {"x1": x + i * step, "y1": y + i * step * lean, "x2": x + i * step + 0.6 * height,
                                    "y2": y + i * step * lean + height}} for i, c in enumerate(text)]

    def test_read_numbers(self):
        cents = [dict(r, box=dict(r["box"])) for r in self.row("52", 220, 195, 24)]
        results = self.row("8744938", 20, 30, 40, lean=0.25) + self.row("145", 100, 200, 40) + cents + self.row("7", 300, 400, 30)
        results += self.row("61", 330 + 60, 400, 30)  # too far to the right of the 7 to be one number with it
        lines = json.dumps({"source": "a.jpg", "results": results[::-1]}) + "\n" + json.dumps({"source": "b.jpg", "results": []}) + \
            "\n" + json.dumps({"source": "c.jpg", "error": {"code": "image", "message": "cut"}}) + "\n"
        self.assertEqual(self.read(stdin=lines.encode()), "a.jpg: 8744938  14552  7  61\nb.jpg: (no digits)\nc.jpg: cut\n")

    @unittest.skipUnless(os.path.isfile(os.path.join(SOURCE, "models/yolk-digits.onnx")), "skipped: models/yolk-digits.onnx is not here")
    def test_pictures_are_read(self):
        """The alarm that a worse yolk-digits would set off; how good it is, docs/models says."""
        folder = os.path.join(SOURCE, "examples/pictures")
        with open(os.path.join(folder, "truth.json"), encoding="utf-8") as f:
            truth = json.load(f)
        answers = self.predict(os.path.join(SOURCE, "models/yolk-digits.onnx"), folder)
        self.assertEqual(len(answers), len(truth))
        found = named = listed = 0
        for answer in answers:
            there = [c for text in truth[os.path.basename(answer["source"])] for c in text if c.isdigit()]
            named += len(answer["results"])
            listed += len(there)
            for result in answer["results"]:
                if result["name"] in there:
                    there.remove(result["name"])
                    found += 1
        self.assertGreaterEqual(found, 0.9 * listed)
        self.assertGreaterEqual(found, 0.9 * named)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]], verbosity=1)
