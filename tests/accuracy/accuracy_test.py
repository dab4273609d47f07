#!/usr/bin/env python3
"""Tests examples/accuracy: what it prints for small cases, that its bytes are those of real streams, and how it fails.

Usage: accuracy_test.py ACCURACY AECNN CLASS      needs nothing but Python's standard library; tests/cli on PYTHONPATH
"""
import base64
import json
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest
import zipfile
from pathlib import Path

import onnx_file

PROGRAM = CLI = ""
CODES = {"f": "<f4", "B": "|u1", "I": "<u4", "q": "<i8"}
FIELDS = ["case", "data", "backbone", "split", "method", "operating_point", "images", "bytes", "bytes_bare", "ratio", "top1",
          "top1_reference", "lost", "encode_us", "decode_us", "head_us", "tail_us"]
COUNT, SHAPE = 12, (3, 8, 8)
SIZE = 3 * 8 * 8


def npy(code, shape, values):
    """The bytes of an .npy file; `code` is the struct module's letter of the element type."""
    header = f"{{'descr': '{CODES[code]}', 'fortran_order': False, 'shape': {tuple(shape)}, }}".encode()
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    data = struct.pack(f"<{len(values)}{code}", *values)
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + data


def npz(path, compression=zipfile.ZIP_STORED, **arrays):
    """Writes an .npz file of arrays (code, shape, values)."""
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, array in arrays.items():
            archive.writestr(name + ".npy", npy(*array))


def safetensors(path, tensors):
    """Writes float32 tensors: {name: (shape, values)}."""
    header, data = {}, b""
    for name, (shape, values) in tensors.items():
        raw = struct.pack(f"<{len(values)}f", *values)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    Path(path).write_bytes(struct.pack("<Q", len(text)) + text + data)


# JPEG files of 8x8 pixels of one colour: (200,30,40), (20,190,60), (10,40,220). They begin with the same bytes.
JPEG_START = ("/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABALDA4MChAODQ4SERATGCgaGBYWGDEjJR0oOjM9PDkzODdASFxOQERXRTc4UG1RV19iZ2hn"
              "Pk1xeXBkeFxlZ2P/2wBDARESEhgVGC8aGi9jQjhCY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2Nj"
              "Y2P/wAARCAAIAAgDASIAAhEBAxEB/8QAFQABAQAAAAAAAAAAAAAAAAAA")
JPEG_ENDS = ["AAX/xAAUEAEAAAAAAAAAAAAAAAAAAAAA/8QAFQEBAQAAAAAAAAAAAAAAAAAABAb/xAAUEQEAAAAAAAAAAAAAAAAAAAAA/9oADAMBAAIR"
             "AxEAPwCQAIqH/9k=",
             "AAL/xAAUEAEAAAAAAAAAAAAAAAAAAAAA/8QAFQEBAQAAAAAAAAAAAAAAAAAABQb/xAAUEQEAAAAAAAAAAAAAAAAAAAAA/9oADAMBAAIR"
             "AxEAPwCQBycf/9k=",
             "AAb/xAAUEAEAAAAAAAAAAAAAAAAAAAAA/8QAFQEBAQAAAAAAAAAAAAAAAAAABAb/xAAUEQEAAAAAAAAAAAAAAAAAAAAA/9oADAMBAAIR"
             "AxEAPwCZAVoL/9k="]
JPEGS = [base64.b64decode(JPEG_START + end) for end in JPEG_ENDS]


