#!/usr/bin/env python3
"""Quantises feature tensors to planes of symbols, for bench_entropy and `aecnn symbols`.

usage: make_planes.py FEATURES.npy... FOLDER [--bits 8,6,4,2]

Each tensor of a file [N,C,H,W] is quantised uniformly between its least and greatest value to 2^bits levels. Writes a file of
one byte a symbol for each, in the order C, H, W, and FOLDER/list.txt with lines "FILE BITS GROUP C H W ZERO"; ZERO is the
symbol of the value 0.
"""
import argparse
import os

import numpy as np


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("features", nargs="+")
    parser.add_argument("folder")
    parser.add_argument("--bits", default="8,6,4,2")
    arguments = parser.parse_args()
    os.makedirs(arguments.folder, exist_ok=True)
    with open(os.path.join(arguments.folder, "list.txt"), "w", encoding="utf-8") as listing:
        for path in arguments.features:
            group = os.path.basename(path).removesuffix(".npy")
            for i, x in enumerate(np.load(path)):
                low, high = float(x.min()), float(x.max())
                for bits in map(int, arguments.bits.split(",")):
                    most = 2**bits - 1
                    step = (high - low) / most or 1.0
                    symbols = np.clip(np.floor((x - low) / step + 0.5), 0, most).astype(np.uint8)
                    zero = int(np.clip(round(-low / step), 0, most))
                    name = f"{group}_{i:02}.b{bits}"
                    symbols.tofile(os.path.join(arguments.folder, name))
                    print(name, bits, group, *x.shape, zero, file=listing)


if __name__ == "__main__":
    main()
