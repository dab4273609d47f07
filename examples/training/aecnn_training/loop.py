"""One training loop for every step of the training: resumable, logged, with a progress line."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import math
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Iterable, Iterator, Literal, Mapping, Sequence

import torch
from torch import Tensor, nn

Precision = Literal["float32", "bfloat16"]
Step = Callable[[int], Mapping[str, Tensor]]
Evaluation = Callable[[], Mapping[str, float]]


class CheckpointError(ValueError):
    """A checkpoint that does not belong to the training at hand."""


@dataclass(frozen=True)
class FitOptions:
    """How a fit runs.

    steps: optimiser steps in all; warmup_steps: of them with a rate rising linearly.
    schedule: of the rate after that; "cosine" falls to zero at the last step.
    average: decay of an exponential moving average of all weights and buffers, which then replaces
    them for evaluations and at the end; 0 keeps none.
    gradient_norm: longest gradient, over all parameters together, in the Euclidean norm; 0 for no
    limit.
    checkpoint_every, evaluate_every, log_every: in steps; 0 means only at the end (log_every:
    never).
    """

    steps: int
    optimizer: Literal["sgd", "adamw"] = "adamw"
    schedule: Literal["cosine", "constant"] = "cosine"
    warmup_steps: int = 0
    momentum: float = 0.9
    average: float = 0.0
    gradient_norm: float = 0.0
    checkpoint_every: int = 200
    evaluate_every: int = 0
    log_every: int = 50

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise ValueError(f"steps: expected at least 1, found {self.steps}")
        if not 0 <= self.warmup_steps <= self.steps:
            raise ValueError(
                f"warmup_steps: expected 0 to steps ({self.steps}), found {self.warmup_steps}"
            )
        if not 0 <= self.average < 1:
            raise ValueError(f"average: expected 0 to below 1, found {self.average}")

    def rate(self, step: int) -> float:
        """Factor of the learning rate at step 0, 1, ..."""
        if step < self.warmup_steps:
            return (step + 1) / self.warmup_steps
        if self.schedule == "constant":
            return 1.0
        done = (step - self.warmup_steps) / max(1, self.steps - self.warmup_steps)
        return 0.5 * (1 + math.cos(math.pi * done))


@contextlib.contextmanager
def compute_precision(device: torch.device, precision: Precision) -> Iterator[None]:
    """Run what is inside with the given precision of products; losses belong outside, in
    float32."""
    enabled = precision == "bfloat16"
    with torch.autocast(device_type=device.type, dtype=torch.bfloat16, enabled=enabled):
        yield


def decayed_groups(
    modules: Iterable[nn.Module], learning_rate: float, weight_decay: float
) -> list[dict]:
    """Parameter groups of the modules' trainable parameters; vectors (biases, norms) are not
    decayed."""
    parameters = [p for module in modules for p in module.parameters() if p.requires_grad]
    return [
        group
        for group in (
            {
                "params": [p for p in parameters if p.dim() > 1],
                "lr": learning_rate,
                "weight_decay": weight_decay,
            },
            {
                "params": [p for p in parameters if p.dim() <= 1],
                "lr": learning_rate,
                "weight_decay": 0.0,
            },
        )
        if group["params"]
    ]


def fit(
    name: str,
    modules: Mapping[str, nn.Module],
    groups: Sequence[dict],
    step: Step,
    options: FitOptions,
    *,
    folder: Path,
    generator: torch.Generator,
    evaluate: Evaluation | None = None,
    report: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """Train, or resume, or return at once if the training was finished before.

    name: of this fit; its files are folder/name.checkpoint and folder/name.jsonl.
    modules: everything whose weights or buffers change; they are saved under these names.
    groups: parameter groups of the optimiser, each with "lr" (the highest rate it reaches) and,
    where it is not 0, "weight_decay"; `decayed_groups` makes the usual ones.
    step: called with the number of the step, sets up no gradients itself, returns scalar tensors;
    "loss" is minimised, the others are only logged. All its randomness must come from `generator`
    or torch's default generators, whose states are part of the checkpoint.
    evaluate: returns figures for the log; the modules hold the averaged weights meanwhile. It must
    leave the modules in training mode and the generator as it found them.
    report: receives finished lines (default: standard error, or the progress bar).
    The modules hold the (averaged) result afterwards. Returns the last evaluation's figures and
    "seconds", the training time over all runs.
    Raises CheckpointError if the checkpoint found was made with other options or modules, and
    FloatingPointError if the loss is not finite.
    """
    fit_ = _Fit(name, modules, groups, options, folder, generator)
    fit_.resume()
    if fit_.next_step < options.steps:
        fit_.run(step, evaluate, report)
    fit_.use_average()
    return {**fit_.figures, "seconds": fit_.seconds}


class _Fit:
    def __init__(
        self,
        name: str,
        modules: Mapping[str, nn.Module],
        groups: Sequence[dict],
        options: FitOptions,
        folder: Path,
        generator: torch.Generator,
    ) -> None:
        self.name, self.modules, self.options, self.generator = (
            name,
            dict(modules),
            options,
            generator,
        )
        self.checkpoint, self.log = folder / f"{name}.checkpoint", folder / f"{name}.jsonl"
        folder.mkdir(parents=True, exist_ok=True)
        self.rates = [float(group["lr"]) for group in groups]
        if options.optimizer == "sgd":
            self.optimizer: torch.optim.Optimizer = torch.optim.SGD(
                groups, lr=self.rates[0], momentum=options.momentum, nesterov=options.momentum > 0
            )
        else:
            self.optimizer = torch.optim.AdamW(groups, lr=self.rates[0], weight_decay=0.0)
        self.parameters = [p for group in self.optimizer.param_groups for p in group["params"]]
        self.next_step, self.seconds, self.figures = 0, 0.0, {}
        self.average = (
            {key: value.detach().clone() for key, value in self.state()} if options.average else {}
        )

    def state(self) -> Iterator[tuple[str, Tensor]]:
        for name, module in self.modules.items():
            for key, value in module.state_dict().items():
                yield f"{name}.{key}", value

    def settings(self) -> dict[str, Any]:
        """What a checkpoint must agree in; how often one is written or logged may change."""
        chosen = dataclasses.asdict(self.options)
        for key in ("checkpoint_every", "evaluate_every", "log_every"):
            del chosen[key]
        decays = [float(group["weight_decay"]) for group in self.optimizer.param_groups]
        return {**chosen, "learning_rates": self.rates, "weight_decays": decays}

    def save(self) -> None:
        device_states = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
        optimizer = self.optimizer.state_dict()
        # Numbers travel as JSON (exactly): PyTorch 1.13 loads tensors safely, but not floats beside
        # them.
        numbers = {
            "settings": self.settings(),
            "next_step": self.next_step,
            "seconds": self.seconds,
            "figures": self.figures,
            "groups": optimizer["param_groups"],
        }
        content = {
            "numbers": json.dumps(numbers),
            "average": self.average,
            "optimizer": optimizer["state"],
            "modules": {name: module.state_dict() for name, module in self.modules.items()},
            "generator": self.generator.get_state(),
            "torch_generator": torch.get_rng_state(),
            "device_generators": device_states,
        }
        # Whoever is interrupted while writing leaves the previous checkpoint whole.
        temporary = self.checkpoint.with_suffix(".checkpoint.tmp")
        with open(temporary, "wb") as file:
            torch.save(content, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, self.checkpoint)

    def resume(self) -> None:
        if not self.checkpoint.exists():
            self.log.unlink(missing_ok=True)
            return
        content = torch.load(self.checkpoint, map_location="cpu", weights_only=True)
        numbers, settings = json.loads(content["numbers"]), self.settings()
        for key in settings:
            if numbers["settings"].get(key) != settings[key]:
                raise CheckpointError(
                    f"{self.checkpoint}: made with {key} = {numbers['settings'].get(key)}, now "
                    f"{settings[key]}; choose another output folder or remove it to start anew"
                )
        if set(content["modules"]) != set(self.modules):
            raise CheckpointError(
                f"{self.checkpoint}: holds {', '.join(content['modules'])}; expected "
                f"{', '.join(self.modules)}"
            )
        for name, module in self.modules.items():
            try:
                module.load_state_dict(content["modules"][name])
            except RuntimeError as error:
                raise CheckpointError(f"{self.checkpoint}: {error}") from error
        self.optimizer.load_state_dict(
            {"state": content["optimizer"], "param_groups": numbers["groups"]}
        )
        devices = dict(self.state())
        self.average = {
            key: value.to(devices[key].device) for key, value in content["average"].items()
        }
        self.next_step, self.seconds = numbers["next_step"], numbers["seconds"]
        self.figures = numbers["figures"]
        self.generator.set_state(content["generator"])
        torch.set_rng_state(content["torch_generator"])
        if torch.cuda.is_available() and content["device_generators"]:
            torch.cuda.set_rng_state_all(content["device_generators"])
        self.forget_later_lines()

    def forget_later_lines(self) -> None:
        """Drop the log's lines of steps after the checkpoint: they are about to be made again."""
        if not self.log.exists():
            return
        kept = []
        for line in self.log.read_text(encoding="utf-8").splitlines():
            with contextlib.suppress(json.JSONDecodeError):
                if json.loads(line)["step"] <= self.next_step:
                    kept.append(line + "\n")
        self.log.write_text("".join(kept), encoding="utf-8")

    def run(
        self, step: Step, evaluate: Evaluation | None, report: Callable[[str], None] | None
    ) -> None:
        options = self.options
        sums: dict[str, Tensor] = {}
        summed = 0
        progress = Progress(self.name, options.steps, self.next_step, report)
        before, started = self.seconds, time.monotonic()
        with open(self.log, "a", encoding="utf-8") as log, progress:
            while self.next_step < options.steps:
                factor = options.rate(self.next_step)
                for group, rate in zip(self.optimizer.param_groups, self.rates):
                    group["lr"] = rate * factor
                terms = self.update(step)
                for key, value in terms.items():
                    sums[key] = sums[key] + value if key in sums else value
                summed += 1
                self.next_step += 1
                self.seconds = before + time.monotonic() - started
                last = self.next_step == options.steps
                if _due(options.log_every, self.next_step) or (last and options.log_every):
                    means = {key: float(value) / summed for key, value in sums.items()}
                    if not math.isfinite(means["loss"]):
                        raise FloatingPointError(
                            f"{self.name}: loss is {means['loss']} at step "
                            f"{self.next_step}; try a smaller learning rate"
                        )
                    line = {
                        "step": self.next_step,
                        **means,
                        "learning_rate": self.rates[0] * factor,
                        "seconds": round(self.seconds, 1),
                    }
                    _write_line(log, line)
                    progress.terms(means, self.rates[0] * factor)
                    sums, summed = {}, 0
                progress.advance(self.next_step)
                if evaluate and (last or _due(options.evaluate_every, self.next_step)):
                    with self.averaged():
                        self.figures = {key: float(value) for key, value in evaluate().items()}
                    _write_line(log, {"step": self.next_step, **self.figures})
                    progress.line(
                        ", ".join(
                            [f"step {self.next_step}"]
                            + [f"{key} {value:.4f}" for key, value in self.figures.items()]
                        )
                    )
                if last or _due(options.checkpoint_every, self.next_step):
                    self.save()

    def update(self, step: Step) -> dict[str, Tensor]:
        self.optimizer.zero_grad(set_to_none=True)
        terms = step(self.next_step)
        terms["loss"].backward()
        if self.options.gradient_norm:
            torch.nn.utils.clip_grad_norm_(self.parameters, self.options.gradient_norm)
        self.optimizer.step()
        if self.average:
            # A young average follows faster, so that it forgets where it started.
            decay = min(self.options.average, (1 + self.next_step) / (10 + self.next_step))
            with torch.no_grad():
                for key, value in self.state():
                    if value.is_floating_point():
                        self.average[key].lerp_(value, 1 - decay)
                    else:
                        self.average[key].copy_(value)
        return {key: value.detach() for key, value in terms.items()}

    @contextlib.contextmanager
    def averaged(self) -> Iterator[None]:
        own = {key: value.detach().clone() for key, value in self.state()} if self.average else {}
        self.use_average()
        yield
        for key, value in self.state():
            if own:
                value.copy_(own[key])

    def use_average(self) -> None:
        for key, value in self.state():
            if self.average:
                value.copy_(self.average[key])