class AccuracyTest(unittest.TestCase):
    """A folder with a case of tensors, `cases/tensors.json`, a case of images, `cases/images.json`, and its data."""

    @classmethod
    def setUpClass(cls):
        cls.folder = Path(tempfile.mkdtemp(prefix="accuracy_test"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.cases, cls.data = cls.folder / "cases", cls.folder / "data"
        cls.cases.mkdir()
        cls.data.mkdir()
        # The channel with the largest mean is the class.
        random.seed(5)
        cls.values = [random.gauss(2.0 if c == i % 3 else 0.0, 1.0) for i in range(COUNT) for c in range(3)
                      for _ in range(64)]
        (cls.cases / "x.npy").write_bytes(npy("f", (COUNT, *SHAPE), cls.values))
        (cls.cases / "labels.npy").write_bytes(npy("q", (COUNT,), [i % 3 for i in range(COUNT)]))
        model = onnx_file.model
        (cls.cases / "tail.onnx").write_bytes(model(
            [onnx_file.node("GlobalAveragePool", ["x"], ["m"]), onnx_file.node("Flatten", ["m"], ["y"])],
            {"x": (1, *SHAPE)}, {"y": (1, 3)}))
        (cls.cases / "wrong_tail.onnx").write_bytes(model(  # finds the channel with the smallest mean
            [onnx_file.node("GlobalAveragePool", ["x"], ["m"]), onnx_file.node("Flatten", ["m"], ["f"]),
             onnx_file.node("Neg", ["f"], ["y"])], {"x": (1, *SHAPE)}, {"y": (1, 3)}))
        (cls.cases / "head.onnx").write_bytes(model(
            [onnx_file.node("Conv", ["x", "w"], ["y"])], {"x": (1, *SHAPE)}, {"y": (1, *SHAPE)},
            {"w": ((3, 3, 1, 1), [1, 0, 0, 0, 1, 0, 0, 0, 1])}))
        subprocess.run([CLI, "calibrate", "x.npy", "--ratio", "8,16", "-o", "p.aecnn"], cwd=cls.cases, check=True,
                       stdout=subprocess.PIPE)
        cls.tensors = {"data": "noise", "backbone": "none", "split": "input", "features": "x.npy",
                       "labels": "labels.npy", "reference_tail": "tail.onnx",
                       "methods": [{"method": "aecnn", "profile": "p.aecnn", "tail": "tail.onnx"}]}
        cls.images = {"data": "colours", "backbone": "none", "split": "input", "images": "colours.npz",
                      "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.25, 0.5], "head": {"onnx": "head.onnx"},
                      "reference_tail": "tail.onnx", "methods": []}
        cls.jpegs = {"jpeg": ("B", (sum(map(len, JPEGS)),), b"".join(JPEGS)),
                     "offsets": ("I", (4,), [sum(map(len, JPEGS[:i])) for i in range(4)]),
                     "labels": ("B", (3,), [0, 1, 2])}
        npz(cls.data / "colours.npz", **cls.jpegs)

    def setUp(self):
        for file in self.cases.glob("*.json"):
            file.unlink()

    def write(self, name, description, **changes):
        """Writes a case; a change to None leaves the key out."""
        content = {k: v for k, v in {**description, **changes}.items() if v is not None}
        (self.cases / f"{name}.json").write_text(json.dumps(content))

    def run_program(self, *arguments):
        r = subprocess.run([PROGRAM, *map(os.fspath, arguments)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, timeout=60)
        return r.returncode, r.stdout.decode(), r.stderr.decode(errors="replace")

    def objects(self, *arguments):
        """The objects that the program prints, one a line."""
        status, out, errors = self.run_program(self.cases, *arguments)
        self.assertEqual((status, errors), (0, ""), arguments)
        found = [json.loads(line) for line in out.splitlines()]
        for o in found:
            self.assertEqual(list(o), FIELDS)
        return found

    def fail_with(self, needles, *arguments):
        """Exit status 1, one line on stderr with all the needles, nothing on stdout."""
        status, out, errors = self.run_program(self.cases, *arguments)
        self.assertEqual((status, out), (1, ""), errors)
        self.assertRegex(errors, r"\Aaccuracy: [^\n]*\n\Z")
        for needle in needles:
            self.assertIn(needle, errors)


class Tensors(AccuracyTest):
    def test_fields_and_bytes(self):
        self.write("tensors", self.tensors)
        reference, *coded = self.objects()
        names = {"data": "noise", "backbone": "none", "split": "input"}
        self.assertEqual(reference, {**reference, **names, "method": "uncompressed", "operating_point": None,
                                     "images": COUNT, "bytes": 4 * SIZE, "bytes_bare": 4 * SIZE, "ratio": 1,
                                     "top1": 100, "top1_reference": 100, "lost": 0, "encode_us": None,
                                     "decode_us": None, "head_us": None})
        self.assertEqual([o["operating_point"] for o in coded], ["8x", "16x"])
        for point, o in enumerate(coded):
            encoded = json.loads(subprocess.run(
                [CLI, "encode", "--profile", "p.aecnn", "--op", str(point), "x.npy", "-o", str(self.folder / "s"),
                 "--json"], cwd=self.cases, check=True, stdout=subprocess.PIPE).stdout)
            self.assertAlmostEqual(o["bytes"], encoded["mean_bytes"], delta=0.001)
            self.assertAlmostEqual(o["bytes_bare"], o["bytes"] - 4, delta=0.001)
            self.assertAlmostEqual(o["ratio"], 4 * SIZE / o["bytes"], delta=0.01)
            self.assertEqual(o, {**o, **names, "method": "aecnn", "images": COUNT, "top1": 100, "top1_reference": 100,
                                 "lost": 0, "head_us": None})
            for time in ("encode_us", "decode_us", "tail_us"):
                self.assertGreater(o[time], 0)

    def test_tail_of_a_point(self):
        own = [{"name": "16x", "tail": "wrong_tail.onnx"}]
        self.write("tensors", self.tensors, methods=[{**self.tensors["methods"][0], "points": own}])
        self.assertEqual([o["top1"] for o in self.objects()], [100, 100, 0])
        self.assertEqual([o["lost"] for o in self.objects()], [0, 0, 100])

    def test_mode_of_a_point(self):
        self.write("tensors", self.tensors)
        usual = self.objects()
        self.write("tensors", self.tensors, methods=[{**self.tensors["methods"][0], "points": [{"name": "16x", "mode": "fast"}]}])
        found = self.objects()
        point = [o["operating_point"] for o in found].index("16x")
        self.assertEqual([o["top1"] for o in found], [o["top1"] for o in usual])
        for i, (a, b) in enumerate(zip(found, usual)):
            self.assertEqual(a["bytes"] == b["bytes"], i != point)
        encoded = json.loads(subprocess.run(
            [CLI, "encode", "--profile", "p.aecnn", "--op", "16x", "--mode", "fast", "x.npy", "-o", str(self.folder / "s"),
             "--json"], cwd=self.cases, check=True, stdout=subprocess.PIPE).stdout)
        self.assertAlmostEqual(found[point]["bytes"], encoded["mean_bytes"], delta=0.001)

    def test_without_reference(self):
        self.write("tensors", self.tensors, reference_tail=None)
        found = self.objects()
        self.assertEqual([(o["method"], o["top1_reference"], o["lost"]) for o in found], [("aecnn", None, None)] * 2)

    def test_threads_and_limit(self):
        self.write("tensors", self.tensors)
        counted = [[{k: v for k, v in o.items() if not k.endswith("_us")} for o in self.objects("--threads", t)]
                   for t in ("1", "2", "5", "50")]
        self.assertEqual(counted, counted[:1] * 4)
        self.assertEqual([o["images"] for o in self.objects("--limit", "5")], [5] * 3)

    def test_errors(self):
        method = self.tensors["methods"][0]
        self.write("other", {**self.tensors, "std": [1, 1, 1]})
        self.fail_with(["other.json", "unknown key 'std'"])
        self.setUp()
        self.fail_with([str(self.cases), "expected *.json"])
        for changes, needles in (
                ({"split": None}, ["split", "is missing"]),
                ({"split": 3}, ["split", "found an integer, expected a string"]),
                ({"reference_tail": "none.onnx"}, ["none.onnx"]),
                ({"reference_tail": "labels.npy"}, ["labels.npy"]),
                ({"reference_tail": "head.onnx"}, ["head.onnx", "output of shape", "scores of the classes"]),
                ({"features": "labels.npy"}, ["labels.npy", "expected feature tensors"]),
                ({"labels": "x.npy"}, ["x.npy", "expected a vector of integers"]),
                ({"methods": [{**method, "profile": "tail.onnx"}]}, ["tail.onnx"]),
                ({"methods": [{**method, "points": [{"name": "9x", "tail": "tail.onnx"}]}]},
                 ["p.aecnn", "no operating point '9x'"]),
                ({"methods": [{**method, "points": [{"name": "16x", "mode": "slow"}]}]},
                 ["tensors.json", "mode", "'slow', expected default, fast or max"]),
                ({"methods": [], "reference_tail": None}, ["tensors.json", "expected at least one"])):
            self.write("tensors", self.tensors, **changes)
            self.fail_with(needles)
        (self.cases / "odd.npy").write_bytes(npy("q", (COUNT,), [3] * COUNT))
        self.write("tensors", self.tensors, labels="odd.npy")
        self.fail_with(["tensors.json", "label 3 of image 0", "expected 0 to 2", "tail.onnx"])
        (self.cases / "odd.npy").write_bytes(npy("q", (2,), [0, 1]))
        self.fail_with(["odd.npy", "2 labels", "12 tensors"])
        (self.cases / "odd.npy").write_bytes(npy("f", (1, 3, 4, 4), [0.0] * 48))
        (self.cases / "one.npy").write_bytes(npy("B", (1,), [0]))
        self.write("tensors", self.tensors, features="odd.npy", labels="one.npy", reference_tail=None)
        self.fail_with(["p.aecnn", "tensors of 3x8x8, expected 3x4x4"])
        self.fail_with(["--threads"], "--threads", "0")


class Shipped(AccuracyTest):
    """The cases of examples/accuracy/cases that need no other files."""

    def test_demo(self):
        cases = Path(__file__).resolve().parents[2] / "examples" / "accuracy" / "cases"
        done = subprocess.run([PROGRAM, str(cases), "--case", "cifar10_resnet20_demo"], check=True, stdout=subprocess.PIPE)
        reference, *coded = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual(reference["images"], 64)
        self.assertEqual([o["operating_point"] for o in coded], ["64x", "256x", "512x", "1024x"])
        for o in coded:
            # 64 images are few: three of them, and sizes around those of all.
            self.assertLess(o["lost"], 3 / 64 * 100 + (8 if o["operating_point"] == "1024x" else 4))
            asked = int(o["operating_point"][:-1])
            self.assertLess(abs(o["ratio"] / asked - 1), 0.1, o)


class Images(AccuracyTest):
    def test_jpeg(self):
        self.write("images", self.images, methods=self.tensors["methods"])
        found = self.objects(self.data)
        self.assertEqual([(o["images"], o["top1_reference"]) for o in found], [(3, 100)] * 3)
        self.assertGreater(found[0]["head_us"], 0)
        npz(self.data / "colours.npz", zipfile.ZIP_DEFLATED, **{**self.jpegs, "labels": ("B", (3,), [0, 2, 2])})
        self.addCleanup(npz, self.data / "colours.npz", **self.jpegs)
        self.assertAlmostEqual(self.objects(self.data)[0]["top1"], 200 / 3, delta=0.001)

    def test_normalisation(self):
        # (255, 0, 51): the largest of x, and of (x / 255 - mean) / std.
        npz(self.data / "pixels.npz", images=("B", (1, 8, 8, 3), [255, 0, 51] * 64), labels=("B", (1,), [2]))
        for mean, std, top1 in (([0, 0, 0], [1, 1, 1], 0), ([0.9, 0, 0], [1, 1, 1], 100),
                                ([0, 0, 0], [1, 1, 0.19], 100), ([0, 0, 0], [1, 1, 0.21], 0)):
            self.write("images", self.images, images="pixels.npz", mean=mean, std=std)
            self.assertEqual(self.objects(self.data)[0]["top1"], top1, (mean, std))

    def test_built_head(self):
        # One corner of a kernel and identities: pixel (2,4) of 8x8 arrives at (1,2) of 4x4, since stride 2 pads below
        # and to the right alone.
        corner, middle = [1] + [0] * 8, [0] * 4 + [1] + [0] * 4
        safetensors(self.data / "net.safetensors",
                    {"features.0.weight": ([1, 3, 3, 3], corner * 3), "features.0.bias": ([1], [0]),
                     "features.1.depthwise.weight": ([1, 1, 3, 3], middle), "features.1.depthwise.bias": ([1], [0]),
                     "features.1.project.weight": ([1, 1, 1, 1], [1]), "features.1.project.bias": ([1], [0])})
        pixels = [255 if i // 3 == 2 * 8 + 4 else 0 for i in range(SIZE)]
        npz(self.data / "pixels.npz", images=("B", (1, 8, 8, 3), pixels), labels=("B", (1,), [6]))
        (self.cases / "flat.onnx").write_bytes(onnx_file.model([onnx_file.node("Flatten", ["x"], ["y"])],
                                                               {"x": (1, 1, 4, 4)}, {"y": (1, 16)}))
        head = {"safetensors": "net.safetensors", "build": "mobilenet_v2_keras", "layer": "features.1"}
        for layer in ("features.0", "features.1"):
            self.write("images", self.images, images="pixels.npz", mean=[0, 0, 0], std=[1, 1, 1],
                       head={**head, "layer": layer}, reference_tail="flat.onnx")
            self.assertEqual([(o["bytes"], o["top1"]) for o in self.objects(self.data)], [(64, 100)])
        for change, needles in (({"layer": "features.19"}, ["net.safetensors", "features.19", "features.18"]),
                                ({"layer": "layer2"}, ["net.safetensors", "layer2", "features.18"]),
                                ({"layer": "features.2"}, ["net.safetensors", "features.2.depthwise.weight"]),
                                ({"build": "vgg"}, ["images.json", "head.build", "mobilenet_v2_keras"])):
            self.write("images", self.images, images="pixels.npz", head={**head, **change})
            self.fail_with(needles, self.data)

    def test_left_out(self):
        self.write("images", self.images)
        self.write("tensors", self.tensors)
        for data in ([], [self.cases]):
            status, out, errors = self.run_program(self.cases, *data)
            self.assertEqual((status, len(out.splitlines())), (0, 3))
            self.assertRegex(errors, r"\Aaccuracy: images is left out: [^\n]*colours.npz[^\n]*\n\Z")
            self.fail_with(["images.json", "colours.npz"], *data, "--case", "images")
        self.assertEqual(len(self.objects("--case", "tensors")), 3)
        self.fail_with(["expected x.json"], "--case", "x")
        self.fail_with(["nowhere"], "nowhere")

    def test_errors(self):
        self.write("images", self.images)
        broken = self.data / "broken.npz"
        pixels = ("B", (1, 8, 8, 3), [0] * SIZE)
        for arrays, needles in (
                ({"jpeg": self.jpegs["jpeg"]}, ["no array 'labels'"]),
                ({"labels": self.jpegs["labels"]}, ["no array 'images'"]),
                ({**self.jpegs, "labels": ("B", (2,), [0, 1])}, ["'offsets' of 4 elements", "2 labels"]),
                ({**self.jpegs, "labels": ("B", (3,), [0, 1, 3])}, ["label 3 of image 2"]),
                ({**self.jpegs, "offsets": ("I", (4,), [0, 287, 100, 861])}, ["'offsets', element 1"]),
                ({**self.jpegs, "offsets": ("I", (4,), [0, 287, 574, 862])}, ["'offsets', element 2"]),
                ({**self.jpegs, "offsets": ("I", (4,), [0, 287, 570, 861])}, ["image 1", "not a valid JPEG image"]),
                ({**self.jpegs, "offsets": ("I", (4,), [0, 0, 574, 861])}, ["image 0", "not a valid JPEG image"]),
                ({"images": ("B", (1, 8, 24), [0] * SIZE), "labels": ("B", (1,), [0])}, ["uint8 [N,H,W,3]"]),
                ({"images": pixels, "labels": ("f", (1,), [0])}, ["'labels' of type f4, expected integers"]),
                ({"images": ("B", (1, 4, 4, 3), [0] * 48), "labels": ("B", (1,), [0])}, ["head.onnx", "declares"]),
                ({"images": ("B", (0, 8, 8, 3), []), "labels": ("B", (0,), [])}, ["no images"])):
            npz(broken, **arrays)
            self.write("images", self.images, images="broken.npz")
            self.fail_with(needles, self.data)
        broken.write_bytes(b"PK")
        self.fail_with(["broken.npz", ".npz file"], self.data)
        for changes, needles in (({"std": [1, 0, 1]}, ["std[1]", "above 0"]),
                                 ({"mean": [0, 0]}, ["mean", "expected 3"]),
                                 ({"head": {"onnx": "tail.onnx"}}, ["tail.onnx", "declares"]),
                                 ({"head": {"onnx": "none.onnx"}}, ["none.onnx"]),
                                 ({"head": {"safetensors": "none"}}, ["head.build", "is missing"])):
            self.write("images", self.images, **changes)
            self.fail_with(needles, self.data)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    PROGRAM, CLI = sys.argv[1:3]
    if not Path(PROGRAM).exists():
        print(f"{PROGRAM} is not built: libjpeg or libzip is missing")
        sys.exit(77)
    unittest.main(argv=sys.argv[:1] + sys.argv[3:])
