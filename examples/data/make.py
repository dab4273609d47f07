#!/usr/bin/env python3
"""Cuts the feature tensors of the examples out of a larger file: the first COUNT tensors of an .npy file [N,C,H,W].

Usage: make.py INPUT.npy OUTPUT.npy [COUNT]      COUNT is 60 if not given.
"""
import os
import sys

import numpy as np

LARGEST = 2_000_000  # bytes


def main() -> None:
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__.strip())
    count = int(sys.argv[3]) if len(sys.argv) == 4 else 60
    tensors = np.load(sys.argv[1])
    if tensors.ndim != 4 or tensors.dtype != np.float32 or len(tensors) < count:
        found = f"{tensors.dtype} of shape {tensors.shape}"
        sys.exit(f"{sys.argv[1]}: {found}, expected float32 [N,C,H,W] with N >= {count}")
    np.save(sys.argv[2], tensors[:count])
    size = os.path.getsize(sys.argv[2])
    if size > LARGEST:
        os.remove(sys.argv[2])
        sys.exit(f"{sys.argv[2]}: {size} bytes, expected at most {LARGEST}")


if __name__ == "__main__":
    main()
