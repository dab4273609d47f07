#!/usr/bin/env python3
"""Compares the reference decoder with the library.

    check.py VECTORS GOLDEN

VECTORS is the folder that vectors.cpp wrote, GOLDEN is tests/data/golden (tests/support/golden_vectors.hpp says what it
holds).

Prints what was compared; exit status 1 at the first difference.
"""
import json
import sys
from pathlib import Path

import numpy as np

from decoder import Bytes, Parameters, StreamError, decode_payload, symbol_checksum
from streams import MODES, PAYLOADS, Profile, read_header, read_record_file


class Difference(Exception):
    pass


def expect(found, expected, where):
    if found != expected:
        raise Difference(f"{where}: found {found}, expected {expected}")


def outcome(function, *arguments):
    """What the function returns, or the code with which it refuses."""
    try:
        return function(*arguments)
    except StreamError as e:
        return e.code


def lines(path):
    with open(path, encoding="utf-8") as f:
        for number, line in enumerate(f, 1):
            yield f"{path.name}:{number}", json.loads(line)


def check_examples():
    """The examples of docs/bitstream.md, section 13."""
    _, symbols = decode_payload(bytes.fromhex("b2c0"), Parameters(4, 0), (1, 2, 3))
    expect(symbols.tolist(), [[[0, 1, 0], [2, 1, 0]]], "first example")
    header = symbol_checksum(symbols, 0x0123456789ABCDEF, 2)
    read = read_header(Bytes(bytes.fromhex("2201b906")), False)
    expect(read, (0, 2, 0x01, header, 0, 0), "first example, header")
    header = symbol_checksum(symbols, 0x0123456789ABCDEF, 2, (2, 3))
    read = read_header(Bytes(bytes.fromhex("2201f6f90102")), True)
    expect(read, (0, 2, 0x01, header, 2, 3), "first example, open extents")
    initial = [40503 * i % 65536 for i in range(2 * 2575)]
    p = Parameters(600, 200, 2, [65535, 0, 0], [1, 0, 0], initial, [60000, 30000, 30000])
    mask, symbols = decode_payload(bytes.fromhex("6b4ab83e1e96b58e"), p, (3, 1, 2))
    expect(mask, [1, 0, 1], "second example, mask")
    expect(symbols.tolist(), [[[237, 190]], [[200, 200]], [[201, 599]]], "second example")
    header = symbol_checksum(symbols, 0xFEDCBA9876543210, 31, (1, 2))
    expect(read_header(Bytes(bytes.fromhex("3ffe41380001")), True), (0, 31, 0xFE, header, 1, 2), "second example, header")
    expect(read_header(Bytes(bytes.fromhex("2000 0000 c701 ff7f")), True)[4:], (200, 16384), "varints")
    return 2


def check_planes(folder):
    count = refused = 0
    for where, v in lines(folder / "planes.jsonl"):
        if "levels" in v:
            n = v["classes"] * Parameters(v["levels"], v["zero"]).S
            initial = [v["factor"] * i % 65536 for i in range(n)] if v["factor"] else None
            p = Parameters(v["levels"], v["zero"], v["classes"], v["reference"] or None, v["channel_class"] or None,
                           initial, v["mask_prior"] or None)
            mode, shape = v["mode"], v["shape"]
        found = outcome(PAYLOADS[mode], bytes.fromhex(v["payload"]), p, shape)
        count += 1
        if "error" in v:
            # A decoder may report any condition that holds: only that it refuses is compared.
            expect(isinstance(found, str), True, f"{where}, refused with {v['error']}")
            refused += 1
            continue
        expect(isinstance(found, str), False, f"{where}, refused with {found}")
        mask, symbols = found
        expect(mask or [], v["mask"], f"{where}, mask")
        expect(symbols.reshape(-1).tolist(), v["symbols"], f"{where}, symbols")
        if "checksum" in v:
            expect(symbol_checksum(symbols, int(v["hash"]), v["point"]), v["checksum"], f"{where}, checksum")
            found = symbol_checksum(symbols, int(v["hash"]), v["point"], v["extents"])
            expect(found, v["open_checksum"], f"{where}, checksum with extents")
    return f"{count} payloads, {refused} of them refused"


