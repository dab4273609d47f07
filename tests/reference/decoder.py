"""An independent decoder of aecnn payloads of the default mode, written from docs/bitstream.md, for clarity and not for speed.

Section numbers are those of docs/bitstream.md. max_payload.py has the mode max. streams.py builds on it, for streams, record files and profiles.
"""
from dataclasses import dataclass

import numpy as np

WORD = (1 << 64) - 1
PACKED_COUNTS = (0, 1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 24, 32, 48, 64, 127)


class StreamError(Exception):
    """A stream, file or profile that must be refused; code is the name of a member of aecnn::errc."""

    def __init__(self, code, text):
        super().__init__(f"{code}: {text}")
        self.code = code


class Bytes:
    """Bounded reading, section 1."""

    def __init__(self, data):
        self.data, self.position = bytes(data), 0

    def take(self, n):
        if n > len(self.data) - self.position:
            raise StreamError("truncated", f"{n} bytes at byte {self.position} of {len(self.data)}")
        self.position += n
        return self.data[self.position - n:self.position]

    def integer(self, n):
        return int.from_bytes(self.take(n), "little")

    def varint(self):
        value = shift = 0
        while True:
            byte = self.integer(1)
            value |= (byte & 0x7F) << shift
            if value >> 64 or (byte == 0 and shift > 0) or shift > 63:
                raise StreamError("truncated", "a variable-length integer that is too large or not minimal")
            if byte < 0x80:
                return value
            shift += 7

    def rest(self):
        return self.take(len(self.data) - self.position)


