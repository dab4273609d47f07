#!/usr/bin/env python3
"""Tests the program aecnn: every command, what it writes and prints, and how it fails.

Usage: program_test.py PROGRAM EXAMPLE_DATA [CLASS]      needs nothing but Python's standard library
"""
import array
import json
import math
import os
import pty
import random
import resource
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import onnx_file

PROGRAM = ""
EXAMPLE_DATA = ""
CODES = {"f": "<f4", "d": "<f8", "e": "<f2", "b": "|i1", "B": "|u1", "i": "<i4", "q": "<i8"}


def npy(path, code, shape, values):
    """Writes an .npy file; `code` is the struct module's letter of the element type."""
    header = f"{{'descr': '{CODES[code]}', 'fortran_order': False, 'shape': {tuple(shape)}, }}".encode()
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    with open(path, "wb") as f:
        f.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header)
        f.write(struct.pack(f"<{len(values)}{code}", *values))


def read_npy(path):
    """Shape and elements, float32 or uint16."""
    data = Path(path).read_bytes()
    (length,) = struct.unpack("<H", data[8:10])
    header = eval(data[10 : 10 + length])  # the file is the program's own
    assert header["descr"] in ("<f4", "<u2") and not header["fortran_order"], header
    values = array.array("f" if header["descr"] == "<f4" else "H", data[10 + length :])
    assert math.prod(header["shape"]) == len(values), header
    return header["shape"], values


def safetensors(path, tensors):
    """Writes float32 tensors: {name: (shape, values)}."""
    header, data = {}, b""
    for name, (shape, values) in tensors.items():
        raw = struct.pack(f"<{len(values)}f", *values)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    Path(path).write_bytes(struct.pack("<Q", len(text)) + text + data)


class ProgramTest(unittest.TestCase):
    """A folder with a few feature tensors."""

    COUNT, SHAPE = 8, (32, 16, 16)
    SIZE = 32 * 16 * 16

    @classmethod
    def setUpClass(cls):
        cls.folder = Path(tempfile.mkdtemp(prefix="program_test"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        shape, values = read_npy(Path(EXAMPLE_DATA) / "resnet56_stage2.npy")
        assert tuple(shape[1:]) == cls.SHAPE
        cls.values = values[: cls.COUNT * cls.SIZE]
        npy(cls.folder / "x.npy", "f", (cls.COUNT, *cls.SHAPE), cls.values)

    def path(self, name):
        return str(self.folder / name)

    def run_program(self, *arguments, **options):
        return subprocess.run([PROGRAM, *map(os.fspath, arguments)], cwd=self.folder, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120, **options)

    def succeed(self, *arguments):
        """The text that the program prints."""
        r = self.run_program(*arguments)
        self.assertEqual((r.returncode, r.stderr), (0, b""), arguments)
        return r.stdout.decode()

    def object(self, *arguments):
        """The one JSON object that the program prints."""
        text = self.succeed(*arguments, "--json")
        self.assertEqual(text.count("\n"), 1)
        found = json.loads(text)
        self.assertIsInstance(found, dict)
        return found

    def fail_with(self, needles, *arguments, **options):
        """Exit status 1, one line on stderr with all the needles, nothing on stdout, no new file."""
        files = {p: p.read_bytes() for p in self.folder.rglob("*") if p.is_file()}
        r = self.run_program(*arguments, **options)
        message = r.stderr.decode(errors="replace")
        self.assertEqual((r.returncode, r.stdout), (1, b""), (arguments, message))
        self.assertRegex(message, r"\Aaecnn: [^\n]*\n\Z")
        for needle in needles:
            self.assertIn(needle, message, arguments)
        self.assertEqual(files, {p: p.read_bytes() for p in self.folder.rglob("*") if p.is_file()}, arguments)


class Calibrate(ProgramTest):
    def test_ratios(self):
        found = self.object("calibrate", "x.npy", "--ratio", "16,64.5", "-o", "r.aecnn", "--name", "two points")
        self.assertEqual(found["kind"], "profile")
        self.assertEqual(found["name"], "two points")
        self.assertEqual(found["shape"], [32, 16, 16])
        self.assertEqual(found["tensors"], self.COUNT)
        self.assertEqual(found["bytes"], os.path.getsize(self.path("r.aecnn")))
        self.assertTrue(found["probe"])
        self.assertEqual(len(found["operating_points"]), 2)
        for point, ratio in zip(found["operating_points"], (16, 64.5)):
            self.assertLess(abs(point["expected_ratio"] / ratio - 1), 0.1)
            self.assertAlmostEqual(point["expected_ratio"] * point["expected_bytes"], 4 * self.SIZE, places=3)
            self.assertAlmostEqual(point["relative_error"] ** 2, point["expected_error"])
            self.assertGreater(point["decoder_multiply_adds"], self.SIZE)
        self.assertLess(found["operating_points"][0]["relative_error"], found["operating_points"][1]["relative_error"])
        self.assertEqual(self.object("info", "r.aecnn")["hash"], found["hash"])
        text = self.succeed("calibrate", "x.npy", "--ratio", "64", "-o", "r2.aecnn")
        self.assertIn("'r2.aecnn'", text)
        self.assertIn("relative error", text)

    def test_bytes(self):
        found = self.object("calibrate", "x.npy", "--bytes", "400", "-o", "b.aecnn")
        self.assertLess(abs(found["operating_points"][0]["expected_bytes"] - 400), 40)

    def test_the_same_input_gives_the_same_file(self):
        for name in ("s1.aecnn", "s2.aecnn"):
            self.succeed("calibrate", "x.npy", "--bytes", "400", "--name", "same", "-o", name)
        self.assertEqual((self.folder / "s1.aecnn").read_bytes(), (self.folder / "s2.aecnn").read_bytes())

    def test_options(self):
        hashes = set()
        for i, options in enumerate((["--rank", "energy"], ["--rank", "variance"], ["--rank", "reconstruction"],
                                     ["--rank", "attention"], ["--transform", "klt"],
                                     ["--transform", "klt", "--max-stride", "1"], ["--no-rate-distortion"])):
            # So few bytes that channels are left out: which ones depends on the ranking.
            found = self.object("calibrate", "x.npy", "--bytes", "30", *options, "-o", f"o{i}.aecnn")
            point = found["operating_points"][0]
            self.assertLess(point["relative_error"], 1, options)
            hashes.add(found["hash"])
            if options[-1] == "klt":
                self.assertGreater(point["stride"], 1)
            elif options[-1] == "1":
                self.assertEqual(point["stride"], 1)
            elif options[-1] == "--no-rate-distortion":
                self.assertEqual(point["lambda"], 0)
            else:
                self.assertGreater(point["lambda"], 0)
        self.assertGreater(len(hashes), 5)  # two rankings may choose the same channels
        found = self.object("calibrate", "x.npy", "--bytes", "400", "--no-probe", "--open-extents", "-o", "open.aecnn")
        self.assertFalse(found["probe"])
        self.assertTrue(found["open_extents"])
        self.assertEqual(found["shape"], [32, 0, 0])

    def test_attention_weights(self):
        w = [0.25 if i % 5 == 0 else -0.125 for i in range(64)]
        safetensors(self.path("cbam.safetensors"), {"w1": ([2, 32], w), "b1": ([2], [0.0, 1.0]), "w2": ([32, 2], w)})
        safetensors(self.path("eca.safetensors"), {"kernel": ([3], [0.5, 1.0, 0.5])})
        safetensors(self.path("bad.safetensors"), {"w1": ([2, 32], w), "w2": ([32, 1], w[:32])})
        safetensors(self.path("none.safetensors"), {"w3": ([2], [0.0, 0.0])})
        for options in (["cbam.safetensors"], ["cbam.safetensors", "--attention-kind", "se"], ["eca.safetensors"]):
            found = self.object("calibrate", "x.npy", "--bytes", "100", "--rank", "attention", "--attention", *options,
                                "-o", "a.aecnn")
            self.assertLess(found["operating_points"][0]["relative_error"], 1)
        command = ["calibrate", "x.npy", "--bytes", "100", "-o", "n.aecnn"]
        failing = lambda needles, *a: self.fail_with(needles, *command, *a)
        failing(["bad.safetensors", "w2", "expected 64"], "--rank", "attention", "--attention", "bad.safetensors")
        failing(["none.safetensors", "w1", "missing"], "--rank", "attention", "--attention", "none.safetensors")
        failing(["cbam.safetensors", "--rank attention"], "--attention", "cbam.safetensors")

    def test_several_files_and_types(self):
        npy(self.path("one.npy"), "d", self.SHAPE, self.values[: self.SIZE])
        npy(self.path("half.npy"), "e", (2, *self.SHAPE), self.values[: 2 * self.SIZE])
        found = self.object("calibrate", "x.npy", "one.npy", "half.npy", "--bytes", "400", "-o", "m.aecnn")
        self.assertEqual(found["tensors"], self.COUNT + 3)

    def test_failures(self):
        npy(self.path("other.npy"), "f", (2, 8, 4, 4), [1.0] * 256)
        npy(self.path("rank2.npy"), "f", (4, 4), [1.0] * 16)
        npy(self.path("none.npy"), "f", (0, 8, 4, 4), [])
        npy(self.path("int.npy"), "b", (1, 2, 2, 2), [1] * 8)
        npy(self.path("nan.npy"), "f", (1, 2, 2, 2), [1.0] * 7 + [math.nan])
        (self.folder / "cut.npy").write_bytes((self.folder / "x.npy").read_bytes()[:-1])
        (self.folder / "folder").mkdir()
        ratio = ["--ratio", "16", "-o", "n.aecnn"]
        self.fail_with(["'missing.npy'", "No such file"], "calibrate", "missing.npy", *ratio)
        self.fail_with(["'other.npy'", "8x4x4", "expected 32x16x16"], "calibrate", "x.npy", "other.npy", *ratio)
        self.fail_with(["'rank2.npy'", "(4, 4)", "expected"], "calibrate", "rank2.npy", *ratio)
        self.fail_with(["'none.npy'", "expected at least one"], "calibrate", "none.npy", *ratio)
        self.fail_with(["'int.npy'", "i1", "expected"], "calibrate", "int.npy", *ratio)
        self.fail_with(["'nan.npy'", "NaN"], "calibrate", "nan.npy", *ratio)
        self.fail_with(["'cut.npy'"], "calibrate", "cut.npy", *ratio)
        self.fail_with(["'folder'"], "calibrate", "folder", *ratio)
        for numbers in ("0", "-3", "4,", "4,,5", "a", "nan", "inf", "16x"):
            self.fail_with(["--ratio", "expected"], "calibrate", "x.npy", f"--ratio={numbers}", "-o", "n.aecnn")
        self.fail_with(["--ratio", "--bytes"], "calibrate", "x.npy", "-o", "n.aecnn")
        self.fail_with(["--ratio", "--bytes"], "calibrate", "x.npy", "--bytes", "99", *ratio)
        self.fail_with(["x.npy", "at least"], "calibrate", "x.npy", "--bytes", "2", "-o", "n.aecnn")
        self.fail_with(["--transform", "'dct'", "select|klt"], "calibrate", "x.npy", "--transform", "dct", *ratio)
        self.fail_with(["--rank", "'size'", "reconstruction"], "calibrate", "x.npy", "--rank", "size", *ratio)
        self.fail_with(["max_stride"], "calibrate", "x.npy", "--max-stride", "9", *ratio)
        self.fail_with(["no/n.aecnn"], "calibrate", "x.npy", "--ratio", "16", "-o", "no/n.aecnn")
        self.fail_with(["'folder'"], "calibrate", "x.npy", "--ratio", "16", "-o", "folder")
        self.fail_with(["--output"], "calibrate", "x.npy", "--ratio", "16")

    def test_a_failed_write_leaves_the_old_file(self):
        def small_files_only():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))

        (self.folder / "old.aecnn").write_bytes(b"old")
        self.fail_with(["'old.aecnn'", "cannot write"], "calibrate", "x.npy", "--bytes", "400", "-o", "old.aecnn",
                       preexec_fn=small_files_only)
        self.fail_with(["'new.aecnn'", "cannot write"], "calibrate", "x.npy", "--bytes", "400", "-o", "new.aecnn",
                       preexec_fn=small_files_only)
        self.succeed("calibrate", "x.npy", "--bytes", "400", "-o", "old.aecnn")
        self.assertGreater(os.path.getsize(self.path("old.aecnn")), 1000)

    def test_progress_bar(self):
        """On a terminal, and only there; --json turns it off."""
        for options, expected in (([], True), (["--json"], False)):
            leader, terminal = pty.openpty()
            command = [PROGRAM, "calibrate", "x.npy", "--bytes", "400", "-o", "bar.aecnn", *options]
            r = subprocess.run(command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=terminal, timeout=120)
            os.close(terminal)
            shown = b""
            try:
                while part := os.read(leader, 65536):
                    shown += part
            except OSError:  # end of the terminal
                pass
            os.close(leader)
            self.assertEqual(r.returncode, 0)
            self.assertEqual(b"%" in shown and shown.endswith(b"\r\x1b[K"), expected)
            self.assertEqual(shown != b"", expected)


