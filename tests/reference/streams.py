#!/usr/bin/env python3
"""Streams, record files and what decoding needs of a profile file, written from docs/bitstream.md and docs/profile.md.

The modes' payloads are those of decoder.py, fast_payload.py and max_payload.py. Decoding ends at the input of the decoder network: symbols [L,h,w] and their values. Section numbers are those of
docs/bitstream.md where nothing else is said.

    streams.py PROFILE.aecnn STREAMS.aec        one line per record: mode, operating point, shape, largest distance from zero
"""
import json
import struct
import sys
from dataclasses import dataclass, field

import numpy as np

from content_hash import content_hash
import decoder
import fast_payload
import max_payload
from decoder import Bytes, Parameters, StreamError, symbol_checksum

MODES = ("default", "fast", "max")
PAYLOADS = (decoder.decode_payload, fast_payload.decode_payload, max_payload.decode_payload)
MAX_EXTENT, MAX_ELEMENTS = 1 << 14, 1 << 26
MAX_ELEMENTS_PER_BYTE = 512
MAX_SLOW_SYMBOLS_PER_BYTE = 64  # in mode max


@dataclass
class Point:
    """What is needed of an operating point."""
    parameters: Parameters
    planes: int
    stride: int
    tensors: dict = field(repr=False)  # of the quantizer

    def values(self, symbols):
        """Section 10: the input of the decoder network, float32 [L,h,w]."""
        d = symbols.astype(np.int64) - self.parameters.zero
        m, c = np.abs(d), np.arange(self.planes)[:, None, None]
        shift = self.tensors["shift"].astype(np.int64)[c, (d < 0).astype(int), np.clip(m, 1, 3) - 1]
        v = np.where(d == 0, 0, np.sign(d) * (256 * m - shift))
        offset = self.tensors["offset"]
        if offset is not None:
            v = v + offset.astype(np.int64)[:, None, None]
        return v.astype(np.float32) * self.tensors["unit"][:, None, None]


def mode_of(start):
    """The mode that byte 0 of a stream names, section 2."""
    if not 1 <= start >> 5 <= 3:
        raise StreamError("unsupported_version", f"format {start >> 5}")
    return (start >> 5) - 1


def read_header(r, open_extents):
    """Mode, operating point, profile id, checksum, H and W (0 where they are not open), section 2. The payload stays in r."""
    first, profile_id, checksum = r.integer(1), r.integer(1), r.integer(2)
    mode = mode_of(first)
    if not open_extents:
        return mode, first & 31, profile_id, checksum, 0, 0
    height, width = r.varint() + 1, r.varint() + 1
    if max(height, width) > MAX_EXTENT:
        raise StreamError("corrupt", f"extents {height}x{width}")
    return mode, first & 31, profile_id, checksum, height, width


