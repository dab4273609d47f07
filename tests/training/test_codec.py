"""Tests of the training program's codec: selection, bottlenecks, rate, procedure and export."""

from __future__ import annotations

import os
import sys
import tempfile
import unittest
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import nn

PROGRAMS = Path(__file__).resolve().parents[2] / "examples" / "training"
sys.path.insert(0, str(PROGRAMS))

from aecnn_training import (  # noqa: E402
    attention,
    bottleneck,
    export,
    features,
    images,
    mixing,
    procedure,
    rate,
    sensitivity,
    split,
)


class Tail(nn.Module):
    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, 16, 3, padding=1)
        self.linear = nn.Linear(16, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.linear(torch.relu(self.conv(x)).mean((2, 3)))


class Case(unittest.TestCase):
    def setUp(self) -> None:
        torch.set_num_threads(1)
        torch.manual_seed(0)
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)

    def features(self, count: int = 96, channels: int = 12, side: int = 6) -> features.FeatureSet:
        """Smooth maps of four sources, mixed into the channels with some noise."""
        sources = nn.functional.interpolate(torch.randn(count, 4, 3, 3), side, mode="bilinear")
        mixing = torch.randn(channels, 4)
        x = torch.einsum("cs,nshw->nchw", mixing, sources) + 0.05 * torch.randn(
            count, channels, side, side
        )
        labels = (sources[:, 0].mean((1, 2)) > 0).long()
        return features.FeatureSet(x[None].numpy().astype(np.float16), labels)

    def linear(self, sent: features.FeatureSet, **changes) -> bottleneck.LatentBottleneck:
        """A bottleneck; layers: what the analysis begins with."""
        layers = changes.pop("layers", None)
        stride = changes.get("stride", 2)
        scale = bottleneck.Scale.of(sent)
        seen = sent if layers is None else features.through(layers, sent, 1)
        seen = bottleneck.AnalysisInput(
            seen,
            scale if layers is None else bottleneck.Scale.of(seen),
            changes.pop("channels", range(seen.shape[0])),
            torch.eye(seen.shape[0] * stride * stride, dtype=torch.float64),
            layers,
        )
        options = {
            "size": 40.0,
            "latents": 8,
            "stride": stride,
            "width": 8,
            "blocks": 1,
            "kernel": 3,
        }
        return bottleneck.LatentBottleneck(sent, scale, seen, **{**options, **changes}).eval()

    def layers(self) -> nn.Module:
        """From 12 channels to 10 of half the extents."""
        return nn.Sequential(nn.Conv2d(12, 10, 3, stride=2, padding=1), nn.ReLU())


class Rate(Case):
    def test_likelihoods_add_to_one(self) -> None:
        model = rate.RateModel(1)
        values = torch.arange(-200.0, 201.0)
        with torch.no_grad():
            model.mean.fill_(0.3)
            bits = model(values.reshape(-1, 1, 1, 1))
        self.assertAlmostEqual(float((2.0**-bits).sum()), 1.0, delta=1e-4)

    def test_large_neighbours_make_large_symbols_cheaper(self) -> None:
        model = rate.RateModel(1)
        alone = torch.zeros(1, 1, 3, 3)
        alone[0, 0, 1, 1] = 6
        among = torch.full((1, 1, 3, 3), 6.0)
        with torch.no_grad():
            self.assertLess(float(model(among)) / 9, float(model(alone)))

    def test_starts_near_the_latents(self) -> None:
        latents = 20 * torch.randn(64, 2, 4, 4)
        cold, warm = rate.RateModel(2), rate.RateModel(2)
        warm.start(latents)
        with torch.no_grad():
            self.assertLess(float(warm(latents).mean()), 0.8 * float(cold(latents).mean()))


class Selection(Case):
    def test_reconstruction_prefers_channels_that_predict_others(self) -> None:
        source, other = torch.randn(2, 4000)
        rows = torch.stack([source, source + 0.1 * torch.randn(4000), source, other])
        order = attention.rank_by_reconstruction(torch.cov(rows.double()))
        self.assertIn(order[0], (0, 1, 2))
        self.assertEqual(order[1], 3)
        self.assertEqual(sorted(order), [0, 1, 2, 3])

    def test_covariance_of_patches(self) -> None:
        sent = self.features()
        mean, matrix = attention.covariance(sent, 2)
        x = torch.from_numpy(sent.features[0].astype(np.float64))
        # Element (channel 1, row 0, column 1) of all patches.
        values = x[:, 1, 0::2, 1::2].flatten()
        self.assertAlmostEqual(float(mean[5]), float(values.mean()), places=5)
        variance = float(values.var(unbiased=False))
        self.assertAlmostEqual(float(matrix[5, 5]) / variance, 1, places=4)

    def test_attention_is_averaged_over_the_images(self) -> None:
        sent = self.features(count=10)
        network = attention.ChannelAttention(12)
        with torch.no_grad():
            expected = network.weights(sent.batch(torch.arange(10))).mean(0)
        found = attention.mean_attention(network, sent)
        self.assertTrue(np.allclose(found, expected.numpy(), atol=1e-6))