def _due(every: int, step: int) -> bool:
    return every > 0 and step % every == 0


def _write_line(log: Any, line: Mapping[str, Any]) -> None:
    log.write(json.dumps(line) + "\n")
    log.flush()


class Progress:
    """One line with loss terms, learning rate, steps a second and the time left.

    A tqdm bar on a terminal where tqdm is installed; otherwise a line of text every `interval`
    seconds.
    """

    def __init__(
        self,
        name: str,
        steps: int,
        done: int,
        report: Callable[[str], None] | None = None,
        interval: float = 30.0,
    ) -> None:
        self.name, self.steps, self.first, self.done = name, steps, done, done
        self.report = report or (lambda text: print(text, file=sys.stderr, flush=True))
        self.interval, self.text = interval, ""
        self.started = self.shown = time.monotonic()
        self.bar = None
        if report is None and sys.stderr.isatty():
            with contextlib.suppress(ImportError):
                from tqdm import tqdm

                self.bar = tqdm(
                    total=steps, initial=done, desc=name, dynamic_ncols=True, unit="step"
                )
                self.report = self.bar.write

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self.bar is not None:
            self.bar.close()

    def terms(self, means: Mapping[str, float], rate: float) -> None:
        """Set what is shown: means of the loss terms, and the learning rate."""
        self.text = " ".join(
            [f"{key} {value:.4g}" for key, value in means.items()] + [f"rate {rate:.2g}"]
        )
        if self.bar is not None:
            self.bar.set_postfix_str(self.text, refresh=False)

    def advance(self, done: int) -> None:
        """Say that `done` steps are finished."""
        if self.bar is not None:
            self.bar.update(done - self.done)
        self.done = done
        now = time.monotonic()
        if self.bar is None and (now - self.shown >= self.interval or done == self.steps):
            self.shown = now
            speed = (done - self.first) / max(now - self.started, 1e-9)
            left = int((self.steps - done) / max(speed, 1e-9))
            terms = f"{self.text}, " if self.text else ""
            self.line(
                f"step {done}/{self.steps}, {terms}{speed:.2f} steps/s, "
                f"{left // 60} min {left % 60:02d} s left"
            )

    def line(self, text: str) -> None:
        """Report a line beside the progress."""
        self.report(f"{self.name}: {text}")