class Profile:
    """What decoding needs of a profile file; docs/profile.md, sections 1 to 4 and 6. It is taken to be well-formed."""

    def __init__(self, data):
        n = struct.unpack_from("<Q", data)[0]
        header = json.loads(data[8:8 + n])
        metadata = header.pop("__metadata__")
        if metadata["aecnn.version"] != "1":
            raise StreamError("unsupported_version", "profile")
        types = {"F32": "<f4", "I64": "<i8", "F16": "<f2", "I32": "<i4", "U16": "<u2", "I16": "<i2", "I8": "i1", "U8": "u1"}
        tensors = {}
        for name, t in header.items():
            begin, end = (8 + n + o for o in t["data_offsets"])
            tensors[name] = np.frombuffer(data[begin:end], types[t["dtype"]]).reshape(t["shape"])
        self.hash = int(metadata["aecnn.hash"], 16)
        self.document = json.loads(metadata["aecnn.profile"])
        if content_hash(self.document, tensors) != self.hash:
            raise StreamError("corrupt", "profile: the content does not have the hash that the file names")
        self.shape = self.document["shape"]
        self.points = []
        for j, o in enumerate(self.document["operating_points"]):
            def values(name, j=j):
                t = tensors.get(f"op{j}.{name}")
                return None if t is None else t.reshape(-1).tolist()
            parameters = Parameters(o["quantizer"]["levels"], o["quantizer"]["zero"], o["entropy"]["classes"],
                                    values("entropy.reference"), values("entropy.channel_class"),
                                    values("entropy.initial"), values("entropy.mask_prior"))
            planes = len(values("projection.shift" if "projection" in o else "selector.channels"))
            quantizer = {k: tensors.get(f"op{j}.quantizer.{k}") for k in ("shift", "offset", "unit")}
            self.points.append(Point(parameters, planes, o.get("projection", {"stride": 1})["stride"], quantizer))

    def decode(self, stream, bare=None):
        """Mode, operating point, mask and symbols [L,h,w] of a stream; of a bare payload where bare = (mode, point, H, W)."""
        C, H, W = self.shape
        r = Bytes(stream)
        extents = None
        if bare is None:
            mode, j, profile_id, checksum, height, width = read_header(r, H == 0)
            if profile_id != self.hash >> 56:
                raise StreamError("wrong_profile", f"profile id {profile_id}")
        else:
            mode, j, height, width = bare
        if H == 0:
            H, W = extents = height, width
            if min(extents) == 0:
                raise StreamError("invalid_argument", "bare payloads of open extents need height and width")
        if j >= len(self.points):
            raise StreamError("bad_operating_point", f"operating point {j} of {len(self.points)}")
        point = self.points[j]
        shape = (point.planes, -(-H // point.stride), -(-W // point.stride))
        if max(C * H * W, shape[0] * shape[1] * shape[2]) > MAX_ELEMENTS:
            raise StreamError("limit_exceeded", f"tensor of {C}x{H}x{W}")
        size = max(C * H * W, shape[0] * shape[1] * shape[2])
        if extents and bare is None and size > 1 << 15 and size // MAX_ELEMENTS_PER_BYTE > len(stream):
            raise StreamError("limit_exceeded", f"{len(stream)} bytes for a tensor of {C}x{H}x{W}")
        count = shape[0] * shape[1] * shape[2]
        if extents and bare is None and mode == 2 and count > 1 << 12 and count // MAX_SLOW_SYMBOLS_PER_BYTE > len(stream):
            raise StreamError("limit_exceeded", f"{len(stream)} bytes for {count} symbols in mode max")
        mask, symbols = PAYLOADS[mode](r.rest(), point.parameters, shape)
        if bare is None and symbol_checksum(symbols, self.hash, j, extents) != checksum:
            raise StreamError("checksum_mismatch", f"checksum {checksum:04x}")
        return mode, j, mask, symbols


def read_record_file(data):
    """Content hash, None or the bare payloads' (mode, operating point, H, W), and the records; section 14."""
    if data[:4] != b"AECF":
        raise StreamError("bad_format", "not a record file")
    r = Bytes(data[4:])
    version, kind, start, profile_hash = r.integer(1), r.integer(1), r.integer(1), r.integer(8)
    count, height, width = r.varint(), r.varint(), r.varint()
    if version != 1:
        raise StreamError("unsupported_version", f"record file of version {version}")
    if kind > 1 or (kind == 0 and (start, height, width) != (0, 0, 0)):
        raise StreamError("corrupt", "header of the record file")
    bare = (mode_of(start), start & 31, height, width) if kind == 1 else None
    records = []
    for _ in range(count):
        records.append(r.take(r.varint()))
    if r.rest():
        raise StreamError("trailing_bytes", "bytes after the last record")
    return profile_hash, bare, records


def main():
    with open(sys.argv[1], "rb") as f:
        profile = Profile(f.read())
    with open(sys.argv[2], "rb") as f:
        profile_hash, bare, records = read_record_file(f.read())
    if profile_hash != profile.hash:
        raise StreamError("wrong_profile", f"content hash {profile_hash:016x}, expected {profile.hash:016x}")
    for i, record in enumerate(records):
        mode, j, _, symbols = profile.decode(record, bare)
        shape = "x".join(map(str, symbols.shape))
        print(f"record {i}: mode {MODES[mode]}, operating point {j}, symbols {shape}, largest distance "
              f"{np.abs(symbols.astype(int) - profile.points[j].parameters.zero).max()}")


if __name__ == "__main__":
    main()