class Bottlenecks(Case):
    def test_starts_as_the_best_linear_codec(self) -> None:
        """Four sources: with as many latents and fine steps almost nothing is lost."""
        sent = self.features()
        x = sent.batch(torch.arange(96))
        with torch.no_grad():
            few = procedure.relative_error(self.linear(sent, latents=2, size=500.0)(x).features, x)
            enough = procedure.relative_error(
                self.linear(sent, latents=16, size=500.0)(x).features, x
            )
        self.assertLess(float(enough), 0.05)
        self.assertGreater(float(few), 3 * float(enough))

    def test_starts_at_the_wanted_size(self) -> None:
        sent = self.features()
        point = self.linear(sent, size=12.0)
        with torch.no_grad():
            symbols = point(sent.batch(torch.arange(96))).symbols
        bits = 0.0
        for l in range(symbols.shape[1]):
            shares = np.unique(symbols[:, l].numpy(), return_counts=True)[1] / symbols[:, l].numel()
            bits -= float((shares * np.log2(shares)).sum()) * symbols[0, l].numel()
        self.assertAlmostEqual(bits / 8, 12.0, delta=0.5)

    def test_rounds_as_the_library_does(self) -> None:
        x = torch.tensor([-1.5, -0.5, -0.49, 0.5, 1.5, 2.4])
        self.assertEqual(bottleneck.round_away(x).tolist(), [-2, -1, 0, 1, 2, 2])

    def test_extents_that_the_stride_does_not_divide(self) -> None:
        sent = self.features(side=5)
        sending = self.linear(sent)(sent.batch(torch.arange(3)))
        self.assertEqual(list(sending.symbols.shape), [3, 8, 3, 3])
        self.assertEqual(list(sending.features.shape), [3, 12, 5, 5])
        for stride in (1, 2, 4):
            sending = self.linear(sent, stride=stride)(sent.batch(torch.arange(3)))
            self.assertEqual(list(sending.symbols.shape), [3, 8, *[-(-5 // stride)] * 2])

    def test_an_analysis_may_begin_with_layers_of_the_tail(self) -> None:
        sent, layers = self.features(), self.layers()
        for stride, extent in ((1, 3), (2, 2)):
            point = self.linear(sent, layers=layers, stride=stride, size=300.0, latents=8)
            sending = point(sent.batch(torch.arange(96)))
            self.assertEqual(list(sending.symbols.shape), [96, 8, extent, extent])
            self.assertEqual(sending.features.shape, sent.batch(torch.arange(96)).shape)
            # The features are predicted from what the layers keep of them.
            error = procedure.relative_error(sending.features, sent.batch(torch.arange(96)))
            self.assertLess(float(error), 0.5)
        with self.assertRaisesRegex(ValueError, "divisor"):
            self.linear(self.features(side=7), layers=layers)

    def test_folding_changes_nothing_but_the_precision(self) -> None:
        sent = self.features(side=5)
        x = sent.batch(torch.arange(20))
        for changes in ({"channels": range(2, 9)}, {"layers": nn.Conv2d(12, 6, 1)}):
            point = self.linear(sent, **changes)
            with torch.no_grad():
                point.log_gain.normal_(std=0.2)
                point.decoder.leave.weight.normal_(std=0.02)
                folded = point.folded()
                a, b = point.latent_values(x), folded.latent_values(x)
                self.assertTrue(torch.allclose(a, b, atol=0.02 * float(a.abs().max())))
                symbols = bottleneck.round_away(a)
                expected = point.scale.restore(point.rebuild(symbols))
                self.assertTrue(torch.allclose(folded.rebuild(symbols), expected, atol=0.02))
                again = folded.folded()
            for key, value in folded.state_dict().items():
                self.assertTrue(torch.equal(value, again.state_dict()[key]), key)

    def test_gradients_reach_everything(self) -> None:
        sent = self.features()
        point = self.linear(sent, layers=self.layers(), size=12.0).train()
        nn.init.normal_(point.decoder.leave.weight, std=0.1)
        nn.init.normal_(point.expansion.leave.weight, std=0.1)
        x = sent.batch(torch.arange(8))
        sending = point(x)
        ((sending.features - x).square().mean() + 0.01 * sending.bits.mean()).backward()
        for name, parameter in point.named_parameters():
            self.assertIsNotNone(parameter.grad, name)
            self.assertGreater(float(parameter.grad.abs().sum()), 0, name)

    def test_selection_sends_what_fits(self) -> None:
        sent = self.features()
        x, scale = sent.batch(torch.arange(96)), bottleneck.Scale.of(sent)
        ranked = [7, 1, 4] + [c for c in range(12) if c not in (7, 1, 4)]
        point = bottleneck.SelectionBottleneck(sent, scale, ranked, 25.0, 2, 8, 0).eval()
        sending = point(x)
        self.assertEqual(sorted(set(sending.symbols.flatten().tolist())), [0, 1, 2, 3])
        count = sending.symbols.shape[1]
        self.assertEqual(point.channels.tolist(), ranked[:count])
        self.assertLess(count, 12)
        self.assertLessEqual(float(sending.bits.mean()) / 8, 25.0)
        # One channel more would not fit: each takes at most 2 bits for its 36 elements, 9 bytes.
        self.assertGreater(float(sending.bits.mean()) / 8, 25.0 - 9.0)

    def test_selection_counts_an_ideal_code(self) -> None:
        sent = self.features()
        point = bottleneck.SelectionBottleneck(sent, bottleneck.Scale.of(sent), [3], 99.0, 2, 8, 0)
        sending = point(sent.batch(torch.arange(96)))
        shares = torch.bincount(sending.symbols.flatten().long(), minlength=4) / sending.symbols.numel()
        entropy = -(shares * shares.log2()).sum() * 36
        self.assertAlmostEqual(float(sending.bits.mean()), float(entropy), delta=0.2)

    def test_bottlenet_counts_eight_bits_a_symbol(self) -> None:
        sent = self.features(side=5)
        scale, x = bottleneck.Scale.of(sent), sent.batch(torch.arange(4))
        for size, shape in ((60, [2, 5, 5]), (40, [4, 3, 3]), (9, [2, 2, 2]), (3, [3, 1, 1])):
            sending = bottleneck.BottleNetPlusPlus(sent, scale, size)(x)
            self.assertEqual(list(sending.symbols.shape[1:]), shape)
            self.assertEqual(sending.rounded_bits.tolist(), [8.0 * np.prod(shape)] * 4)
            self.assertEqual(list(sending.features.shape), [4, 12, 5, 5])
            symbols = sending.symbols
            self.assertTrue(0 <= float(symbols.min()) <= float(symbols.max()) <= 255)


class Mixtures(Case):
    def test_features_and_labels_are_mixed_alike(self) -> None:
        generator = torch.Generator().manual_seed(1)
        classes = torch.arange(8)
        # Every item's elements are its own number, so that a mean tells the shares.
        x = classes.float().view(8, 1, 1, 1).expand(8, 3, 6, 5)
        kinds = set()
        for _ in range(20):
            drawn = mixing.draw(8, 0.5, (6, 5), generator)
            self.assertEqual(drawn.count, 4)
            kinds.add(drawn.masks.shape[2:])
            mixed, labels = drawn.features(x), drawn.labels(classes, 8)
            self.assertTrue(torch.equal(mixed[4:], x[4:]))
            self.assertTrue(torch.allclose(labels.sum(1), torch.ones(8)))
            found = mixed.mean((1, 2, 3))
            self.assertTrue(torch.allclose(found, (labels * classes).sum(1), atol=1e-5))
        self.assertEqual(kinds, {(1, 1), (6, 5)})

    def test_something_is_left_as_it_is(self) -> None:
        generator = torch.Generator().manual_seed(1)
        self.assertEqual(mixing.draw(1, 0.9, (2, 2), generator).count, 0)
        self.assertEqual(mixing.draw(4, 0.99, (2, 2), generator).count, 3)
        x = torch.rand(3, 2, 2, 2)
        self.assertTrue(torch.equal(mixing.draw(3, 0.0, (2, 2), generator).features(x), x))


class Procedure(Case):
    def case(self, sent: features.FeatureSet, tail: nn.Module) -> procedure.Case:
        _, traced = split.split(nn.Sequential(nn.Identity(), tail), "0", torch.zeros(1, 12, 6, 6))
        points = nn.ModuleDict({"fine": self.linear(sent), "coarse": self.linear(sent, size=10.0)})
        control = procedure.RateControl({"fine": 240.0, "coarse": 60.0})
        order = procedure.rounds({"fine": 1, "coarse": 2})
        return procedure.Case(points, order, traced, control, sent, sent)

    def train(self, case: procedure.Case, config: procedure.TrainingConfig) -> dict[str, float]:
        steps = procedure.Training(case, config, self.folder)
        steps.decoders()
        return steps.fine_tune()

    def test_rounds_are_spread(self) -> None:
        self.assertEqual(procedure.rounds({"a": 1, "b": 2}), ["b", "a", "b"])
        self.assertEqual(sorted(procedure.rounds({"a": 3, "b": 1})), ["a", "a", "a", "b"])

    def test_layers_of_the_tail_learn_like_the_tail(self) -> None:
        sent = self.features()
        points = nn.ModuleDict({"a": self.linear(sent, layers=self.layers())})
        config = procedure.TrainingConfig()
        rates = {}
        for group in procedure.codec_parameter_groups(points, config):
            rates |= {id(parameter): group["lr"] for parameter in group["params"]}
        for name, parameter in points.named_parameters():
            expected = config.tail_rate if "layers" in name else config.learning_rate
            if "log_gain" in name or "rate." in name:
                expected = 5 * config.learning_rate
            self.assertEqual(rates[id(parameter)], expected, name)

    def test_price_follows_the_rate(self) -> None:
        control = procedure.RateControl({"a": 100.0, "b": float("inf")})
        before = float(control.price("a"))
        control.observe("a", torch.tensor([200.0, 200.0]))
        self.assertGreater(float(control.price("a")), before)
        control.observe("a", torch.tensor([20.0]))
        control.observe("a", torch.tensor([20.0]))
        self.assertLess(float(control.price("a")), before)
        self.assertEqual(float(control.price("b")), 0)

    def test_training_lowers_the_error_and_resumes(self) -> None:
        sent = self.features()
        config = procedure.TrainingConfig(
            decoder_steps=20, fine_tune_steps=20, copies=1, precision="float32", average=0.0
        )
        tail = Tail(12, 2)
        case = self.case(sent, tail)
        before = procedure.validate(case.points["coarse"], case.tail, sent)
        figures = self.train(case, config)
        self.assertLess(figures["coarse.bytes"], 1.5 * before[1])
        self.assertEqual(set(figures) - {"seconds"}, {
            "fine.top1", "fine.bytes", "coarse.top1", "coarse.bytes",
        })  # fmt: skip
        again = self.case(sent, Tail(12, 2))
        repeated = self.train(again, config)
        self.assertEqual(repeated["fine.bytes"], figures["fine.bytes"])
        for key, value in case.points.state_dict().items():
            self.assertTrue(torch.equal(value, again.points.state_dict()[key]), key)

    def test_a_rounded_tail_is_what_is_stored(self) -> None:
        sent = self.features()
        for kind in ("float16", "int8"):
            case = self.case(sent, Tail(12, 2))
            config = procedure.TrainingConfig(
                decoder_steps=1, fine_tune_steps=2, settle_steps=2, copies=1, tail_weights=kind
            )
            steps = procedure.Training(case, config, self.folder / kind)
            steps.fine_tune()
            before = case.tail.state_dict()["1.conv.weight"].clone()
            steps.round_tail()
            after = case.tail.state_dict()["1.conv.weight"]
            self.assertFalse(torch.equal(before, after))
            self.assertTrue(torch.allclose(before, after, atol=float(before.abs().max()) / 200))
            x, file = sent.batch(torch.arange(4)), self.folder / "tail.onnx"
            export.write_onnx(case.tail, x, file, ("x", "y"), kind)
            model = onnx.load(str(file))
            found = {w.name: numpy_helper.to_array(w) for w in model.graph.initializer}
            stored = next(value for key, value in found.items() if key.endswith(f"conv.weight.{kind}"))
            values = stored.astype(np.float32)
            if kind == "int8":
                values *= next(v for k, v in found.items() if k.endswith("conv.weight.scale"))[:, None, None, None]
            self.assertTrue(np.allclose(values, after.numpy(), rtol=1e-6, atol=0))

    def test_the_uncompressed_reference_settles_too(self) -> None:
        sent = self.features()
        _, tail = split.split(nn.Sequential(nn.Identity(), Tail(12, 2)), "0", torch.zeros(1, 12, 6, 6))
        points = nn.ModuleDict({"all": bottleneck.Identity()})
        control = procedure.RateControl({"all": float("inf")})
        case = procedure.Case(points, ["all"], tail, control, sent, sent)
        config = procedure.TrainingConfig(fine_tune_steps=3, settle_steps=3, copies=1, tail_weights="int8")
        steps = procedure.Training(case, config, self.folder)
        steps.fine_tune()
        steps.round_tail()
        self.assertEqual(float(control.price("all")), 0)
        for key, value in case.tail.state_dict().items():
            self.assertTrue(bool(value.isfinite().all()), key)

    def test_sensitivity_finds_the_channels_that_matter(self) -> None:
        sent = self.features()
        tail = Tail(12, 2)
        with torch.no_grad():
            tail.conv.weight[:, 6:] = 0
        case = self.case(sent, tail)
        scale = bottleneck.Scale.of(sent)
        matrix = sensitivity.sensitivity(case.tail, sent, scale, [1])[1]
        self.assertGreater(float(matrix.diagonal()[:6].min()), 3 * float(matrix.diagonal()[6:].max()))
        self.assertTrue(all(p.requires_grad for p in case.tail.parameters()))


class Images(Case):
    def test_sizes_and_pixels(self) -> None:
        smooth = torch.linspace(0, 255, 32).repeat(4, 3, 32, 1).to(torch.uint8)
        received, size = images.send(smooth, images.Coding("jpeg", 32, 90))
        self.assertLess(float((received.float() - smooth.float()).abs().mean()), 3)
        small, smaller_size = images.send(smooth, images.Coding("webp", 8, 10))
        self.assertLess(smaller_size, size)
        self.assertEqual(small.shape, smooth.shape)

    def test_best_under_a_budget(self) -> None:
        a, b, c = (images.Coding("webp", 8, quality) for quality in (0, 50, 90))
        tried = [(a, 50.0, 0.5), (b, 80.0, 0.7), (c, 200.0, 0.9)]
        self.assertEqual(images.best_under(tried, 100), (b, 80.0, 0.7))
        self.assertIsNone(images.best_under(tried, 10))


@unittest.skipUnless(os.environ.get("AECNN_PROGRAM"), "AECNN_PROGRAM does not name the program")
class Export(Case):
    def test_the_library_runs_networks(self) -> None:
        program = export.Program(Path(os.environ["AECNN_PROGRAM"]))
        tail, x = Tail(12, 2).eval(), torch.rand(5, 12, 6, 6)
        network = export.LibraryNetwork(program, tail, x[:1])
        with torch.no_grad():
            self.assertTrue(torch.allclose(network(x), tail(x), atol=1e-5))

    def test_the_library_does_what_was_trained(self) -> None:
        sent = self.features(side=7)
        self.check_export(sent, self.linear(sent, channels=range(2, 12)))

    def test_the_library_does_what_was_trained_with_layers_on_the_device(self) -> None:
        sent = self.features(side=6)
        self.check_export(sent, self.linear(sent, layers=self.layers(), size=16.0))

    def check_export(self, sent: features.FeatureSet, point: bottleneck.LatentBottleneck) -> None:
        program = export.Program(Path(os.environ["AECNN_PROGRAM"]))
        tail = Tail(12, 2)
        nn.init.normal_(point.decoder.leave.weight, std=0.02)
        with torch.no_grad():
            point.log_gain.normal_(std=0.2)
        point = point.folded()
        calibration = export.write_features(self.folder / "features.npy", sent)
        exporter = export.PointExporter(program, sent.shape, calibration, calibration, self.folder)
        exporter.write_networks("a", point)
        profile = exporter.pack("a", point, 1.0)
        export.write_onnx(
            tail, torch.zeros(1, *sent.shape), self.folder / "tail.onnx", ("x", "scores"), "float16"
        )
        same = export.compare(
            program, profile, point, self.folder / "tail.onnx", sent, self.folder
        )
        self.assertGreater(same.symbols, 0.995)
        top1, _ = procedure.validate(point, tail, sent)
        self.assertAlmostEqual(same.top1, top1, delta=0.03)
        smaller, step, size = exporter.pack_to_size("a", point, 0.9 * same.bytes)
        self.assertLessEqual(size, 0.9 * same.bytes)
        self.assertGreater(step, 1)
        export.merge(program, [profile, smaller], "both", self.folder / "both.aecnn")
        with self.assertRaises(export.ExportError):
            program("info", self.folder / "missing.aecnn")


if __name__ == "__main__":
    unittest.main()
