"""Tests of the training program's base: configuration, data, backbones, splitting and the loop."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tempfile
import unittest
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn

PROGRAMS = Path(__file__).resolve().parents[2] / "examples" / "training"
sys.path.insert(0, str(PROGRAMS))

from aecnn_training import (  # noqa: E402
    backbones,
    config,
    data,
    evaluate,
    features,
    imitation,
    loop,
    split,
)


class Case(unittest.TestCase):
    def setUp(self) -> None:
        torch.set_num_threads(1)
        torch.manual_seed(0)
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)


@dataclass(frozen=True)
class Section:
    rate: float
    count: int = 3
    file: Path | None = None
    title: str = ""
    sizes: tuple[int, int] = (1, 2)
    names: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.count < 0:
            raise ValueError(f"count: expected at least 0, found {self.count}")


class ConfigTest(Case):
    def read(self, text: str, **sections):
        path = self.folder / "a.toml"
        path.write_text(text, encoding="utf-8")
        return config.read(path, sections or {"s": Section}, Path("/data"))

    def test_values(self) -> None:
        s = self.read(
            '[s]\nrate = 1\nfile = "x.npz"\ntitle = "{data}/y"\nsizes = [3, 4]\nnames = ["a"]\n'
        )["s"]
        self.assertEqual((s.rate, s.count, s.sizes, s.names), (1.0, 3, (3, 4), ["a"]))
        self.assertIsInstance(s.rate, float)
        self.assertEqual(s.file, self.folder / "x.npz")
        self.assertEqual(s.title, "/data/y")
        self.assertEqual(self.read('[s]\nrate = 1\nfile = "{data}/z"')["s"].file, Path("/data/z"))

    def test_many(self) -> None:
        many = config.Many(Section, least=1)
        points = self.read("[[p]]\nrate = 1.5\n[[p]]\nrate = 2\ncount = 1", p=many)["p"]
        self.assertEqual([(p.rate, p.count) for p in points], [(1.5, 3), (2.0, 1)])
        for text in ("", "[p]\nrate = 1", "[[p]]\nrat = 1"):
            with self.assertRaises(config.ConfigurationError):
                self.read(text, p=many)

    def test_errors_name_file_and_key(self) -> None:
        for text, expected in (
            ("[s]\n", "'s.rate' is missing"),
            ("[s]\nrate = 1\ncuont = 2", "did you mean 'count'"),
            ("[t]\nrate = 1", "unknown key 't'"),
            ('[s]\nrate = "a"', "'s.rate': expected a number"),
            ("[s]\nrate = true", "expected a number, found a boolean"),
            ("[s]\nrate = 1\ncount = 1.5", "'s.count': expected an integer"),
            ("[s]\nrate = 1\nsizes = [1]", "expected 2 values, found 1"),
            ("[s]\nrate = 1\nnames = [1]", "'s.names[0]': expected a string"),
            ("[s]\nrate = 1\ncount = -1", "count: expected at least 0"),
            ("[s", "not a TOML file"),
        ):
            with self.subTest(text), self.assertRaises(config.ConfigurationError) as caught:
                self.read(text)
            self.assertIn(expected, str(caught.exception))
            self.assertIn("a.toml", str(caught.exception))


class DataTest(Case):
    def write(self, count: int = 12, size: int = 8) -> Path:
        pieces = []
        for index in range(count):
            buffer = io.BytesIO()
            Image.new("RGB", (size, size), (20 * index, 0, 0)).save(buffer, "PNG")
            pieces.append(buffer.getvalue())
        path = self.folder / "set.npz"
        np.savez(
            path,
            jpeg=np.frombuffer(b"".join(pieces), np.uint8),
            labels=np.arange(count, dtype=np.uint8) % 3,
            offsets=np.cumsum([0] + [len(piece) for piece in pieces]).astype(np.uint32),
        )
        return path

    def test_coded_file(self) -> None:
        images = data.load(self.write(), 8)
        self.assertEqual((list(images.images.shape), images.classes), ([12, 3, 8, 8], 3))
        self.assertEqual(images.images[:, 0, 0, 0].tolist(), [20 * index for index in range(12)])
        self.assertEqual(list(data.load(self.write(), 4).images.shape), [12, 3, 4, 4])

    def test_plain_file_and_folder_agree(self) -> None:
        pixels = np.random.default_rng(0).integers(0, 256, (4, 6, 9, 3), dtype=np.uint8)
        np.savez(self.folder / "plain.npz", images=pixels, labels=np.array([0, 0, 1, 1]))
        for index, image in enumerate(pixels):
            path = self.folder / "tree" / "ab"[index // 2] / f"{index}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(path)
        plain, tree = data.load(self.folder / "plain.npz", 6), data.load(self.folder / "tree", 6)
        self.assertTrue(
            torch.equal(plain.images, tree.images) and torch.equal(plain.labels, tree.labels)
        )

    def test_validation_is_the_end_of_training(self) -> None:
        path = self.write()
        parts = data.load_parts(data.DataConfig(train=path, test=path, validation_count=4), 8)
        self.assertEqual(
            [len(part) for part in (parts.train, parts.validation, parts.test)], [8, 4, 12]
        )
        self.assertEqual(int(parts.validation.images[0, 0, 0, 0]), 160)
        with self.assertRaises(data.DataError):
            data.load_parts(data.DataConfig(train=path, test=path, validation_count=12), 8)
        with self.assertRaises(ValueError):
            data.DataConfig(train=path, test=path)

    def test_bad_files(self) -> None:
        np.savez(self.folder / "other.npz", a=np.zeros(3))
        (self.folder / "broken.npz").write_bytes(b"no")
        for name, expected in (
            ("other.npz", "found a"),
            ("broken.npz", "cannot be read"),
            ("none.txt", "none.txt"),
        ):
            with self.assertRaisesRegex(data.DataError, expected):
                data.load(self.folder / name, 8)

    def test_division_by_class(self) -> None:
        labels = torch.arange(200) % 4
        train, validation, test = data.divide_by_class(labels, 10, 5, 30)
        self.assertEqual([len(part) for part in (train, validation, test)], [40, 20, 120])
        self.assertEqual(len(torch.cat([train, validation, test]).unique()), 180)
        self.assertTrue((labels[train].bincount() == 10).all())

    def test_batches(self) -> None:
        batches = data.Batches(10, 3, seed=1)
        epoch = torch.cat([batches.rows(step) for step in range(3)])
        self.assertEqual(len(epoch.unique()), 9)
        self.assertTrue(torch.equal(batches.rows(4), data.Batches(10, 3, seed=1).rows(4)))
        many = data.Batches(1000, 1000, seed=1)
        self.assertFalse(torch.equal(many.rows(0), many.rows(1)))
        self.assertFalse(torch.equal(many.rows(0), data.Batches(1000, 1000, seed=2).rows(0)))

    def test_flip_and_shift(self) -> None:
        images = torch.randint(1, 256, (64, 3, 9, 7), dtype=torch.uint8)
        shifted = data.flip_and_shift(images, torch.Generator().manual_seed(3), border=2)
        self.assertEqual((shifted.dtype, shifted.shape), (torch.uint8, images.shape))
        padded = torch.nn.functional.pad(images, (2, 2, 2, 2))
        seen = set()
        for before, after in zip(padded, shifted):
            found = [
                (y, x, mirrored)
                for y in range(5)
                for x in range(5)
                for mirrored in (False, True)
                if torch.equal(
                    after.flip(2) if mirrored else after, before[:, y : y + 9, x : x + 7]
                )
            ]
            self.assertEqual(len(found), 1)
            seen.update(found)
        self.assertGreater(len(seen), 20)
        again = data.flip_and_shift(images, torch.Generator().manual_seed(3), border=2)
        self.assertTrue(torch.equal(shifted, again))

    def test_flip_and_scale(self) -> None:
        images = torch.randint(0, 256, (16, 3, 12, 12), dtype=torch.uint8)
        whole = data.flip_and_scale(
            images, torch.Generator().manual_seed(1), area=(1.0, 1.0), aspect=1.0
        )
        expected = [
            torch.allclose(after, before.float(), atol=1e-2)
            or torch.allclose(after.flip(2), before.float(), atol=1e-2)
            for before, after in zip(images, whole)
        ]
        self.assertTrue(all(expected))
        part = data.flip_and_scale(images, torch.Generator().manual_seed(1))
        self.assertTrue(0 <= float(part.min()) and float(part.max()) <= 255)

    def test_normalise(self) -> None:
        images = torch.full((2, 3, 4, 4), 51, dtype=torch.uint8)
        x = data.normalise(images, (0.1, 0.2, 0.3), (0.5, 0.5, 0.25))
        self.assertTrue(torch.allclose(x[0, :, 0, 0], torch.tensor([0.2, 0.0, -0.4]), atol=1e-6))


class BackboneTest(Case):
    def test_safetensors(self) -> None:
        path = self.folder / "a.safetensors"
        tensors = {"a": torch.randn(2, 3), "b": torch.arange(4), "c": torch.tensor(2.5)}
        backbones.save_safetensors(path, tensors, metadata={"k": "v"})
        read, metadata = backbones.load_safetensors(path)
        self.assertEqual(metadata, {"k": "v"})
        for name, value in tensors.items():
            self.assertTrue(torch.equal(read[name], value) and read[name].dtype == value.dtype)
        backbones.save_safetensors(path, tensors, torch.float16)
        half = backbones.load_safetensors(path)[0]["a"]
        self.assertTrue(torch.equal(half, tensors["a"].half()))
        whole = path.read_bytes()
        for length in (0, 7, 20, len(whole) - 1):
            path.write_bytes(whole[:length])
            with self.assertRaises(backbones.BackboneError):
                backbones.load_safetensors(path)

    def test_weights_must_fit(self) -> None:
        path = self.folder / "a.safetensors"
        model = backbones.CifarResNet(3, 10)
        state = {
            key: value for key, value in model.state_dict().items() if "num_batches" not in key
        }
        wanted = backbones.BackboneConfig("cifar_resnet20", 32, weights_file=path)
        backbones.save_safetensors(path, state)
        loaded = backbones.load(wanted, 10).model
        x = torch.randn(2, 3, 32, 32)
        self.assertTrue(torch.equal(loaded(x), model.eval()(x)))
        with self.assertRaisesRegex(backbones.BackboneError, "linear.weight: expected shape"):
            backbones.load(wanted, 7)
        del state["conv1.weight"]
        backbones.save_safetensors(path, state)
        with self.assertRaisesRegex(backbones.BackboneError, "1 missing .conv1.weight"):
            backbones.load(wanted, 10)

    def test_torchvision_heads(self) -> None:
        for name, size in (("resnet18", 64), ("mobilenet_v2", 64), ("squeezenet1_1", 64)):
            model = backbones.load(backbones.BackboneConfig(name, size), 5).model
            with torch.no_grad():
                self.assertEqual(list(model(torch.randn(1, 3, size, size)).shape), [1, 5])
        for name in ("resnet1000", "ResNet", "_api", "resnet"):
            with self.assertRaisesRegex(backbones.BackboneError, name):
                backbones.load(backbones.BackboneConfig(name, 32), 5)

    def test_file_of_other_class_count(self) -> None:
        path = self.folder / "a.pth"
        torch.save(
            backbones.load(backbones.BackboneConfig("resnet18", 32), 7).model.state_dict(), path
        )
        model = backbones.load(backbones.BackboneConfig("resnet18", 32, weights_file=path), 5).model
        self.assertEqual(model.fc.out_features, 5)

    def test_keras_padding(self) -> None:
        model = backbones.KerasMobileNetV2(5).eval()
        self.assertEqual(list(model(torch.randn(1, 3, 64, 64)).shape), [1, 5])
        x = torch.randn(1, 3, 8, 8)
        first = model.features[0]
        expected = torch.nn.functional.conv2d(
            torch.nn.functional.pad(x, (0, 1, 0, 1)), first.weight, first.bias, 2
        )
        self.assertTrue(torch.equal(first(x), expected))

    def test_bfloat16_has_gradients(self) -> None:
        model = backbones.KerasMobileNetV2(5)
        with loop.compute_precision(torch.device("cpu"), "bfloat16"):
            logits = model(torch.randn(1, 3, 32, 32))
        logits.float().sum().backward()
        self.assertIsNotNone(model.features[0].weight.grad)


class SplitTest(Case):
    def test_halves_compute_the_whole(self) -> None:
        x = torch.randn(2, 3, 32, 32)
        for name, layer, shape in (
            ("cifar_resnet20", "layer2", [2, 32, 16, 16]),
            ("cifar_resnet20", "layer3.1.relu", [2, 64, 8, 8]),
            ("cifar_resnet20", "relu", [2, 16, 32, 32]),
            ("mobilenet_v2_keras", "features.13", [2, 96, 2, 2]),
            ("mobilenet_v2", "features.13", [2, 96, 2, 2]),
            ("resnet18", "layer2", [2, 128, 4, 4]),
        ):
            with self.subTest(name=name, layer=layer):
                model = backbones.load(backbones.BackboneConfig(name, 32), 5).model
                head, tail = split.split(model, layer, x)
                features = head(x)
                kept = features.clone()
                self.assertEqual(list(features.shape), shape)
                self.assertTrue(torch.equal(tail(features), model(x)))
                self.assertTrue(torch.equal(features, kept))
                own = {id(parameter) for parameter in model.parameters()}
                self.assertEqual({id(p) for part in (head, tail) for p in part.parameters()}, own)
                logits, last = split.tail_with_features(tail)(features)
                self.assertTrue(torch.equal(logits, model(x)))
                self.assertEqual(last.dim(), 4)

    def test_tails_are_divided_again(self) -> None:
        x = torch.randn(2, 3, 32, 32)
        for name, layer, layers, shape in (
            ("mobilenet_v2_keras", "features.13", "features.14", [2, 160, 1, 1]),
            ("mobilenet_v2_keras", "features.10", "features.14", [2, 160, 1, 1]),
            ("cifar_resnet20", "layer2", "layer3.0", [2, 64, 8, 8]),
        ):
            with self.subTest(name=name, layers=layers):
                model = backbones.load(backbones.BackboneConfig(name, 32), 5).model
                head, tail = split.split(model, layer, x)
                tail = split.fold_batch_norm(tail)
                first, rest = split.divide(tail, layers)
                features = head(x)
                self.assertEqual(list(first(features).shape), shape)
                self.assertTrue(torch.equal(rest(first(features)), tail(features)))
                own = {id(parameter) for parameter in tail.parameters()}
                self.assertEqual({id(p) for part in (first, rest) for p in part.parameters()}, own)
                with self.assertRaisesRegex(split.SplitError, "belongs to it"):
                    split.divide(tail, "features.2")
        with self.assertRaisesRegex(split.SplitError, "needed behind it"):
            split.divide(tail, "layer3.0.conv1")

    def test_light_copies(self) -> None:
        x = torch.randn(2, 3, 32, 32)
        for name, layer, layers, shape in (
            ("mobilenet_v2_keras", "features.10", ["features.11", "features.14"], [2, 160, 1, 1]),
            ("mobilenet_v2", "features.10", ["features.11", "features.14"], [2, 160, 1, 1]),
            ("cifar_resnet20", "layer2", ["layer3.0", "layer3.2"], [2, 64, 8, 8]),
        ):
            with self.subTest(name=name):
                model = backbones.load(backbones.BackboneConfig(name, 32), 5).model
                head, tail = split.split(model, layer, x)
                head, tail = head.eval(), split.fold_batch_norm(tail)
                features = head(x)
                whole, _ = split.divide(tail, layers[0])
                self.assertTrue(
                    torch.equal(imitation.light_copy(tail, layers[:1], 1)(features), whole(features))
                )
                before = [p.clone() for p in tail.parameters()]
                light = imitation.light_copy(tail, layers, 0.5)
                self.assertEqual(list(light(features).shape), shape)
                count = sum(p.numel() for p in light.parameters())
                full = sum(p.numel() for p in imitation.light_copy(tail, layers, 1).parameters())
                self.assertEqual(count < 0.55 * full, "mobilenet" in name)
                for a, b in zip(before, tail.parameters()):
                    self.assertTrue(torch.equal(a, b))

    def test_a_copy_learns_to_imitate(self) -> None:
        x = torch.randn(64, 4, 6, 6)
        sent = features.FeatureSet(x[None].numpy().astype(np.float16), torch.zeros(64).long())
        wanted, light = nn.Conv2d(4, 3, 1), nn.Conv2d(4, 3, 1)
        before = float((wanted(x) - light(x)).square().mean())
        with tempfile.TemporaryDirectory() as folder:
            imitation.imitate(light, wanted, sent, 200, 1, Path(folder), 0.02, 16)
        self.assertLess(float((wanted(x) - light(x)).square().mean()), 0.05 * before)

    def test_modes_are_shared_and_restored(self) -> None:
        model = backbones.CifarResNet(3, 5).train()
        _, tail = split.split(model, "layer2", torch.randn(1, 3, 32, 32))
        self.assertTrue(model.training and model.layer3[0].bn1.training and tail.training)
        tail.eval()
        self.assertFalse(model.layer3[0].bn1.training)
        self.assertTrue(model.layer1[0].bn1.training)

    def test_errors(self) -> None:
        x = torch.randn(1, 3, 32, 32)
        model = backbones.CifarResNet(3, 5)
        with self.assertRaisesRegex(split.SplitError, "'layer22' does not exist.*layer2"):
            split.split(model, "layer22", x)
        # Inside a block the shortcut crosses too.
        with self.assertRaisesRegex(
            split.SplitError, "layer2.1.conv2.*result of 'layer2.0.relu' crosses"
        ):
            split.split(model, "layer2.1.conv2", x)
        with self.assertRaisesRegex(split.SplitError, "no global pooling"):
            split.tail_with_features(split.split(nn.Sequential(nn.ReLU(), nn.ReLU()), "0", x)[1])

    def test_last_pooling_is_the_global_one(self) -> None:
        class Mean(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.conv = nn.Conv2d(3, 4, 3)

            def forward(self, x: torch.Tensor) -> torch.Tensor:
                x = self.conv(x)
                return (x * torch.sigmoid(x.mean((2, 3), keepdim=True))).mean([-2, -1])

        x = torch.randn(2, 3, 8, 8)
        head, tail = split.split(nn.Sequential(nn.ReLU(), Mean()), "0", x)
        logits, features = split.tail_with_features(tail)(head(x))
        self.assertTrue(torch.equal(features.mean([-2, -1]), logits))

    def test_fold_batch_norm(self) -> None:
        model = backbones.CifarResNet(3, 5)
        model(torch.randn(8, 3, 32, 32))
        x = torch.randn(2, 3, 32, 32)
        _, tail = split.split(model.eval(), "layer2", x)
        features = torch.rand(2, 32, 16, 16)
        folded = split.fold_batch_norm(tail)
        self.assertFalse(any(isinstance(module, nn.BatchNorm2d) for module in folded.modules()))
        self.assertTrue(torch.allclose(folded(features), tail(features), atol=1e-4))
        self.assertTrue(any(isinstance(module, nn.BatchNorm2d) for module in tail.modules()))


class Interrupted(Exception):
    pass


class LoopTest(Case):
    def toy(self, folder: Path, stop_at: int | None = None, steps: int = 23, **changes):
        """Trains a small network with noise and dropout; returns its state and how often it
        stepped."""
        torch.manual_seed(5)
        model = nn.Sequential(
            nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 1)
        )
        model.train()
        generator = torch.Generator().manual_seed(7)
        calls = []

        def step(number: int) -> dict[str, torch.Tensor]:
            if number == stop_at:
                raise Interrupted
            calls.append(number)
            x = torch.randn(16, 4, generator=generator)
            error = (model(x)[:, 0] - x.sum(1)).square().mean()
            return {"loss": error, "error": error}

        options = loop.FitOptions(
            **{
                "steps": steps,
                "warmup_steps": 3,
                "checkpoint_every": 5,
                "log_every": 4,
                "evaluate_every": 6,
                "average": 0.9,
                **changes,
            }
        )
        groups = loop.decayed_groups([model], 0.05, 0.01)
        figures = loop.fit(
            "toy",
            {"model": model},
            groups,
            step,
            options,
            folder=folder,
            generator=generator,
            evaluate=lambda: {"first": float(model[0].weight[0, 0])},
            report=lambda line: None,
        )
        return model.state_dict(), calls, figures

    def assert_same(self, a, b) -> None:
        for key in a:
            self.assertTrue(torch.equal(a[key], b[key]), key)

    def test_resumed_is_uninterrupted(self) -> None:
        for changes in ({}, {"optimizer": "sgd", "average": 0.0, "gradient_norm": 1.0}):
            kind = changes.get("optimizer", "adamw")
            whole, calls, figures = self.toy(self.folder / f"{kind}_whole", **changes)
            self.assertEqual(calls, list(range(23)))
            for stop_at in (3, 13):
                with self.assertRaises(Interrupted):
                    self.toy(self.folder / f"{kind}_cut", stop_at, **changes)
            resumed, calls, again = self.toy(self.folder / f"{kind}_cut", **changes)
            self.assertEqual(calls, list(range(10, 23)))
            self.assert_same(whole, resumed)
            self.assertEqual(figures["first"], again["first"])
            logs = [
                [
                    json.loads(line)["step"]
                    for line in (self.folder / f"{kind}_{name}" / "toy.jsonl")
                    .read_text()
                    .splitlines()
                ]
                for name in ("whole", "cut")
            ]
            self.assertEqual(logs[0], logs[1])

    def test_finished_is_not_run_again(self) -> None:
        whole, _, figures = self.toy(self.folder)
        again, calls, same = self.toy(self.folder)
        self.assertEqual(calls, [])
        self.assert_same(whole, again)
        self.assertEqual(figures, same)

    def test_other_options_are_refused(self) -> None:
        self.toy(self.folder)
        with self.assertRaisesRegex(loop.CheckpointError, "toy.checkpoint.*steps = 23, now 24"):
            self.toy(self.folder, steps=24)

    def test_average_is_evaluated_and_kept(self) -> None:
        state, _, figures = self.toy(self.folder)
        plain, _, _ = self.toy(self.folder / "plain", average=0.0)
        self.assertFalse(torch.equal(state["0.weight"], plain["0.weight"]))
        self.assertEqual(figures["first"], float(state["0.weight"][0, 0]))

    def test_rates(self) -> None:
        options = loop.FitOptions(steps=10, warmup_steps=2)
        rates = [options.rate(step) for step in range(10)]
        self.assertEqual(rates[:3], [0.5, 1.0, 1.0])
        self.assertTrue(all(a > b for a, b in zip(rates[2:], rates[3:])) and rates[-1] < 0.05)

    def test_loss_must_be_finite(self) -> None:
        weight = nn.Linear(1, 1)
        with self.assertRaisesRegex(FloatingPointError, "bad: loss is nan at step 1"):
            loop.fit(
                "bad",
                {"m": weight},
                loop.decayed_groups([weight], 0.1, 0.0),
                lambda step: {"loss": weight(torch.full((1, 1), float("nan"))).sum()},
                loop.FitOptions(steps=2, log_every=1),
                folder=self.folder,
                generator=torch.Generator(),
                report=lambda line: None,
            )


class EvaluateTest(Case):
    def test_top1(self) -> None:
        pixels = torch.zeros(7, 3, 2, 2, dtype=torch.uint8)
        for index in range(7):
            pixels[index, index % 3] = 255
        images = data.ImageSet(pixels, torch.tensor([0, 1, 2, 0, 1, 2, 1]), 3)
        network = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
        accuracy = evaluate.top1(
            network, images, (0, 0, 0), (1, 1, 1), torch.device("cpu"), batch_size=3
        )
        self.assertAlmostEqual(accuracy, 6 / 7)


class ProgramTest(Case):
    def test_train_backbone(self) -> None:
        generator = np.random.default_rng(1)
        np.savez(
            self.folder / "set.npz",
            images=generator.integers(0, 256, (24, 8, 8, 3), dtype=np.uint8),
            labels=np.arange(24) % 2,
        )
        text = (
            '[data]\ntrain = "{data}/set.npz"\ntest = "{data}/set.npz"\nvalidation_count = 8\n'
            '[backbone]\nname = "cifar_resnet20"\nimage_size = 8\n[training]\nbatch_size = 8\n'
        )
        (self.folder / "a.toml").write_text(text, encoding="utf-8")
        out = self.folder / "out"
        command = [
            sys.executable,
            str(PROGRAMS / "train_backbone.py"),
            str(self.folder / "a.toml"),
            "--data",
            str(self.folder),
            "--out",
            str(out),
            "--epochs",
            "2",
            "--threads",
            "1",
        ]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        self.assertEqual(run.returncode, 0, run.stderr)
        result = json.loads(run.stdout)
        self.assertEqual((result["train_images"], result["classes"], result["epochs"]), (16, 2, 2))
        self.assertEqual(result, json.loads((out / "backbone.json").read_text()))
        wanted = backbones.BackboneConfig(
            "cifar_resnet20", 8, weights_file=out / "backbone.safetensors"
        )
        loaded = backbones.load(wanted, 2)
        accuracy = evaluate.top1(
            loaded.model,
            data.load(self.folder / "set.npz", 8),
            loaded.mean,
            loaded.std,
            torch.device("cpu"),
        )
        self.assertAlmostEqual(accuracy, result["test_top1"])
        again = subprocess.run(command, capture_output=True, text=True, check=False)
        self.assertEqual(json.loads(again.stdout), result)
        command[command.index("--epochs") + 1] = "3"
        refused = subprocess.run(command, capture_output=True, text=True, check=False)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("train_backbone:", refused.stderr)
        self.assertIn("now 6", refused.stderr)


if __name__ == "__main__":
    unittest.main()