class RangeDecoder:
    """Section 5."""

    def __init__(self, payload):
        self.payload, self.position = bytes(payload), 8
        self.low, self.range, self.code = 0, WORD, self.bytes_at(0, 8)

    def bytes_at(self, begin, n):
        return int.from_bytes(self.payload[begin:begin + n].ljust(n, b"\0"), "big")

    def bit(self, p1):
        split = (self.range >> 16) * p1
        one = (self.code - self.low) & WORD < split
        if one:
            self.range = split
        else:
            self.low = (self.low + split) & WORD
            self.range -= split
        self.renormalise()
        return int(one)

    def plain(self, n):
        self.range >>= n
        v = ((self.code - self.low) & WORD) // self.range
        if v >> n:
            raise StreamError("corrupt", "the code is above the last of the plain values")
        self.low = (self.low + v * self.range) & WORD
        self.renormalise()
        return v

    def renormalise(self):
        if self.range >> 32:
            return
        if (self.code - self.low) & WORD >= self.range:
            raise StreamError("corrupt", "the code is outside the interval")
        self.code = (self.code << 32 | self.bytes_at(self.position, 4)) & WORD
        self.low = self.low << 32 & WORD
        self.range <<= 32
        self.position += 4

    def end(self):
        if len(self.payload) > self.position:
            raise StreamError("trailing_bytes", "bytes after the end of the payload")
        for n in range(9):
            unit = 1 << (64 - 8 * n)
            v = -(-self.low // unit) * unit
            if v < self.low + self.range:
                break
        if self.code != v & WORD:
            raise StreamError("corrupt", "the final state of the range decoder")
        if self.payload[-1:] == b"\0":
            raise StreamError("trailing_bytes", "the payload ends in a zero byte")


class Model:
    """Section 6."""

    def __init__(self, packed=None):
        if packed is None:
            self.quick = self.slow = 32768
            self.count = 0
        else:
            self.quick = self.slow = (packed & 0xFFF0) + 8
            self.count = PACKED_COUNTS[packed & 15]

    def decide(self, coder):
        bit = coder.bit(min(max((self.quick + self.slow) >> 1, 32), 65504))
        self.learn(bit)
        return bit

    def learn(self, bit):
        target = 65535 if bit else 0
        rate = 131072 // (2 * self.count + 3)
        self.quick += ((target - self.quick) * max(rate, 4096)) >> 16
        self.slow += ((target - self.slow) * max(rate, 512)) >> 16
        self.count = min(self.count + 1, 127)


def activity(k):
    t = k >> 1
    if t < 4:
        return t
    e = t.bit_length() - 3
    return 4 * e + (t >> e)


@dataclass
class Parameters:
    """Those of `entropy` and `quantizer` that shape the payload, section 3. None: absent."""
    levels: int
    zero: int
    classes: int = 1
    reference: list = None
    channel_class: list = None
    initial: list = None
    mask_prior: list = None

    def __post_init__(self):
        """The layout of section 7."""
        self.M = max(self.zero, self.levels - 1 - self.zero)
        self.A = activity(8 * self.M) + 2
        self.T = self.M if self.M <= 15 else self.M.bit_length()
        self.G = self.T - 1 if self.M <= 15 else self.T - 1 + 4 * (self.T + 1)
        self.m0 = 16 * self.A + (15 if self.zero > 0 else 0)
        self.S = self.m0 + self.G * self.A

    def token(self, m):
        return m if self.M <= 15 else m.bit_length()

    def least(self, t):
        return t if self.M <= 15 or t < 2 else 1 << (t - 1)

    def expected(self, a):
        if a == self.A - 1:
            return 1
        smallest = 2 * a if a < 4 else 2 * ((a & 3) + 4) << (a // 4 - 1)
        return min(max(self.token((smallest + 4) // 8), 1), self.T)


def neighbours_of(d, y, x):
    """X, N, E and V at (y, x) of a plane of distances, section 8."""
    if y == 0:
        return (d[0][x - 1],) * 4 if x > 0 else (0, 0, 0, 0)
    above = d[y - 1]
    X = d[y][x - 1] if x > 0 else above[0]
    return X, above[x], above[min(x + 1, len(above) - 1)], above[max(x - 1, 0)]


def contexts_of(p, neighbours, first, f):
    """a, r and e of section 8; f is that of the reference."""
    X, N, E, V = neighbours
    z = 3 * abs(X) + 3 * abs(N) + 2 * abs(E) - abs(V)
    a = p.A - 1 if first else activity(min(8 * max(z, 0) // 7, 8 * p.M))
    g = 3 * X + 3 * N + 2 * E - V
    e = 0 if g == 0 else (3 if g > 7 else 1) if g > 0 else (4 if g < -7 else 2)
    return a, (X != 0) + 2 * (N != 0) + 4 * f, e


def decode_distance(coder, models, p, neighbours, first, f):
    """Section 8. neighbours: X, N, E, V."""
    a, r, e = contexts_of(p, neighbours, first, f)
    m = p.m0 + a * p.G

    def reach(k):
        return models[16 * a + r if k == 1 else m + k - 2].decide(coder)

    t = p.expected(a)
    if reach(t):
        while t < p.T and reach(t + 1):
            t += 1
    else:
        t -= 1
        while t > 0 and not reach(t):
            t -= 1
    if t == 0:
        return 0
    negative = 0
    if p.zero > 0:
        negative = models[16 * p.A + 3 * e + min(t, 3) - 1].decide(coder)
    v = p.least(t)
    if p.M > 15:
        o = m + p.T - 1 + 4 * t
        if t >= 2:
            v = 2 + models[o + 1].decide(coder)
        if t >= 3:
            v = 2 * v + models[o + v].decide(coder)
        if t >= 4:
            v = (v << (t - 3)) + coder.plain(t - 3)
    return -v if negative else v


def decode_payload(payload, p, shape):
    """The mask (None where there is none) and the symbols [L,h,w] of a payload, sections 4 to 8."""
    L, h, w = shape
    coder = RangeDecoder(payload)
    mask = [coder.bit(prior) for prior in p.mask_prior] if p.mask_prior is not None else None
    states = p.initial if p.initial is not None else [None] * (p.classes * p.S)
    models = [[Model(u) for u in states[k * p.S:(k + 1) * p.S]] for k in range(p.classes)]
    distances = [[[0] * w for _ in range(h)] for _ in range(L)]
    for c in range(L):
        if mask is not None and not mask[c]:
            continue
        own = models[p.channel_class[c] if p.channel_class is not None else 0]
        reference = p.reference[c] if p.reference is not None else 65535
        d = distances[c]
        for y in range(h):
            for x in range(w):
                f = 0 if reference == 65535 else min(abs(distances[reference][y][x]), 2) + 1
                v = decode_distance(coder, own, p, neighbours_of(d, y, x), x == 0 and y == 0, f)
                if not 0 <= p.zero + v < p.levels:
                    raise StreamError("corrupt", f"symbol {p.zero + v} of {p.levels} levels")
                d[y][x] = v
    coder.end()
    return mask, (np.array(distances, np.int64).reshape(shape) + p.zero).astype(np.uint16)


def symbol_checksum(symbols, content_hash, point, extents=None):
    """Section 9. extents: the (H, W) of the header, where it carries them."""
    def step(x, v):
        y = (x ^ v) * 2654435761 & 0xFFFFFFFF
        return (y << 13 | y >> 19) & 0xFFFFFFFF

    flat = symbols.reshape(-1).tolist()
    lanes = [content_hash & 0xFFFFFFFF, content_hash >> 32, point, len(flat) & 0xFFFFFFFF]
    for i, s in enumerate(flat):
        lanes[i & 3] = step(lanes[i & 3], s)
    x = (extents[0] - 1) * 2 ** 14 + extents[1] - 1 if extents else 0
    for lane in lanes:
        x = step(x, lane)
    return ((x ^ x >> 15) * 2246822507 & 0xFFFFFFFF) >> 16
