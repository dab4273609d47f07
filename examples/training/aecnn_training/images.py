"""The rival that needs no split: send the image itself, small and coarse, to the whole network."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Iterator, Literal, Sequence

import numpy as np
import torch
from PIL import Image
from torch import Tensor

Format = Literal["jpeg", "webp"]


@dataclass(frozen=True)
class ImagesConfig:
    """The section [images]: what is tried for every budget of bytes.

    sizes: of the sent image, in pixels; qualities: 0 to 100, as the formats' encoders take them.
    """

    formats: tuple[Format, ...] = ("jpeg", "webp")
    sizes: tuple[int, ...] = (224, 160, 112, 80, 56, 40)
    qualities: tuple[int, ...] = (0, 5, 10, 20, 35, 50, 70)


@dataclass(frozen=True)
class Coding:
    """How an image is sent."""

    format: Format
    size: int
    quality: int

    def encode(self, image: np.ndarray) -> bytes:
        """An image u8 [S,S,3] as a file of size x size pixels, without metadata."""
        picture = Image.fromarray(image)
        filters = getattr(Image, "Resampling", Image)
        if picture.size != (self.size, self.size):
            picture = picture.resize((self.size, self.size), filters.LANCZOS)
        file = io.BytesIO()
        if self.format == "jpeg":
            picture.save(file, "JPEG", quality=self.quality, optimize=True, subsampling="4:2:0")
        else:
            picture.save(file, "WEBP", quality=self.quality, method=6)
        return file.getvalue()

    def decode(self, file: bytes, size: int) -> np.ndarray:
        """What the server makes of it: u8 [size,size,3]."""
        picture = Image.open(io.BytesIO(file)).convert("RGB")
        filters = getattr(Image, "Resampling", Image)
        if picture.size != (size, size):
            picture = picture.resize((size, size), filters.BICUBIC)
        return np.asarray(picture)


def send(images: Tensor, coding: Coding) -> tuple[Tensor, float]:
    """Images u8 [N,3,S,S] as the server gets them, and their mean size in bytes."""
    pixels = images.permute(0, 2, 3, 1).contiguous().numpy()
    received = np.empty_like(pixels)
    total = 0
    for i, image in enumerate(pixels):
        file = coding.encode(image)
        received[i] = coding.decode(file, image.shape[0])
        total += len(file)
    return torch.from_numpy(received).permute(0, 3, 1, 2), total / len(images)


def codings(config: ImagesConfig, most: int) -> Iterator[Coding]:
    """All that are to be tried for images of `most` pixels."""
    for name in config.formats:
        for size in config.sizes:
            for quality in config.qualities if size <= most else ():
                yield Coding(name, size, quality)


def best_under(
    tried: Sequence[tuple[Coding, float, float]], budget: float
) -> tuple[Coding, float, float] | None:
    """Of (coding, mean bytes, top-1), the most accurate of at most `budget` bytes; None if none
    is."""
    fitting = [entry for entry in tried if entry[1] <= budget]
    return max(fitting, key=lambda entry: entry[2], default=None)
