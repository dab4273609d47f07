"""Images and labels in memory, and augmentations of whole batches.

Images are uint8 [N,3,H,W], RGB, labels int64 [N]. A batch stays uint8 until it is augmented, and is
normalised last: x = (u8 / 255 - mean) / std.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Literal, Sequence

import numpy as np
import torch
import torch.nn.functional as functional
from PIL import Image
from torch import Tensor

Augmentation = Callable[[Tensor, torch.Generator], Tensor]


class DataError(ValueError):
    """A data set that cannot be used; the message names the file and what is wrong with it."""


@dataclass(frozen=True)
class DataConfig:
    """The section [data].

    train, test: .npz files or folders with one sub-folder of images a class.
    validation: a file or folder of its own; without it the last `validation_count` training images.
    torchvision: instead of the files, one of torchvision's own data sets, kept in `root`, and
    downloaded there if `download` says so.
    augmentation: of training images: "none", "flip", "flip_and_shift" (by up to 4 pixels),
    "flip_and_scale".
    """

    train: Path | None = None
    test: Path | None = None
    validation: Path | None = None
    validation_count: int = 0
    torchvision: Literal["", "CIFAR10", "Caltech101"] = ""
    root: Path | None = None
    download: bool = False
    augmentation: Literal["none", "flip", "flip_and_shift", "flip_and_scale"] = "flip"

    def __post_init__(self) -> None:
        if self.torchvision:
            if self.root is None:
                raise ValueError(
                    f'torchvision = "{self.torchvision}" needs root, the folder it is kept in'
                )
            if self.train or self.test or self.validation:
                raise ValueError("torchvision and train, validation, test exclude each other")
        elif self.train is None or self.test is None:
            raise ValueError("train and test are needed (or torchvision and root)")
        # torchvision's Caltech101 brings no division of its own, so ours has a validation part.
        own = self.validation is not None or self.torchvision == "Caltech101"
        if own == (self.validation_count > 0):
            raise ValueError(
                "choose one: a validation part of its own, or validation_count > 0 images "
                f"taken from the end of the training part; found {self.validation_count}"
            )


@dataclass(frozen=True)
class ImageSet:
    """Images uint8 [N,3,H,W] (RGB), labels int64 [N] and the number of classes."""

    images: Tensor
    labels: Tensor
    classes: int

    def __post_init__(self) -> None:
        if self.images.dtype != torch.uint8 or self.images.dim() != 4 or self.images.shape[1] != 3:
            raise DataError(
                f"images: expected uint8 [N,3,H,W], found {self.images.dtype} "
                f"{list(self.images.shape)}"
            )
        if self.labels.dtype != torch.int64 or self.labels.shape != self.images.shape[:1]:
            raise DataError(
                f"labels: expected int64 [{self.images.shape[0]}], found "
                f"{self.labels.dtype} {list(self.labels.shape)}"
            )
        if (
            len(self.labels)
            and not 0 <= int(self.labels.min()) <= int(self.labels.max()) < self.classes
        ):
            raise DataError(
                f"labels: expected 0 to {self.classes - 1}, found "
                f"{int(self.labels.min())} to {int(self.labels.max())}"
            )

    def __len__(self) -> int:
        return len(self.labels)

    def part(self, begin: int, end: int) -> ImageSet:
        """The images from `begin` to before `end`."""
        return ImageSet(self.images[begin:end], self.labels[begin:end], self.classes)

    def to(self, device: torch.device | str) -> ImageSet:
        return ImageSet(self.images.to(device), self.labels.to(device), self.classes)


@dataclass(frozen=True)
class Parts:
    """The three parts of a data set; choices are made on `validation`, `test` is only reported."""

    train: ImageSet
    validation: ImageSet
    test: ImageSet


def load_parts(config: DataConfig, image_size: int) -> Parts:
    """Read the data set of a configuration as images of image_size x image_size."""
    if config.torchvision:
        train, validation, test = _torchvision(config, image_size)
    else:
        assert config.train is not None and config.test is not None
        train, test = load(config.train, image_size), load(config.test, image_size)
        validation = load(config.validation, image_size) if config.validation else None
    if validation is None:
        kept = len(train) - config.validation_count
        if kept < 1:
            raise DataError(
                f"validation_count: expected less than the {len(train)} training images, "
                f"found {config.validation_count}"
            )
        train, validation = train.part(0, kept), train.part(kept, len(train))
    classes = max(train.classes, validation.classes, test.classes)
    return Parts(
        *(ImageSet(part.images, part.labels, classes) for part in (train, validation, test))
    )


def load(path: Path, image_size: int) -> ImageSet:
    """Read an .npz file (jpeg, offsets, labels; or images u8 [N,H,W,3], labels) or a folder of
    classes.

    Images of another size are resized (short side) and cropped in the centre.
    """
    if path.is_dir():
        return _folder(path, image_size)
    if path.suffix != ".npz":
        raise DataError(f"{path}: expected a folder or an .npz file, found neither")
    try:
        arrays = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read: {error}") from error
    names = set(arrays.files)
    if {"jpeg", "offsets", "labels"} <= names:
        data, offsets = arrays["jpeg"].tobytes(), arrays["offsets"].astype(np.int64)
        if (
            len(offsets) < 2
            or offsets[0] != 0
            or offsets[-1] != len(data)
            or (np.diff(offsets) <= 0).any()
        ):
            raise DataError(
                f"{path}: offsets: expected 0, increasing, up to the {len(data)} bytes of jpeg"
            )
        pictures = (Image.open(io.BytesIO(data[a:b])) for a, b in zip(offsets, offsets[1:]))
        images = _stack(pictures, len(offsets) - 1, image_size, path)
    elif {"images", "labels"} <= names:
        raw = arrays["images"]
        if raw.dtype != np.uint8 or raw.ndim != 4 or raw.shape[3] != 3:
            raise DataError(
                f"{path}: images: expected uint8 [N,H,W,3], found {raw.dtype} {list(raw.shape)}"
            )
        images = _stack((Image.fromarray(image) for image in raw), len(raw), image_size, path)
    else:
        raise DataError(
            f"{path}: expected arrays jpeg, offsets and labels, or images and labels; "
            f"found {', '.join(sorted(names)) or 'none'}"
        )
    labels = torch.from_numpy(arrays["labels"].astype(np.int64))
    if labels.shape != images.shape[:1]:
        raise DataError(
            f"{path}: labels: expected {len(images)} of them, found {list(labels.shape)}"
        )
    return ImageSet(images, labels, int(labels.max()) + 1)


def fit_square(picture: Image.Image, size: int) -> np.ndarray:
    """The picture as RGB u8 [size,size,3]: short side resized to `size`, centre cropped."""
    picture = picture.convert("RGB")
    if picture.size != (size, size):
        width, height = picture.size
        scale = size / min(width, height)
        scaled = (max(size, round(width * scale)), max(size, round(height * scale)))
        # Pillow 9.1 moved the names of the filters; the old place came back in 9.4.
        filters = getattr(Image, "Resampling", Image)
        picture = picture.resize(scaled, filters.BICUBIC if scale > 1 else filters.LANCZOS)
        left, top = (scaled[0] - size) // 2, (scaled[1] - size) // 2
        picture = picture.crop((left, top, left + size, top + size))
    return np.asarray(picture)


def _stack(pictures, count: int, size: int, path: Path) -> Tensor:
    images = np.empty((count, size, size, 3), np.uint8)
    index = 0
    try:
        for index, picture in enumerate(pictures):
            images[index] = fit_square(picture, size)
    except OSError as error:
        raise DataError(f"{path}: image {index}: {error}") from error
    # Kept channels-last in memory: the augmentations and the convolutions want it so.
    return torch.from_numpy(images).permute(0, 3, 1, 2)


def _folder(path: Path, size: int) -> ImageSet:
    from torchvision.datasets import ImageFolder

    try:
        files = ImageFolder(str(path)).samples
    except (FileNotFoundError, RuntimeError) as error:
        raise DataError(f"{path}: expected one sub-folder of images a class: {error}") from error
    images = _stack((Image.open(file) for file, _ in files), len(files), size, path)
    labels = torch.tensor([label for _, label in files], dtype=torch.int64)
    return ImageSet(images, labels, int(labels.max()) + 1)


def _torchvision(config: DataConfig, size: int) -> tuple[ImageSet, ImageSet | None, ImageSet]:
    from torchvision import datasets

    root = str(config.root)
    try:
        if config.torchvision == "CIFAR10":
            return (
                _all_of(datasets.CIFAR10(root, train=True, download=config.download), size),
                None,
                _all_of(datasets.CIFAR10(root, train=False, download=config.download), size),
            )
        whole = _all_of(datasets.Caltech101(root, download=config.download), size)
    except RuntimeError as error:
        raise DataError(f"{root}: {config.torchvision}: {error}") from error
    train, validation, test = divide_by_class(whole.labels)
    return tuple(
        ImageSet(whole.images[rows], whole.labels[rows], whole.classes)  # type: ignore[return-value]
        for rows in (train, validation, test)
    )


def _all_of(dataset, size: int) -> ImageSet:
    labels: list[int] = []

    def pictures():
        for index in range(len(dataset)):
            picture, label = dataset[index]
            labels.append(int(label))
            yield picture

    images = _stack(pictures(), len(dataset), size, Path(dataset.root))
    return ImageSet(images, torch.tensor(labels, dtype=torch.int64), max(labels) + 1)


def divide_by_class(
    labels: Tensor, train: int = 25, validation: int = 5, test: int = 30, seed: int = 0
) -> tuple[Tensor, Tensor, Tensor]:
    """Row numbers of a division with so many images of each class, drawn at random; `test` at
    most."""
    generator = torch.Generator().manual_seed(seed)
    rows: tuple[list[Tensor], list[Tensor], list[Tensor]] = ([], [], [])
    for label in range(int(labels.max()) + 1):
        own = (labels == label).nonzero().flatten()
        own = own[torch.randperm(len(own), generator=generator)]
        for part, chosen in zip(
            rows,
            (
                own[:train],
                own[train : train + validation],
                own[train + validation : train + validation + test],
            ),
        ):
            part.append(chosen)
    return tuple(torch.cat(part).sort().values for part in rows)  # type: ignore[return-value]


@dataclass(frozen=True)
class Batches:
    """Which images form the batch of a training step: every epoch a new order, the rest dropped.

    A function of seed and step alone, so that a resumed training sees what the interrupted one
    would have.
    """

    count: int
    batch_size: int
    seed: int

    def __post_init__(self) -> None:
        if not 1 <= self.batch_size <= self.count:
            raise DataError(
                f"batch_size: expected 1 to the {self.count} training images, "
                f"found {self.batch_size}"
            )

    @property
    def steps_per_epoch(self) -> int:
        return self.count // self.batch_size

    def rows(self, step: int) -> Tensor:
        """Row numbers, int64 [batch_size], of step 0, 1, ..."""
        epoch, within = divmod(step, self.steps_per_epoch)
        # PyTorch's generator looks at the low 32 bits of a seed only.
        generator = torch.Generator().manual_seed((self.seed * 1_000_003 + epoch) % 2**32)
        order = torch.randperm(self.count, generator=generator)
        return order[within * self.batch_size : (within + 1) * self.batch_size]


def normalise(images: Tensor, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    """(images / 255 - mean) / std, float32, channels-last in memory; images uint8 or float
    0..255."""
    scale = torch.tensor([1 / (255 * s) for s in std], device=images.device).view(1, -1, 1, 1)
    shift = torch.tensor([-m / s for m, s in zip(mean, std)], device=images.device).view(
        1, -1, 1, 1
    )
    return (images.float() * scale + shift).contiguous(memory_format=torch.channels_last)


def _flip_coins(count: int, generator: torch.Generator, device: torch.device) -> Tensor:
    return torch.randint(0, 2, (count,), generator=generator).bool().to(device)


def no_augmentation(images: Tensor, generator: torch.Generator) -> Tensor:
    """The images as they are."""
    return images


def flip(images: Tensor, generator: torch.Generator) -> Tensor:
    """Mirror every second image, drawn at random, left to right; any type, [N,C,H,W]."""
    coins = _flip_coins(len(images), generator, images.device)
    return torch.where(coins.view(-1, 1, 1, 1), images.flip(3), images)


def flip_and_shift(images: Tensor, generator: torch.Generator, border: int = 4) -> Tensor:
    """Mirror at random and shift by up to `border` pixels each way, black coming in; uint8
    [N,C,H,W]."""
    count, channels, height, width = images.shape
    shift = torch.randint(0, 2 * border + 1, (2, count, 1), generator=generator).to(images.device)
    coins = _flip_coins(count, generator, images.device).view(-1, 1)
    rows = torch.arange(height, device=images.device) + shift[0]
    columns = torch.arange(width, device=images.device).expand(count, width)
    columns = torch.where(coins, width - 1 - columns, columns) + shift[1]
    padded = images.new_zeros(count, height + 2 * border, width + 2 * border, channels)
    padded[:, border : border + height, border : border + width] = images.permute(0, 2, 3, 1)
    # One gather of whole pixels; the result is channels-last in memory.
    pixels = (rows * (width + 2 * border)).unsqueeze(2) + columns.unsqueeze(1)
    pixels = (
        pixels
        + torch.arange(count, device=images.device).view(-1, 1, 1) * padded[0, :, :, 0].numel()
    )
    shifted = padded.view(-1, channels).index_select(0, pixels.flatten())
    return shifted.view(count, height, width, channels).permute(0, 3, 1, 2)


def flip_and_scale(
    images: Tensor,
    generator: torch.Generator,
    area: tuple[float, float] = (0.5, 1.0),
    aspect: float = 4 / 3,
) -> Tensor:
    """Mirror at random and resize a random part of the image to its full size.

    area: least and largest share of the image's area that is kept; aspect: most that one side is
    stretched against the other. Images [N,3,H,W] uint8 or float; the result is float of the same
    range.
    """
    count = len(images)
    draws = torch.rand(4, count, generator=generator)
    share = area[0] + (area[1] - area[0]) * draws[0]
    stretch = torch.exp((2 * draws[1] - 1) * float(np.log(aspect)) / 2)
    # A kept part never reaches beyond the image.
    wide, high = ((share.sqrt() * factor).clamp(max=1) for factor in (stretch, 1 / stretch))
    coins = _flip_coins(count, generator, torch.device("cpu"))
    theta = torch.zeros(count, 2, 3)
    theta[:, 0, 0] = torch.where(coins, -wide, wide)
    theta[:, 1, 1] = high
    theta[:, 0, 2] = (2 * draws[2] - 1) * (1 - wide)
    theta[:, 1, 2] = (2 * draws[3] - 1) * (1 - high)
    grid = functional.affine_grid(theta.to(images.device), list(images.shape), align_corners=False)
    return functional.grid_sample(
        images.float(), grid, mode="bilinear", padding_mode="border", align_corners=False
    )


AUGMENTATIONS: dict[str, Augmentation] = {
    "none": no_augmentation,
    "flip": flip,
    "flip_and_shift": flip_and_shift,
    "flip_and_scale": flip_and_scale,
}