def check_headers(folder):
    count = 0
    for where, v in lines(folder / "headers.jsonl"):
        r = Bytes(bytes.fromhex(v["header"]))
        found = outcome(read_header, r, v["open"] == 1)
        if not isinstance(found, str):
            found = [*found, len(r.rest())]
        expect(found, v.get("fields", v.get("error")), where)
        count += 1
    return f"{count} headers"


def check_records(folder):
    profiles, files, count = {}, {}, 0
    for where, v in lines(folder / "records.jsonl"):
        name = v["file"]
        stem = name.removesuffix(".aec").split("_")[0]
        if stem not in profiles:
            profiles[stem] = Profile((folder / f"{stem}.aecnn").read_bytes())
        profile = profiles[stem]
        if name not in files:
            files[name] = read_record_file((folder / name).read_bytes())
        profile_hash, bare, records = files[name]
        expect(profile_hash, profile.hash, f"{where}, content hash")
        mode, j, _, symbols = profile.decode(records[v["record"]], bare)
        expect((mode, j, list(symbols.shape)), (v["mode"], v["point"], v["shape"]), f"{where}, mode, operating point and shape")
        expect(symbols.reshape(-1).tolist(), v["symbols"], f"{where}, symbols")
        values = profile.points[j].values(symbols)
        expect(values.dtype, np.float32, f"{where}, type of the values")
        expect(values.reshape(-1).view(np.uint32).tolist(), v["values"], f"{where}, values")
        count += 1
    return f"{count} records of {len(profiles)} profiles"


def golden_lines(path):
    with open(path, encoding="utf-8") as f:
        for number, line in enumerate(f, 1):
            if not line.startswith("#"):
                yield f"{path.name}:{number}", line.split()


def fnv1a(data):
    h = 0xCBF29CE484222325
    for byte in data:
        h = (h ^ byte) * 0x100000001B3 % 2**64
    return h


def check_golden(folder):
    """The streams of released versions: symbols of the good, by their hash, and refusal of the bad."""
    profiles = {path.stem: Profile(path.read_bytes()) for path in sorted(folder.glob("*.aecnn"))}
    shapes = {path.stem: np.load(path).shape for path in sorted(folder.glob("*.npy"))}
    good = bad = 0
    for where, (name, features, _, point, framing, mode, symbol_hash, _, stream) in golden_lines(folder / "vectors.txt"):
        mode = MODES.index(mode)
        bare = (mode, int(point), *shapes[features][2:]) if framing == "none" else None
        found, j, _, symbols = profiles[name].decode(bytes.fromhex(stream.replace("-", "")), bare)
        expect((found, j), (mode, int(point)), f"{where}, mode and operating point")
        expect(fnv1a(symbols.astype("<u2").tobytes()), int(symbol_hash, 16), f"{where}, hash of the symbols")
        good += 1
    for where, (name, point, framing, mode, height, width, code, stream) in golden_lines(folder / "bad.txt"):
        bare = (MODES.index(mode), int(point), int(height), int(width)) if framing == "none" else None
        found = outcome(profiles[name].decode, bytes.fromhex(stream.replace("-", "")), bare)
        expect(isinstance(found, str), True, f"{where}, refused with {code}")
        if code not in ("corrupt", "trailing_bytes"):  # of these two both may hold
            expect(found, code, where)
        bad += 1
    expect(good > 0 and bad > 0, True, f"{folder} holds vectors")
    return f"{good} golden streams, {bad} damaged ones"


def main():
    folder = Path(sys.argv[1])
    print(f"{check_examples()} examples of the format's description")
    print(check_planes(folder))
    print(check_headers(folder))
    print(check_records(folder))
    print(check_golden(Path(sys.argv[2])))


if __name__ == "__main__":
    try:
        main()
    except Difference as e:
        sys.exit(f"difference: {e}")