class EncodeDecode(ProgramTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for name, options in (("p", ["16,64"]), ("other", ["20,80"]), ("open", ["16,64", "--open-extents"])):
            subprocess.run([PROGRAM, "calibrate", "x.npy", "-o", f"{name}.aecnn", "--ratio", *options], check=True,
                           cwd=cls.folder, stdout=subprocess.DEVNULL)

    def encode(self, profile, name, out, *options):
        return self.object("encode", "--profile", f"{profile}.aecnn", name, "-o", out, *options)

    def decode(self, profile, name, out):
        return self.object("decode", "--profile", f"{profile}.aecnn", name, "-o", out)

    def error(self, name, reference):
        values = read_npy(self.path(name))[1]
        return math.sqrt(sum((a - b) ** 2 for a, b in zip(values, reference)) / sum(b * b for b in reference))

    def test_round_trip(self):
        expected = self.object("info", "p.aecnn")["operating_points"]
        errors = []
        for op in (0, 1):
            found = self.encode("p", "x.npy", "a.aec", "--op", str(op))
            self.assertEqual(found["tensors"], self.COUNT)
            self.assertEqual(found["shape"], [32, 16, 16])
            self.assertEqual(found["operating_point"], op)
            self.assertEqual(found["framing"], "default")
            self.assertEqual(found["bytes"], os.path.getsize(self.path("a.aec")))
            self.assertLess(found["bytes"] - found["stream_bytes"], 20 + 3 * self.COUNT)
            self.assertAlmostEqual(found["mean_bytes"] * self.COUNT, found["stream_bytes"])
            self.assertAlmostEqual(found["ratio"], 4 * self.SIZE / found["mean_bytes"])
            self.assertAlmostEqual(found["bits_per_element"], 32 / found["ratio"])
            self.assertLess(abs(found["mean_bytes"] / expected[op]["expected_bytes"] - 1), 0.1)
            decoded = self.decode("p", "a.aec", "y.npy")
            self.assertEqual(decoded["tensors"], self.COUNT)
            self.assertEqual(decoded["shape"], [32, 16, 16])
            self.assertEqual(decoded["operating_points"], [op])
            self.assertEqual(decoded["bytes"], os.path.getsize(self.path("y.npy")))
            self.assertEqual(read_npy(self.path("y.npy"))[0], (self.COUNT, 32, 16, 16))
            errors.append(self.error("y.npy", self.values))
            # The expectation is cross-validated: each tensor by a decoder that has not seen it.
            self.assertLess(abs(errors[-1] / expected[op]["relative_error"] - 1), 0.5)
        self.assertLess(errors[0], errors[1])
        self.assertLess(errors[1], 0.6)
        self.assertIn("ratio", self.succeed("encode", "--profile", "p.aecnn", "x.npy", "-o", "a.aec"))
        self.assertIn("'y.npy'", self.succeed("decode", "--profile", "p.aecnn", "a.aec", "-o", "y.npy"))

    def test_operating_point_by_name(self):
        name = self.object("info", "p.aecnn")["operating_points"][1]["name"]
        self.encode("p", "x.npy", "by_name.aec", "--op", name)
        self.encode("p", "x.npy", "by_number.aec", "--op", "1")
        self.assertEqual((self.folder / "by_name.aec").read_bytes(), (self.folder / "by_number.aec").read_bytes())

    def test_bare_payloads(self):
        for profile, header in (("p", 4), ("open", 6)):
            framed = self.encode(profile, "x.npy", "framed.aec", "--op", "1")
            bare = self.encode(profile, "x.npy", "bare.aec", "--op", "1", "--framing", "none")
            self.assertEqual(bare["framing"], "none")
            self.assertEqual(framed["stream_bytes"] - bare["stream_bytes"], header * self.COUNT)
            self.decode(profile, "framed.aec", "framed.npy")
            self.decode(profile, "bare.aec", "bare.npy")
            self.assertEqual((self.folder / "framed.npy").read_bytes(), (self.folder / "bare.npy").read_bytes())

    def test_modes(self):
        sizes = {}
        self.encode("p", "x.npy", "default.aec", "--op", "1")
        self.decode("p", "default.aec", "default.npy")
        for mode in ("default", "fast", "max"):
            for framing in ("default", "none"):
                options = ["--op", "1", "--mode", mode, "--framing", framing]
                made = self.encode("p", "x.npy", f"{mode}.aec", *options)
                self.assertEqual(made["mode"], mode)
                self.assertEqual(self.object("info", f"{mode}.aec")["modes"], [mode])
                # The mode changes the bytes, never the tensors.
                self.decode("p", f"{mode}.aec", "y.npy")
                self.assertEqual((self.folder / "y.npy").read_bytes(), (self.folder / "default.npy").read_bytes())
            sizes[mode] = made["stream_bytes"]
        self.assertLess(sizes["max"], 1.03 * sizes["default"])
        self.assertLess(sizes["default"], sizes["fast"])
        self.fail_with(["--mode", "'best'", "default|fast|max"], "encode", "--profile", "p.aecnn", "x.npy", "-o", "n", "--mode", "best")

    def test_open_extents(self):
        crop = array.array("f")
        for c in range(32):
            for y in range(8):
                start = c * 256 + y * 16
                crop.extend(self.values[start : start + 12])
        npy(self.path("crop.npy"), "f", (32, 8, 12), crop)
        for options in ([], ["--framing", "none"]):
            self.encode("open", "crop.npy", "crop.aec", *options)
            self.assertEqual(self.decode("open", "crop.aec", "crop_y.npy")["shape"], [32, 8, 12])
            self.assertLess(self.error("crop_y.npy", crop), 0.4)

    def test_element_types_and_ranks(self):
        one = self.values[: self.SIZE]
        npy(self.path("f4.npy"), "f", (1, *self.SHAPE), one)
        npy(self.path("chw.npy"), "f", self.SHAPE, one)
        npy(self.path("f8.npy"), "d", (1, *self.SHAPE), one)
        npy(self.path("f2.npy"), "e", (1, *self.SHAPE), one)
        npy(self.path("f2_as_f4.npy"), "f", (1, *self.SHAPE),
            [struct.unpack("<e", struct.pack("<e", v))[0] for v in one])
        symbols = [min(255, round(v * 16)) for v in one]
        npy(self.path("u1.npy"), "B", (1, *self.SHAPE), symbols)
        npy(self.path("i1.npy"), "b", (1, *self.SHAPE), [s - 128 for s in symbols])
        npy(self.path("u1_as_f4.npy"), "f", (1, *self.SHAPE), [s / 16 for s in symbols])
        streams = {}
        for name, options in (("f4", []), ("chw", []), ("f8", []), ("f2", []), ("f2_as_f4", []), ("u1_as_f4", []),
                              ("u1", ["--scale", "0.0625"]), ("i1", ["--scale", "0.0625", "--zero-point", "-128"])):
            self.encode("p", f"{name}.npy", "t.aec", *options)
            streams[name] = (self.folder / "t.aec").read_bytes()
        self.assertEqual(streams["f4"], streams["chw"])
        self.assertEqual(streams["f4"], streams["f8"])
        self.assertEqual(streams["f2"], streams["f2_as_f4"])
        self.assertEqual(streams["u1"], streams["u1_as_f4"])
        self.assertEqual(streams["i1"], streams["u1_as_f4"])

    def test_encode_failures(self):
        npy(self.path("small.npy"), "f", (1, 32, 8, 8), [1.0] * 2048)
        npy(self.path("rank5.npy"), "f", (1, 1, 32, 8, 8), [1.0] * 2048)
        npy(self.path("none.npy"), "f", (0, *self.SHAPE), [])
        npy(self.path("i1.npy"), "b", (1, *self.SHAPE), [1] * self.SIZE)
        npy(self.path("i4.npy"), "i", (1, *self.SHAPE), [1] * self.SIZE)
        npy(self.path("nan.npy"), "f", (2, *self.SHAPE), [1.0] * self.SIZE + [math.nan] * self.SIZE)
        Path(self.path("junk")).write_bytes(b"junk" * 100)
        failing = lambda needles, *a: self.fail_with(needles, "encode", *a, "-o", "n.aec")
        profile = ["--profile", "p.aecnn"]
        failing(["'missing.npy'", "No such file"], *profile, "missing.npy")
        failing(["'missing.aecnn'", "No such file"], "--profile", "missing.aecnn", "x.npy")
        failing(["'junk'"], "--profile", "junk", "x.npy")
        failing(["'junk'"], *profile, "junk")
        failing(["'small.npy'", "32x8x8", "expected 32x16x16"], *profile, "small.npy")
        failing(["'rank5.npy'", "1x1x32x8x8", "expected"], *profile, "rank5.npy")
        failing(["'none.npy'", "0x32x16x16", "expected at least one"], *profile, "none.npy")
        failing(["'i1.npy'", "expected --scale"], *profile, "i1.npy")
        failing(["'i4.npy'", "expected"], *profile, "i4.npy")
        failing(["'x.npy'", "f4", "expected"], *profile, "x.npy", "--scale", "1")
        failing(["'nan.npy'", "tensor 1", "NaN"], *profile, "nan.npy")
        failing(["--scale", "expected"], *profile, "i1.npy", "--scale", "0")
        failing(["--zero-point", "256"], *profile, "i1.npy", "--scale", "1", "--zero-point", "256")
        failing(["'p.aecnn'", "'9'", "expected 0 to 1"], *profile, "x.npy", "--op", "9")
        failing(["--framing", "'some'", "default|none"], *profile, "x.npy", "--framing", "some")
        self.fail_with(["'no/n.aec'", "No such file"], "encode", *profile, "x.npy", "-o", "no/n.aec")
        self.fail_with(["--output"], "encode", *profile, "x.npy")
        self.fail_with(["--profile"], "encode", "x.npy", "-o", "n.aec")

    def test_decode_failures(self):
        self.encode("p", "x.npy", "a.aec", "--op", "1")
        good = (self.folder / "a.aec").read_bytes()
        profile = ["decode", "--profile", "p.aecnn"]

        def failing(needles, content, *a):
            (self.folder / "bad.aec").write_bytes(content)
            self.fail_with(["'bad.aec'", *needles], *(a or profile), "bad.aec", "-o", "n.npy")

        self.fail_with(["'missing.aec'", "No such file"], *profile, "missing.aec", "-o", "n.npy")
        self.fail_with(["'no/n.npy'", "No such file"], *profile, "a.aec", "-o", "no/n.npy")
        failing(["profile", "expected", "other.aecnn"], good, "decode", "--profile", "other.aecnn")
        failing(["AECF"], b"junk" * 10)
        failing([], b"")
        for length in (1, 3, 4, 5, 10, 15, 18, 19, 40, len(good) // 2, len(good) - 1):
            failing([], good[:length])
        failing(["after the last record"], good + b"\0")
        changed = 0
        for position in range(20, len(good), max(1, len(good) // 40)):
            flipped = bytearray(good)
            flipped[position] ^= 1 << position % 8
            (self.folder / "flipped.aec").write_bytes(flipped)
            r = self.run_program(*profile, "flipped.aec", "-o", "n.npy")
            self.assertIn(r.returncode, (0, 1))
            if r.returncode == 0:  # a bit that changes no symbol
                (self.folder / "n.npy").unlink()
            else:
                changed += 1
                self.assertEqual(r.stderr.count(b"\n"), 1)
                self.assertFalse((self.folder / "n.npy").exists())
        self.assertGreater(changed, 35)
        # No records; the count follows 4 + 1 + 1 + 1 + 8 bytes.
        failing(["no records"], good[:15] + b"\0\0\0")


class Info(ProgramTest):
    def test_profile(self):
        made = self.object("calibrate", "x.npy", "--ratio", "32,128", "-o", "p.aecnn")
        found = self.object("info", "p.aecnn")
        for key in ("kind", "name", "hash", "shape", "open_extents", "operating_points", "networks", "bytes"):
            self.assertEqual(found[key], made[key])
        self.assertEqual(found["name"], "p")
        for point in found["operating_points"]:
            self.assertLessEqual({"index", "name", "channels", "stride", "latents", "levels", "decoder_multiply_adds",
                                  "expected_bytes", "expected_ratio", "expected_error", "relative_error"}, point.keys())
        text = self.succeed("info", "p.aecnn")
        self.assertIn(found["hash"], text)
        self.assertIn("32x16x16", text)
        self.assertEqual(len(text.splitlines()), 2 + 2)
        self.assertNotIn("verified", found)
        self.assertTrue(self.object("info", "--verify", "p.aecnn")["verified"])
        self.assertIn("probe", self.succeed("info", "--verify", "p.aecnn"))

    def test_header(self):
        made = self.object("calibrate", "x.npy", "--ratio", "128", "--no-probe", "-o", "p.aecnn")
        text = self.succeed("info", "--emit-header", "p.aecnn")
        self.assertIn("aecnn::profile device_profile()", text)
        self.assertIn(made["hash"], text)
        named = self.object("info", "--emit-header", "--function", "camera", "p.aecnn")
        self.assertIn("aecnn::profile camera()", named["source"])
        self.assertEqual(named["hash"], made["hash"])
        self.fail_with(["'p.aecnn'", "9lives"], "info", "--emit-header", "--function", "9lives", "p.aecnn")
        self.fail_with(["--emit-header"], "info", "--function", "camera", "p.aecnn")
        self.fail_with(["'x.npy'", "profile"], "info", "--emit-header", "x.npy")
        self.fail_with(["'p.aecnn'", "probe"], "info", "--verify", "p.aecnn")
        self.fail_with(["'x.npy'", "profile"], "info", "--verify", "x.npy")

    def test_streams(self):
        self.succeed("calibrate", "x.npy", "--ratio", "32,128", "-o", "p.aecnn")
        for framing in ("default", "none"):
            options = ["--profile", "p.aecnn", "--op", "1", "--framing", framing]
            made = self.object("encode", *options, "x.npy", "-o", "a.aec")
            found = self.object("info", "a.aec")
            self.assertEqual(found["kind"], "streams")
            self.assertEqual(found["framing"], framing)
            self.assertEqual(found["records"], self.COUNT)
            self.assertEqual(found["operating_points"], [1])
            self.assertEqual(found["profile_hash"], self.object("info", "p.aecnn")["hash"])
            for key in ("bytes", "stream_bytes", "mean_bytes"):
                self.assertEqual(found[key], made[key])
            self.assertLessEqual(found["min_bytes"], found["mean_bytes"])
            self.assertLessEqual(found["mean_bytes"], found["max_bytes"])
            self.assertIn(found["profile_hash"], self.succeed("info", "a.aec"))
        (self.folder / "cut.aec").write_bytes((self.folder / "a.aec").read_bytes()[:-1])
        self.fail_with(["'cut.aec'"], "info", "cut.aec")

    def test_arrays(self):
        found = self.object("info", "x.npy")
        self.assertEqual((found["kind"], found["dtype"], found["shape"]), ("npy", "f4", [self.COUNT, 32, 16, 16]))
        self.assertEqual(found["min"], min(self.values))
        self.assertEqual(found["max"], max(self.values))
        self.assertAlmostEqual(found["mean"], sum(self.values) / len(self.values))
        self.assertAlmostEqual(found["zeros"], self.values.count(0) / len(self.values))
        self.assertEqual(found["not_finite"], 0)
        self.assertIn("8x32x16x16", self.succeed("info", "x.npy"))
        for code, dtype in (("f", "f4"), ("d", "f8"), ("e", "f2"), ("b", "i1"), ("i", "i4")):
            npy(self.path("t.npy"), code, (5,), [-3, 0, 0, 4, 9])
            found = self.object("info", "t.npy")
            keys = ("dtype", "shape", "min", "max", "mean", "zeros")
            self.assertEqual([found[k] for k in keys], [dtype, [5], -3, 9, 2, 0.4])
        npy(self.path("t.npy"), "f", (2, 2), [math.nan, 1, math.inf, -1])
        found = self.object("info", "t.npy")
        self.assertEqual([found[k] for k in ("min", "max", "mean", "not_finite")], [-1, 1, 0, 2])
        npy(self.path("t.npy"), "f", (0, 2), [])
        found = self.object("info", "t.npy")
        self.assertEqual([found[k] for k in ("shape", "min", "mean", "zeros")], [[0, 2], None, None, None])
        npy(self.path("t.npy"), "f", (), [7])
        self.assertEqual(self.object("info", "t.npy")["shape"], [])
        self.assertIn("scalar", self.succeed("info", "t.npy"))

    def test_failures(self):
        self.succeed("calibrate", "x.npy", "--ratio", "128", "-o", "p.aecnn")
        good = (self.folder / "p.aecnn").read_bytes()
        self.fail_with(["'missing'", "No such file"], "info", "missing")
        for content in (b"", b"x", b"some text that is no file of ours", good[:5], good[:200], good[:-1], good + b"\0",
                        good[:-9] + bytes([good[-9] ^ 1]) + good[-8:], b"\x93NUMPY", b"AECF", b"AECS"):
            (self.folder / "bad").write_bytes(content)
            self.fail_with(["'bad'"], "info", "bad")
        self.fail_with(["'.'"], "info", ".")


class Symbols(ProgramTest):
    def plane(self, shape, levels, zero=0, spread=None, seed=1):
        """Skewed symbols around `zero`."""
        r = random.Random(seed)
        spread = spread or levels / 8
        return bytes(min(levels - 1, max(0, zero + int(r.gauss(0, spread)))) for _ in range(math.prod(shape)))

    def round_trip(self, plane, shape, levels, mode="default"):
        (self.folder / "s.u8").write_bytes(plane)
        options = ["--mode", mode, "--shape", "x".join(map(str, shape)), "--levels", str(levels), "--repeat", "1"]
        found = self.object("symbols", "encode", *options, "s.u8", "-o", "s.aecs")
        self.assertEqual(found["bytes"], os.path.getsize(self.path("s.aecs")))
        self.assertAlmostEqual(found["bits_per_symbol"], 8 * found["bytes"] / len(plane))
        self.assertGreater(found["encode_mb_per_s"], 0)
        self.assertGreater(found["decode_mb_per_s"], 0)
        decoded = self.object("symbols", "decode", "--repeat", "1", "s.aecs", "-o", "d.u8")
        self.assertEqual((self.folder / "d.u8").read_bytes(), plane)
        self.assertEqual(found["mode"], mode)
        for key in ("bytes", "bits_per_symbol", "shape", "levels", "mode"):
            self.assertEqual(decoded[key], found[key])
        self.assertGreater(decoded["encode_mb_per_s"], 0)
        self.assertGreater(decoded["decode_mb_per_s"], 0)
        return found["bytes"]

    def test_all_levels(self):
        for levels in range(2, 257):
            mode = ("default", "fast", "max")[levels % 3]
            self.round_trip(self.plane((2, 5, 7), levels, zero=levels * (levels // 3 % 3) // 3), (2, 5, 7), levels, mode)

    def test_modes(self):
        plane = self.plane((8, 24, 24), 16)
        sizes = {mode: self.round_trip(plane, (8, 24, 24), 16, mode) for mode in ("default", "fast", "max")}
        self.assertLess(max(sizes.values()), 1.15 * min(sizes.values()))
        for mode, number in (("default", 0x10), ("fast", 0x11), ("max", 0x12)):
            self.round_trip(plane, (8, 24, 24), 16, mode)
            good = bytearray((self.folder / "s.aecs").read_bytes())
            self.assertEqual(good[4], number)
            self.assertEqual(self.object("info", "s.aecs")["mode"], mode)
            self.assertIn(f"mode {mode}", self.succeed("info", "s.aecs"))
            for other in ("default", "fast", "max"):
                if other != mode:
                    self.fail_with(["'s.aecs'", mode, f"--mode {other}"], "symbols", "decode", "--mode", other, "s.aecs", "-o", "n.u8")
            good[4] = 0x13
            (self.folder / "bad").write_bytes(good)
            self.fail_with(["'bad'", "mode 3"], "symbols", "decode", "bad", "-o", "n.u8")

    def test_shapes(self):
        for shape in ((1, 1, 1), (1, 1, 300), (300, 1, 1), (1, 300, 1), (3, 1, 7), (16, 32, 32)):
            for levels in (2, 4, 16, 256):
                for mode in ("default", "fast", "max"):
                    self.round_trip(self.plane(shape, levels), shape, levels, mode)

    def test_sizes(self):
        shape, n = (4, 64, 64), 4 * 64 * 64
        self.assertLess(self.round_trip(bytes(n), shape, 16), 60)
        self.assertLess(self.round_trip(b"\xc8" * n, shape, 256), 60)  # the most frequent symbol is not 0
        self.assertEqual((self.folder / "s.aecs").read_bytes()[6], 200)
        r = random.Random(3)
        self.assertLess(self.round_trip(bytes(r.randrange(256) for _ in range(n)), shape, 256), 1.03 * n + 20)
        self.assertLess(self.round_trip(bytes(r.randrange(2) for _ in range(n)), shape, 2), 1.03 * n / 8 + 20)
        # Mostly 0: close to the entropy of 0.469 bits.
        biased = bytes(1 if r.random() < 0.1 else 0 for _ in range(n))
        self.assertLess(self.round_trip(biased, shape, 2), 1.06 * 0.469 * n / 8 + 20)

    def test_text_and_info(self):
        (self.folder / "s.u8").write_bytes(self.plane((3, 4, 5), 16))
        options = ["--shape", "3x4x5", "--levels", "16"]
        self.assertIn("MB/s", self.succeed("symbols", "encode", *options, "s.u8", "-o", "s.aecs"))
        self.assertIn("MB/s", self.succeed("symbols", "decode", "s.aecs", "-o", "d.u8"))
        found = self.object("info", "s.aecs")
        self.assertEqual((found["kind"], found["shape"], found["levels"]), ("symbols", [3, 4, 5], 16))
        self.assertIn("3x4x5", self.succeed("info", "s.aecs"))

    def test_options_are_checked_by_decode(self):
        (self.folder / "s.u8").write_bytes(self.plane((3, 4, 5), 16))
        options = ["--mode", "default", "--shape", "3x4x5", "--levels", "16"]
        self.succeed("symbols", "encode", *options, "s.u8", "-o", "s.aecs")
        self.succeed("symbols", "decode", *options, "s.aecs", "-o", "d.u8")
        self.fail_with(["'s.aecs'", "3x4x5", "5x4x3"], "symbols", "decode", "--shape", "5x4x3", "s.aecs", "-o", "n.u8")
        self.fail_with(["'s.aecs'", "16", "17"], "symbols", "decode", "--levels", "17", "s.aecs", "-o", "n.u8")

    def test_encode_failures(self):
        (self.folder / "s.u8").write_bytes(bytes(i % 15 for i in range(60)) + b"\x0f")
        failing = lambda needles, shape, levels, *a: self.fail_with(
            needles, "symbols", "encode", "--shape", shape, "--levels", levels, *(a or ("s.u8",)), "-o", "n.aecs")
        failing(["'s.u8'", "61 bytes", "expected 60"], "3x4x5", "16")
        failing(["'s.u8'", "symbol 15", "byte 60", "expected below 15"], "61x1x1", "15")
        failing(["'missing'", "No such file"], "3x4x5", "16", "missing")
        for shape in ("", "3", "3x4", "3x4x", "x3x4", "3x4x5x6", "0x4x5", "3x-4x5", "3x4x5.5", "3X4X5",
                      "99999999x9999x9999", "18446744073709551617x1x1"):
            failing(["--shape", "expected CxHxW"], shape, "16")
        for levels in ("0", "1", "257"):
            failing(["--levels", levels, "expected 2 to 256"], "61x1x1", levels)
        for levels in ("-1", "many", "4294967298"):
            failing(["--levels"], "61x1x1", levels)
        failing(["--mode", "'best'", "default|fast|max"], "61x1x1", "16", "s.u8", "--mode", "best")
        failing(["--repeat", "expected"], "61x1x1", "16", "s.u8", "--repeat", "0")
        self.fail_with(["'no/n'"], "symbols", "encode", "--shape", "61x1x1", "--levels", "16", "s.u8", "-o", "no/n")
        self.fail_with(["--shape"], "symbols", "encode", "--levels", "16", "s.u8", "-o", "n")
        self.fail_with(["--levels"], "symbols", "encode", "--shape", "61x1x1", "s.u8", "-o", "n")
        self.fail_with(["subcommand"], "symbols")

    def test_damaged_files(self):
        (self.folder / "s.u8").write_bytes(self.plane((3, 4, 5), 16))
        self.succeed("symbols", "encode", "--shape", "3x4x5", "--levels", "16", "s.u8", "-o", "s.aecs")
        good = (self.folder / "s.aecs").read_bytes()
        for length in range(len(good)):
            (self.folder / "bad").write_bytes(good[:length])
            if length < 10:  # without the whole header
                self.fail_with(["'bad'"], "symbols", "decode", "bad", "-o", "n.u8")
            else:
                self.assertIn(self.run_program("symbols", "decode", "bad", "-o", "bad.u8").returncode, (0, 1))
        (self.folder / "bad").write_bytes(good + b"\1")
        self.fail_with(["'bad'"], "symbols", "decode", "bad", "-o", "n.u8")
        for position in range(len(good)):
            for bit in (0, 4, 7):
                flipped = bytearray(good)
                flipped[position] ^= 1 << bit
                (self.folder / "bad").write_bytes(flipped)
                self.assertIn(self.run_program("symbols", "decode", "bad", "-o", "bad.u8").returncode, (0, 1))
        # A short file that declares 2^60 symbols.
        (self.folder / "bad").write_bytes(good[:7] + 3 * (b"\x80\x80" + b"\x40") + good[10:])
        self.fail_with(["'bad'", "67108864"], "symbols", "decode", "bad", "-o", "n.u8")


class Networks(ProgramTest):
    """run, eval, pack and info on ONNX files."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        write = lambda name, *model, **more: (cls.folder / name).write_bytes(onnx_file.model(*model, **more))
        conv, node = lambda i, o: onnx_file.node("Conv", [i, "w", "b"], [o]), onnx_file.node
        # y = relu(2 x0 - x1 + 1), 3 x1
        small = {"w": ([2, 2, 1, 1], [2.0, -1.0, 0.0, 3.0]), "b": ([2], [1.0, 0.0])}
        write("small.onnx", [conv("x", "h"), node("Relu", ["h"], ["y"])], {"x": [1, 2, 1, 2]}, {"y": [1, 2, 1, 2]}, small)
        write("batch.onnx", [conv("x", "y")], {"x": ["n", 2, 1, 2]}, {"y": ["n", 2, 1, 2]}, small)
        write("open.onnx", [conv("x", "y")], {"x": [1, 2, "h", "w"]}, {"y": [1, 2, "h", "w"]}, small)
        write("two.onnx", [node("Add", ["a", "b"], ["s"]), node("Sub", ["a", "b"], ["d"])], {"a": [1, 2], "b": [1, 2]},
              {"s": [1, 2], "d": [1, 2]})
        write("unknown.onnx", [node("Nothing", ["x"], ["y"], k=1)], {"x": [1, 2]}, {"y": [1, 2]})
        npy(cls.folder / "small.npy", "f", (1, 2, 1, 2), [1, 2, 3, 4])
        npy(cls.folder / "items.npy", "f", (3, 2, 1, 2), [1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 1, 0])
        # Of the example's features: the mean of channel 0 or of channel 1 is larger, or that of a third.
        pick = [1.0 if c == k else 0.0 for k in range(3) for c in range(32)]
        write("tail.onnx", [node("GlobalAveragePool", ["x"], ["m"]), node("Conv", ["m", "w"], ["c"]),
                            node("Flatten", ["c"], ["y"])],
              {"x": [1, *cls.SHAPE]}, {"y": [1, 3]}, {"w": ([3, 32, 1, 1], pick)})
        means = [[sum(cls.values[i * cls.SIZE + k * 256 : i * cls.SIZE + (k + 1) * 256]) for k in range(32)]
                 for i in range(cls.COUNT)]
        cls.labels = [max(range(3), key=lambda k: m[k]) for m in means]
        cls.importance = sorted(range(32), key=lambda k: -sum(m[k] for m in means))
        cls.labels[0] = (cls.labels[0] + 1) % 3  # one that the tail gets wrong
        npy(cls.folder / "labels.npy", "q", (cls.COUNT,), cls.labels)
        # Decoders that put the latents back where they came from: all channels, 4 of them, or 2x2 means.
        back = [1.0 if c == 8 * k else 0.0 for c in range(32) for k in range(4)]
        same = [1.0 if c == k else 0.0 for c in range(32) for k in range(32)]
        write("four.onnx", [node("Conv", ["z", "w"], ["y"])], {"z": [1, 4, 16, 16]}, {"y": [1, *cls.SHAPE]},
              {"w": ([32, 4, 1, 1], back)})
        write("all.onnx", [node("Conv", ["z", "w"], ["y"])], {"z": [1, 32, "h", "w"]}, {"y": [1, 32, "h", "w"]},
              {"w": ([32, 32, 1, 1], same)})
        spread = [1.0 if c == k else 0.0 for k in range(32) for c in range(32) for _ in range(4)]
        means_of = [v / 4 for v in spread]
        write("means.onnx", [node("Conv", ["x", "w", "b"], ["z"], strides=[2, 2], kernel_shape=[2, 2])],
              {"x": [1, *cls.SHAPE]}, {"z": [1, 32, 8, 8]}, {"w": ([32, 32, 2, 2], means_of), "b": ([32], [5.0] * 32)})
        write("spread.onnx", [node("ConvTranspose", ["z", "w", "b"], ["y"], strides=[2, 2])], {"z": [1, 32, 8, 8]},
              {"y": [1, *cls.SHAPE]}, {"w": ([32, 32, 2, 2], spread), "b": ([32], [-5.0] * 32)})
        write("twice.onnx", [node("Conv", ["z", "w"], ["y"])], {"z": [1, 4, 16, 16]}, {"y": [1, *cls.SHAPE]},
              {"w": ([32, 4, 1, 1], [2 * v for v in back])})
        write("odd.onnx", [node("Conv", ["z", "w"], ["y"])], {"z": [1, 32, "h", "w"]}, {"y": [1, 32, "h", "w"]},
              {"w": ([32, 32, 1, 1], [v / 3 for v in same])})
        write("attention.onnx", [node("GlobalAveragePool", ["x"], ["y"])], {"x": [1, *cls.SHAPE]}, {"y": [1, 32, 1, 1]})

    def test_run(self):
        found = self.object("run", "small.onnx", "small.npy", "-o", "y.npy", "--repeat", "5")
        self.assertEqual(read_npy(self.path("y.npy")), ((1, 2, 1, 2), array.array("f", [0, 1, 9, 12])))
        self.assertEqual(found["inputs"], [{"name": "x", "shape": [1, 2, 1, 2]}])
        self.assertEqual(found["outputs"], [{"name": "y", "shape": [1, 2, 1, 2], "file": "y.npy"}])
        self.assertEqual((found["runs"], found["threads"]), (5, 1))
        self.assertEqual(found["multiply_adds"], 8)
        self.assertGreater(found["load_ms"], 0)
        self.assertLessEqual(found["minimum_us"], found["median_us"])
        for network, expected in (("small.onnx", [0, 1, 9, 12, 4, 5, 21, 24, 0, 1, 3, 0]),
                                  ("batch.onnx", [0, 1, 9, 12, 4, 5, 21, 24, 0, 1, 3, 0])):
            found = self.object("run", network, "items.npy", "-o", "z.npy", "--threads", "2", "--exact")
            self.assertEqual(read_npy(self.path("z.npy")), ((3, 2, 1, 2), array.array("f", expected)))
            self.assertEqual(found["runs"], 3 if network == "small.onnx" else 1)
        npy(self.path("item.npy"), "d", (2, 1, 2), [1, 2, 3, 4])  # without the batch
        self.succeed("run", "small.onnx", "item.npy", "-o", "y2.npy")
        self.assertEqual(read_npy(self.path("y2.npy"))[1], read_npy(self.path("y.npy"))[1])
        npy(self.path("a.npy"), "f", (1, 2), [1, 2])
        npy(self.path("b.npy"), "f", (1, 2), [5, -7])
        text = self.succeed("run", "two.onnx", "a.npy", "b.npy", "-o", "s.npy", "-o", "d.npy")
        self.assertIn("median", text)
        self.assertEqual(list(read_npy(self.path("s.npy"))[1]), [6, -5])
        self.assertEqual(list(read_npy(self.path("d.npy"))[1]), [-4, 9])

    def test_run_int8(self):
        # x is 0..8 and y 0..24: half a step of y is 0.05, half a step of x and of the weights makes as much again each.
        npy(self.path("samples.npy"), "f", (3, 2, 1, 2), [0, 0, 0, 0, 8, 8, 1, 1, 0, 1, 8, 8])
        samples = ("--int8", "samples.npy")
        found = self.object("run", "small.onnx", "items.npy", "-o", "q.npy", *samples)
        shape, integers = read_npy(self.path("q.npy"))
        self.assertEqual(shape, (3, 2, 1, 2))
        for value, expected in zip(integers, [0, 1, 9, 12, 4, 5, 21, 24, 0, 1, 3, 0]):
            self.assertLess(abs(value - expected), 0.25)
        self.assertNotEqual(list(integers), [0, 1, 9, 12, 4, 5, 21, 24, 0, 1, 3, 0])
        self.assertEqual((found["calibration"]["file"], found["calibration"]["samples"]), ("samples.npy", 3))
        self.assertGreater(found["calibration"]["ms"], 0)
        self.assertEqual((found["runs"], found["multiply_adds"]), (3, 8))
        self.assertNotIn("calibration", self.object("run", "small.onnx", "items.npy"))
        # The same for threads, a batch that the network takes whole, and whatever the items are run with.
        self.assertIn("calibrated with 3 samples of 'samples.npy'",
                      self.succeed("run", "small.onnx", "items.npy", "-o", "q2.npy", "--threads", "2", *samples))
        self.assertEqual(read_npy(self.path("q2.npy"))[1], integers)
        npy(self.path("one.npy"), "d", (2, 1, 2), [5, 6, 7, 8])
        self.succeed("run", "small.onnx", "one.npy", "-o", "q3.npy", *samples)
        self.assertEqual(read_npy(self.path("q3.npy"))[1], integers[4:8])
        self.assertIn("1 sample of", self.succeed("run", "small.onnx", "one.npy", "--int8", "one.npy"))
        for items in ("items.npy", "small.npy"):
            found = self.object("run", "batch.onnx", items, "-o", "q4.npy", *samples)
            self.assertEqual((found["runs"], found["calibration"]["samples"]), (1, 3))
            self.assertEqual(read_npy(self.path("q4.npy"))[0], tuple(found["inputs"][0]["shape"]))

    def test_run_int8_failures(self):
        small = ("run", "small.onnx", "small.npy", "--int8")
        self.fail_with(["'small.onnx'", "'x.npy'", "[1,32,16,16]", "[1,2,1,2]"], *small, "x.npy")
        self.fail_with(["nothing.npy"], *small, "nothing.npy")
        self.fail_with(["No such file"], *small, "")
        npy(self.path("nan.npy"), "f", (1, 2, 1, 2), [1, math.nan, 0, 0])
        self.fail_with(["'nan.npy'", "NaN"], *small, "nan.npy")
        npy(self.path("none.npy"), "f", (0, 2, 1, 2), [])
        self.fail_with(["'none.npy'", "[0,2,1,2]"], *small, "none.npy")
        npy(self.path("scalar.npy"), "f", (), [1])
        self.fail_with(["'scalar.npy'"], *small, "scalar.npy")
        npy(self.path("pair.npy"), "f", (1, 2), [1, 2])
        self.fail_with(["--int8", "'two.onnx'", "2 inputs and 2 outputs"], "run", "two.onnx", "pair.npy", "pair.npy",
                       "--int8", "pair.npy")
        (self.folder / "sigmoid.onnx").write_bytes(
            onnx_file.model([onnx_file.node("Sigmoid", ["x"], ["y"])], {"x": [1, 2, 1, 2]}, {"y": [1, 2, 1, 2]}))
        self.fail_with(["'sigmoid.onnx'", "Sigmoid"], "run", "sigmoid.onnx", "small.npy", "--int8", "small.npy")
        self.fail_with(["--int8", "--exact"], *small, "small.npy", "--exact")

    def test_run_failures(self):
        npy(self.path("int.npy"), "i", (1, 2, 1, 2), [1] * 4)
        self.fail_with(["'two.onnx'", "'a', 'b'", "1 arrays for 2 inputs"], "run", "two.onnx", "small.npy")
        self.fail_with(["2 files for 1 outputs"], "run", "small.onnx", "small.npy", "-o", "p.npy", "-o", "q.npy")
        self.fail_with(["'x.npy'"], "run", "x.npy", "small.npy")
        self.fail_with(["'int.npy'", "i4"], "run", "small.onnx", "int.npy")
        self.fail_with(["'batch.onnx'", "[8,32,16,16]", "[-1,2,1,2]"], "run", "batch.onnx", "x.npy")
        self.fail_with(["'unknown.onnx'", "'Nothing'"], "run", "unknown.onnx", "small.npy")
        self.fail_with(["missing.onnx", "No such file"], "run", "missing.onnx", "small.npy")
        self.fail_with(["--threads"], "run", "small.onnx", "small.npy", "--threads", "0")
        (self.folder / "cut.onnx").write_bytes((self.folder / "small.onnx").read_bytes()[:60])
        self.fail_with(["'cut.onnx'", "ends"], "run", "cut.onnx", "small.npy")

    def test_info(self):
        found = self.object("info", "small.onnx")
        self.assertEqual((found["kind"], found["name"], found["runs"], found["error"]), ("network", "net", True, None))
        self.assertEqual(found["operators"], {"Conv": 1, "Relu": 1})
        self.assertEqual((found["nodes"], found["parameters"], found["multiply_adds"]), (2, 6, 8))
        self.assertEqual(found["outputs"], [{"name": "y", "shape": [1, 2, 1, 2]}])
        self.assertGreaterEqual(found["activation_bytes"], 0)
        self.assertIn("8 multiply-adds", self.succeed("info", "batch.onnx"))
        found = self.object("info", "open.onnx")
        self.assertEqual((found["runs"], found["multiply_adds"], found["inputs"][0]["shape"]), (True, None, [1, 2, -1, -1]))
        found = self.object("info", "unknown.onnx")
        self.assertEqual((found["runs"], found["operators"]), (False, {"Nothing": 1}))
        self.assertIn("Nothing", found["error"])
        self.assertIn("does not run", self.succeed("info", "unknown.onnx"))

    def test_eval(self):
        self.succeed("calibrate", "x.npy", "--ratio", "8,200", "-o", "p.aecnn")
        command = ["eval", "--profile", "p.aecnn", "--tail", "tail.onnx", "x.npy", "--labels", "labels.npy"]
        found = self.object(*command)
        right = (self.COUNT - 1) / self.COUNT
        self.assertEqual((found["tensors"], found["classes"], found["top1"]), (self.COUNT, 3, right))
        self.assertEqual([p["index"] for p in found["operating_points"]], [0, 1])
        self.assertLess(abs(found["operating_points"][0]["ratio"] / 8 - 1), 0.1)
        self.assertAlmostEqual(found["operating_points"][0]["top1"], right, delta=0.26)
        self.assertLess(found["operating_points"][0]["relative_error"], found["operating_points"][1]["relative_error"])
        one = self.object(*command, "--op", "1", "--mode", "max")
        self.assertEqual([p["index"] for p in one["operating_points"]], [1])
        self.assertEqual(one["operating_points"][0]["top1"], found["operating_points"][1]["top1"])
        encoded = self.object("encode", "--profile", "p.aecnn", "x.npy", "--op", "1", "-o", "e.aecf")
        self.assertEqual(found["operating_points"][1]["mean_bytes"], encoded["mean_bytes"])
        self.assertIn("uncompressed", self.succeed(*command))
        npy(self.path("few.npy"), "q", (2,), [0, 1])
        npy(self.path("high.npy"), "q", (self.COUNT,), [3] * self.COUNT)
        npy(self.path("real.npy"), "f", (self.COUNT,), [0] * self.COUNT)
        replaced = lambda name: [*command[:-1], name]
        self.fail_with(["'few.npy'", "each of 8"], *replaced("few.npy"))
        self.fail_with(["'high.npy'", "label 3", "0 to 2"], *replaced("high.npy"))
        self.fail_with(["'real.npy'", "integers"], *replaced("real.npy"))
        self.fail_with(["no operating point '7'"], *command, "--op", "7")
        self.fail_with(["'small.onnx'"], *command[:4], "small.onnx", *command[5:])

    def test_pack(self):
        found = self.object("pack", "--decoder", "four.onnx", "--channels", "24,0,8,16", "--bits", "12", "--calibrate",
                            "x.npy", "-o", "four.aecnn")
        self.assertEqual((found["tensors"], found["channels"]), (self.COUNT, [0, 8, 16, 24]))
        self.assertEqual(found["operating_points"][0]["levels"], 4096)
        kept = sum(v * v for i, v in enumerate(self.values) if i // 256 % 8 == 0) / sum(v * v for v in self.values)
        self.assertAlmostEqual(found["operating_points"][0]["expected_error"], 1 - kept, places=4)
        self.succeed("info", "--verify", "four.aecnn")
        self.succeed("encode", "--profile", "four.aecnn", "x.npy", "-o", "four.aecf")
        self.succeed("decode", "--profile", "four.aecnn", "four.aecf", "-o", "four.npy")
        decoded = read_npy(self.path("four.npy"))[1]
        largest = max(self.values)
        for i, (x, y) in enumerate(zip(self.values, decoded)):
            self.assertLessEqual(abs(y - (x if i // 256 % 8 == 0 else 0)), largest / 4000)
        errors = [self.object("pack", "--decoder", "four.onnx", "--channels", "0,8,16,24", "--bits", b, "--calibrate",
                              "x.npy", "-o", "bits.aecnn")["operating_points"][0] for b in "148"]
        self.assertEqual([e["levels"] for e in errors], [2, 16, 256])
        self.assertGreater(errors[0]["expected_error"], errors[1]["expected_error"])
        self.assertGreater(errors[1]["expected_error"], errors[2]["expected_error"])
        self.assertLess(errors[1]["expected_bytes"], errors[2]["expected_bytes"])

    def test_pack_with_analysis(self):
        everything = ",".join(map(str, range(32)))
        found = self.object("pack", "--decoder", "spread.onnx", "--analysis", "means.onnx", "--channels", everything,
                            "--calibrate", "x.npy", "--bits", "10", "-o", "means.aecnn")
        self.assertEqual((found["operating_points"][0]["stride"], found["operating_points"][0]["latents"]), (2, 32))
        error, squares = 0, 0  # of 2x2 means, which is what is left
        for plane in range(0, len(self.values), 256):
            for y in range(0, 16, 2):
                for x in range(0, 16, 2):
                    four = [self.values[plane + (y + i) * 16 + x + j] for i in (0, 1) for j in (0, 1)]
                    error += sum(v * v for v in four) - sum(four) ** 2 / 4
                    squares += sum(v * v for v in four)
        self.assertAlmostEqual(found["operating_points"][0]["expected_error"], error / squares, delta=1e-3)

    def test_pack_with_attention(self):
        found = self.object("pack", "--decoder", "all.onnx", "--attention", "attention.onnx", "--channels", "32",
                            "--calibrate", "x.npy", "--open-extents", "--no-probe", "--name", "n", "-o", "all.aecnn")
        self.assertEqual((found["name"], found["shape"], found["probe"]), ("n", [32, 0, 0], False))
        self.assertLess(found["operating_points"][0]["relative_error"], 0.02)
        found = self.object("pack", "--decoder", "four.onnx", "--attention", "attention.onnx", "--channels", "4",
                            "--calibrate", "x.npy", "-o", "best.aecnn")
        self.assertEqual(found["channels"], sorted(self.importance[:4]))

    def test_pack_by_step(self):
        # Symbols are what a trainer rounds to, and the decoder gets them times the step.
        step = 0.125
        found = self.object("pack", "--decoder", "four.onnx", "--channels", "0,8,16,24", "--step", str(step),
                            "--calibrate", "x.npy", "-o", "step.aecnn")["operating_points"][0]
        expected = [math.floor(v / step + 0.5) for i, v in enumerate(self.values) if i // 256 % 8 == 0]
        self.assertEqual((found["zero"], found["levels"], found["name"]), (0, max(expected) + 2, "step 0.125"))
        self.assertEqual(found["lambda"], 0)
        encoded = self.object("encode", "--profile", "step.aecnn", "x.npy", "--symbols", "s.npy", "-o", "step.aecf")
        self.assertEqual(encoded["symbols"], "s.npy")
        shape, symbols = read_npy(self.path("s.npy"))
        self.assertEqual(shape, (self.COUNT, 4, 16, 16))
        self.assertEqual(list(symbols), expected)
        self.object("decode", "--profile", "step.aecnn", "step.aecf", "--symbols", "d.npy", "-o", "step.npy")
        self.assertEqual(read_npy(self.path("d.npy")), (shape, symbols))
        decoded = read_npy(self.path("step.npy"))[1]
        self.assertEqual([v for i, v in enumerate(decoded) if i // 256 % 8 == 0], [v * step for v in expected])
        # A network's latents, biased by 5: means of four pixels in steps of 0.25.
        everything = ",".join(map(str, range(32)))
        options = ["pack", "--decoder", "spread.onnx", "--analysis", "means.onnx", "--channels", everything,
                   "--calibrate", "x.npy", "--step", "0.25"]
        found = self.object(*options, "-o", "latents.aecnn")["operating_points"][0]
        self.succeed("encode", "--profile", "latents.aecnn", "x.npy", "--symbols", "l.npy", "-o", "l.aecf")
        shape, symbols = read_npy(self.path("l.npy"))
        self.assertEqual(shape, (self.COUNT, 32, 8, 8))
        near = 0
        for n, symbol in enumerate(symbols):
            plane, y, x = n // 64, n // 8 % 8, n % 8
            latent = sum(self.values[plane * 256 + (2 * y + i) * 16 + 2 * x + j] for i in (0, 1) for j in (0, 1)) + 20
            self.assertLess(abs(symbol - found["zero"] - latent), 0.51)
            near += abs(symbol - found["zero"] - latent) > 0.5
        self.assertLess(near, len(symbols) / 500)
        # The price of a bit moves symbols towards zero, in fewer bytes.
        priced = self.object(*options, "--lambda", "8000", "-o", "priced.aecnn")["operating_points"][0]
        self.assertEqual(priced["lambda"], 8000)
        self.assertLess(priced["expected_bytes"], found["expected_bytes"])

    def test_pack_in_float16(self):
        sizes = []
        for more in ([], ["--float16"]):
            self.succeed("pack", "--decoder", "odd.onnx", "--channels", ",".join(map(str, range(32))), "--calibrate",
                         "x.npy", "--no-probe", *more, "-o", "half.aecnn")
            sizes.append((self.folder / "half.aecnn").stat().st_size)
        self.assertLess(abs(sizes[0] - sizes[1] - 2 * 32 * 32), 64)
        data = (self.folder / "half.aecnn").read_bytes()
        header = json.loads(data[8:8 + struct.unpack("<Q", data[:8])[0]])
        self.assertEqual(header["network0.w"]["dtype"], "F16")
        self.succeed("info", "half.aecnn")

    def test_merge(self):
        options = ["pack", "--channels", "0,8,16,24", "--calibrate", "x.npy", "--decoder"]
        self.succeed(*options, "four.onnx", "--bits", "8", "-o", "m8.aecnn")
        self.succeed(*options, "four.onnx", "--bits", "4", "-o", "m4.aecnn")
        self.succeed(*options, "twice.onnx", "--bits", "2", "-o", "m2.aecnn")
        found = self.object("merge", "m8.aecnn", "m4.aecnn", "m2.aecnn", "--name", "ladder", "--names", "a,b,c", "-o",
                            "m.aecnn")
        parts = [self.object("info", f"m{b}.aecnn")["operating_points"][0] for b in "842"]
        self.assertEqual((found["name"], found["profiles"]), ("ladder", ["m8.aecnn", "m4.aecnn", "m2.aecnn"]))
        self.assertEqual([o["name"] for o in found["operating_points"]], ["a", "b", "c"])
        self.assertEqual([o["decoder"] for o in found["operating_points"]], ["decoder", "decoder", "decoder.1"])
        for part, point in zip(parts, found["operating_points"]):
            for key in ("levels", "expected_bytes", "expected_error"):
                self.assertEqual(part[key], point[key])
        self.assertEqual([n["name"] for n in found["networks"]], ["decoder", "decoder.1"])
        self.succeed("info", "--verify", "m.aecnn")
        for b, point in (("8", "a"), ("2", "c")):
            self.succeed("encode", "--profile", "m.aecnn", "--op", point, "x.npy", "-o", "m.aecf")
            self.succeed("decode", "--profile", "m.aecnn", "m.aecf", "-o", "m.npy")
            self.succeed("encode", "--profile", f"m{b}.aecnn", "x.npy", "-o", "one.aecf")
            self.succeed("decode", "--profile", f"m{b}.aecnn", "one.aecf", "-o", "one.npy")
            self.assertEqual(read_npy(self.path("m.npy")), read_npy(self.path("one.npy")))
        self.assertIn("from 2 profiles", self.succeed("merge", "m8.aecnn", "m4.aecnn", "-o", "m.aecnn"))
        failing = lambda needles, *a: self.fail_with(needles, "merge", *a, "-o", "n.aecnn")
        failing(["'m8.aecnn', 'm4.aecnn'", "1 names", "2 operating points"], "m8.aecnn", "m4.aecnn", "--names", "a")
        failing(["33 operating points", "32"], *["m8.aecnn"] * 33)
        failing(["'x.npy'"], "m8.aecnn", "x.npy")
        failing(["profiles"])
        self.succeed("pack", "--channels", ",".join(map(str, range(32))), "--calibrate", "x.npy", "--decoder", "all.onnx",
                     "--open-extents", "-o", "open.aecnn")
        failing(["profile 1", "32x16x16"], "m8.aecnn", "open.aecnn")

    def test_pack_failures(self):
        start = ["pack", "--calibrate", "x.npy", "-o", "n.aecnn"]
        failing = lambda needles, *a: self.fail_with(needles, *start, *a)
        failing(["'all.onnx'", "[1,32,-1,-1]", "4x16x16"], "--decoder", "all.onnx", "--channels", "0,1,2,3")
        failing(["'small.onnx'", "[1,2,1,2]"], "--decoder", "small.onnx", "--channels", "0,1")
        failing(["'tail.onnx'", "[1,3]", "32x16x16"], "--decoder", "tail.onnx", "--channels", ",".join(map(str, range(32))))
        failing(["'two.onnx'", "2 inputs"], "--decoder", "two.onnx", "--channels", "0,1")
        failing(["'unknown.onnx'"], "--decoder", "unknown.onnx", "--channels", "0,1")
        for channels in ("32", "0,", "a", "-1", "0,0", ""):
            failing(["--channels"], "--decoder", "four.onnx", f"--channels={channels}")
        failing(["32 channels, 4 are sent"], "--decoder", "four.onnx", "--analysis", "means.onnx", "--channels", "0,1,2,3")
        failing(["'small.onnx'", "analysis network", "4 channels", "expects 2"], "--decoder", "four.onnx", "--analysis", "small.onnx",
                "--channels", "0,1,2,3")
        failing(["'four.onnx'"], "--decoder", "four.onnx", "--attention", "four.onnx", "--channels", "4")
        failing(["--attention", "without effect"], "--decoder", "four.onnx", "--attention", "attention.onnx", "--channels",
                "0,1,2,3")
        failing(["--bits"], "--decoder", "four.onnx", "--channels", "0,8,16,24", "--bits", "17")
        failing(["--step", "--bits"], "--decoder", "four.onnx", "--channels", "0,8,16,24", "--bits", "7", "--step", "1")
        failing(["step nan"], "--decoder", "four.onnx", "--channels", "0,8,16,24", "--step", "nan")
        for step in ("0", "-1", "a"):
            failing(["--step"], "--decoder", "four.onnx", "--channels", "0,8,16,24", f"--step={step}")
        failing(["step 1e-06", "65534 levels"], "--decoder", "four.onnx", "--channels", "0,8,16,24", "--step", "1e-6")
        failing(["--lambda"], "--decoder", "four.onnx", "--channels", "0,8,16,24", "--lambda", "-1")


class Usage(ProgramTest):
    def test_help_and_version(self):
        self.assertRegex(self.succeed("--version"), r"\Aaecnn \d+\.\d+\.\d+\n\Z")
        for command in ([], ["calibrate"], ["encode"], ["decode"], ["info"], ["merge"], ["symbols"], ["symbols", "encode"],
                        ["symbols", "decode"]):
            self.assertIn("Usage", self.succeed(*command, "--help"))

    def test_usage_errors(self):
        self.fail_with(["subcommand"])
        self.fail_with(["'compress'", "calibrate", "encode", "decode", "info", "merge", "symbols"], "compress")
        self.fail_with([], "--unknown")
        self.fail_with(["--unknown", "aecnn info --help"], "info", "x.npy", "--unknown")
        self.fail_with(["--unknown"], "encode", "--profile", "p", "x.npy", "-o", "n", "--unknown")
        self.fail_with(["--unknown"], "decode", "--profile", "p", "x.npy", "-o", "n", "--unknown")
        self.fail_with(["--unknown"], "calibrate", "x.npy", "--ratio", "3", "-o", "n", "--unknown")
        self.fail_with(["--unknown"], "symbols", "decode", "x.npy", "-o", "n", "--unknown")
        for command in (["calibrate"], ["encode"], ["decode"], ["info"], ["merge"], ["symbols", "encode"], ["symbols", "decode"],
                        ["run"], ["eval"], ["pack"]):
            self.fail_with(["required", f"aecnn {' '.join(command)} --help"], *command)
        self.fail_with(["x.npy"], "info", "x.npy", "x.npy")

    def test_odd_names(self):
        for name in (b"new\nline.npy", b"\xff\xfe.npy", "\u20ac \"quoted\".npy".encode()):
            self.fail_with(["No such file"], "info", name)
            shutil.copy(self.folder / "x.npy", os.path.join(os.fsencode(self.folder), name))
            options = ["--shape", f"1x1x{os.path.getsize(self.path('x.npy'))}", "--levels", "256", "--repeat", "1"]
            made = self.object("symbols", "encode", *options, name, "-o", name + b".aecs")
            self.assertTrue(made["output"].endswith(".aecs"))
            self.assertEqual(self.object("info", name)["kind"], "npy")

    @unittest.skipUnless(os.path.exists("/dev/full"), "no /dev/full")
    def test_unwritable_streams(self):
        with open("/dev/full", "wb") as full:
            r = subprocess.run([PROGRAM, "info", "x.npy"], cwd=self.folder, stdin=subprocess.DEVNULL, stdout=full,
                               stderr=subprocess.PIPE, timeout=60)
        self.assertEqual((r.returncode, r.stderr.count(b"\n")), (1, 1))
        self.assertIn(b"standard output", r.stderr)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__.strip())
    PROGRAM, EXAMPLE_DATA = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
