"""An independent decoder of payloads of the mode fast, written from docs/fast_payload.md, for clarity and not for speed.

Section numbers are those of docs/fast_payload.md where nothing else is said.
"""
import numpy as np

from decoder import Model, StreamError, contexts_of, neighbours_of

TOTAL = 1024
STEPS = (65536, 77936, 92682, 110218)


class Values:
    """Section 1."""

    def __init__(self, p):
        self.levels, self.zero = p.levels, p.zero
        self.both = 2 * min(p.zero, p.levels - 1 - p.zero)
        self.direct = p.levels <= 16
        self.tokens = self.token(p.levels - 1) + 1
        self.base = 10 + min(self.bits(self.tokens - 1), 5)

    def token(self, v):
        if self.direct or v < 8:
            return v
        r = v.bit_length() - 3
        return 4 * r + (v >> r)

    def bits(self, t):
        return 0 if self.direct or t < 8 else t // 4 - 1

    def first(self, t):
        return t if self.direct or t < 8 else (4 + (t & 3)) << (t // 4 - 1)

    def distance(self, v):
        if v > self.both:
            m = v - self.both // 2
            return m if self.zero + m < self.levels else -m
        return (v + 1) // 2 if v & 1 else -(v // 2)


class Lanes:
    """The states and the words that they share, sections 2 and 3."""

    def __init__(self, payload, base):
        self.base, self.lanes = base, 1
        n = len(payload) if len(payload) <= 4 else 4 - (len(payload) & 1)
        x = int.from_bytes(payload[:n], "little")
        if len(payload) <= 4:
            wrong = n > 0 and payload[-1] == 0
        else:
            wrong = x < 1 << base or (n == 4 and x < 1 << 24)
        if wrong or x >> (base + 16):
            raise StreamError("corrupt", "the first state")
        self.x = [x]
        self.words = [int.from_bytes(payload[i:i + 2], "little") for i in range(n, len(payload), 2)]
        self.taken = 0

    def refill(self, i=0):
        if self.x[i] >> self.base:
            return
        if self.taken < len(self.words):
            self.x[i] = self.x[i] << 16 | self.words[self.taken]
            self.taken += 1
        elif self.lanes > 1:
            raise StreamError("corrupt", "a word beyond the last one")

    def bit(self, p1):
        x, one = self.x[0], min(max(p1 >> 6, 1), TOTAL - 1)
        slot = x & (TOTAL - 1)
        result = int(slot < one)
        self.x[0] = one * (x >> 10) + slot if result else (TOTAL - one) * (x >> 10) + slot - one
        self.refill()
        return result

    def plain(self, n, i=0):
        result = 0
        while n > 0:
            k = min(n, 8)
            result = result << k | self.x[i] & ((1 << k) - 1)
            self.x[i] >>= k
            self.refill(i)
            n -= k
        return result

    def end(self):
        if self.taken < len(self.words):
            raise StreamError("trailing_bytes", "words after the last one")
        if any(x != (0 if self.lanes == 1 else 1 << self.base) for x in self.x):
            raise StreamError("corrupt", "a final state")


def scale(weights):
    """Section 5."""
    total = sum(weights)
    f = [max(TOTAL * w // total, 1) if w > 0 else 0 for w in weights]
    largest = f.index(max(f))
    given = sum(f)
    while given > TOTAL:
        paid = min(given - TOTAL, f[largest] // 2)
        f[largest] -= paid
        given -= paid
        for t in range(len(f)):
            if f[t] > f[largest]:
                largest = t
    f[largest] += TOTAL - given
    return f


def smallest(a):
    """bitstream.md, section 8."""
    return 2 * a if a < 4 else 2 * ((a & 3) + 4) << (a // 4 - 1)


def plain_known_tables(p, values):
    """Section 5, without initial states."""
    tables = []
    for a in range(p.A):
        u = p.M // 2 if a == p.A - 1 else smallest(a) // 2
        ratio = ((64 * u + 64) << 32) // (64 * u + 320)

        def power(m):
            r, b = 1 << 32, ratio
            while m > 0:
                if m & 1:
                    r = (r * b) >> 32
                b = (b * b) >> 32
                m >>= 1
            return r

        weights = []
        for t in range(values.tokens):
            v = min(values.first(t) + (1 << values.bits(t)) // 2, p.levels - 1)
            m = abs(values.distance(v))
            w = power(m) >> 8
            if m > 0 and values.first(t) <= values.both:
                w >>= 1
            weights.append(max(w << values.bits(t), 1))
        tables.append(scale(weights))
    return tables


def probability(model):
    return min(max((model.quick + model.slow) >> 1, 32), 65504)


def known_tables(p, values, k):
    """Section 5, from the initial states of class k."""
    models = [Model(u) for u in p.initial[k * p.S:(k + 1) * p.S]]
    for a in range(p.A):
        of_zero = models[16 * a:16 * a + 16]
        count = sum(m.count for m in of_zero)
        if count > 0:
            models[16 * a].quick = models[16 * a].slow = sum(m.count * probability(m) for m in of_zero) // count
    tables = []
    for a in range(p.A):
        m = p.m0 + a * p.G

        def product(v):
            d = values.distance(v)
            magnitude = abs(d)
            token, product = p.token(magnitude), 1 << 36

            def decision(i, one):
                nonlocal product
                p1 = probability(models[i])
                product = (product * (p1 if one else 65536 - p1)) >> 16

            def reach(t):
                decision(16 * a if t == 1 else m + t - 2, token >= t)
                return token >= t

            t = p.expected(a)
            if reach(t):
                while t < p.T and reach(t + 1):
                    t += 1
            else:
                t -= 1
                while t > 0 and not reach(t):
                    t -= 1
            if t == 0:
                return product
            if p.zero > 0:
                decision(16 * p.A + min(t, 3) - 1, d < 0)
            if p.M > 15:
                o = m + p.T - 1 + 4 * t
                if t >= 2:
                    first = magnitude >> (t - 2) & 1
                    decision(o + 1, first)
                if t >= 3:
                    decision(o + 2 + first, magnitude >> (t - 3) & 1)
                if t >= 4:
                    product >>= t - 3
            return product

        weights = []
        for t in range(values.tokens):
            v = min(values.first(t) + (1 << values.bits(t)) // 2, p.levels - 1)
            w = product(v)
            if values.bits(t) > 0 and v < values.both:
                w = (w + product(v + 1)) // 2
            weights.append(max(w << values.bits(t), 1))
        tables.append(scale(weights))
    return tables


class TableReader:
    """Section 6."""

    def __init__(self, lanes, p, values):
        self.lanes, self.p, self.tokens = lanes, p, values.tokens
        self.last_first, self.last_next = self.models(), self.models()
        self.near_models = [self.models() for _ in range(5)]
        self.absent = self.models()

    @staticmethod
    def models():
        return [Model() for _ in range(16)]

    def unary(self, most, models):
        k = 0
        while k < most and models[min(k, 12)].decide(self.lanes):
            k += 1
        return k

    def near(self, prediction, least, most, models):
        if least == most or not models[0].decide(self.lanes):
            return prediction
        if prediction == least:
            below = 0
        elif prediction == most:
            below = 1
        else:
            below = models[1].decide(self.lanes)
        if below:
            return prediction - 1 - self.unary(prediction - least - 1, models[2:])
        return prediction + 1 + self.unary(most - prediction - 1, models[2:])

    def read(self):
        """The tables' shares and the number of the table of each activity."""
        p = self.p
        detail = self.lanes.plain(2)
        if detail > 2:
            raise StreamError("corrupt", "detail of the tables")
        self.detail, self.top = detail, 10 * 2 ** detail + 1
        boundary = Model()
        boundary.quick = boundary.slow = 16384
        boundary.count = 2
        k, table = 0, [0]
        for _ in range(1, p.A - 1):
            if k < 15:
                k += boundary.decide(self.lanes)
            table.append(k)
        table.append(self.lanes.plain(k.bit_length()))
        if table[-1] > k:
            raise StreamError("corrupt", "the table of the first symbol of a unit")
        shares, last, step = [], None, None
        for number in range(k + 1):
            last, step = self.steps(number, last, step)
            shares.append(scale([STEPS[((s - 1) << (2 - detail)) & 3] << ((s - 1) >> detail) if s else 0 for s in step]))
        return shares, table

    def steps(self, k, last, old):
        tokens, top, detail = self.tokens, self.top, self.detail
        if k == 0:
            last = tokens - 1 - self.unary(tokens - 1, self.last_first)
        else:
            last = self.near(last, 0, tokens - 1, self.last_next)
        step = [0] * tokens
        if last == 0:
            step[0] = top
            return last, step
        for t in range(last + 1):
            left = step[t - 1] if t > 0 else 0
            if k == 0:
                g = 0
                guess = top if t == 0 else step[t - 2] if t > 1 and left == 0 else left
            else:
                g, guess = 4, old[t]
                if t > 0 and left > 0 and old[t - 1] > 0:
                    change = left - old[t - 1]
                    guess += change
                    g = 1 + min((abs(change) + 2 ** detail - 1) >> detail, 2)
                if old[t] == 0:
                    guess = left
            guess = min(max(guess, 1), top)
            if t < last:
                c = (t > 0 and left == 0) + (4 if k == 0 else 2 if old[t] == 0 else 0) + 8 * (guess < 2 * 2 ** detail)
                if self.absent[c].decide(self.lanes):
                    continue
            step[t] = self.near(guess, 1, top, self.near_models[g])
        return last, step


class Table:
    """The token of each of the slots, its share and the first of its slots."""

    def __init__(self, shares):
        self.shares, self.start, self.token = shares, [], []
        for t, f in enumerate(shares):
            self.start.append(len(self.token))
            self.token += [t] * f


def decode_symbol(lanes, i, table, values):
    """A symbol's value with lane i, the end of section 7."""
    x = lanes.x[i]
    slot = x & (TOTAL - 1)
    t = table.token[slot]
    lanes.x[i] = x = table.shares[t] * (x >> 10) + slot - table.start[t]
    if values.direct:
        lanes.refill(i)
        return t
    j = min(values.bits(t), 5)
    v = (values.first(t) >> (values.bits(t) - j)) + (x & ((1 << j) - 1))
    lanes.x[i] = x >> j
    lanes.refill(i)
    k = values.bits(t) - j
    if k > 0:
        x = lanes.x[i]
        v = (v << k) + (x & ((1 << k) - 1))
        lanes.x[i] = x >> k
        lanes.refill(i)
    return v


def decode_payload(payload, p, shape):
    """The mask (None where there is none) and the symbols [L,h,w] of a payload."""
    L, h, w = shape
    values = Values(p)
    lanes = Lanes(payload, values.base)
    mask = [lanes.bit(prior) for prior in p.mask_prior] if p.mask_prior is not None else None
    sent = [c for c in range(L) if mask is None or mask[c]]
    distances = [[[0] * w for _ in range(h)] for _ in range(L)]
    n = len(sent) * h * w
    if n > 0:
        if lanes.bit(32768):
            shares, table = TableReader(lanes, p, values).read()
            shares = [Table(f) for f in shares]
            tables = [[shares[k] for k in table]] * p.classes
        elif p.initial is None or p.classes * p.A > 1024:
            tables = [[Table(f) for f in plain_known_tables(p, values)]] * p.classes
        else:
            tables = [[Table(f) for f in known_tables(p, values, k)] for k in range(p.classes)]
        k = lanes.plain(3) if n >= 1024 else 0
        if k > 5:
            raise StreamError("corrupt", f"2^{k} lanes")
        for _ in range(1, 1 << k):
            size = values.base + lanes.plain(4)
            low = lanes.plain(min(size, 16))
            high = lanes.plain(size - 16) if size > 16 else 0
            lanes.x.append(low + (high << 16) + (1 << size))
        lanes.lanes = 1 << k
        units, _ = bands_of(lanes.lanes, len(sent), h)
        if k > 0 and units < lanes.lanes:
            raise StreamError("corrupt", f"{lanes.lanes} lanes for {units} units")
        decode_units(lanes, p, values, tables, sent, distances)
    lanes.end()
    return mask, (np.array(distances, np.int64).reshape(shape) + p.zero).astype(np.uint16)


def bands_of(lanes, sent, h):
    """Section 7: the number of units and the rows of each but a plane's last."""
    parts = -(-lanes // sent) if sent < lanes else 1
    rows = -(-h // parts)
    return sent * -(-h // rows), rows


def decode_units(lanes, p, values, tables, sent, distances):
    """Section 7."""
    h, w = len(distances[0]), len(distances[0][0])
    _, rows = bands_of(lanes.lanes, len(sent), h)
    units = []
    for c in sent:
        own = tables[p.channel_class[c] if p.channel_class is not None else 0]
        # Slices share the rows of the plane.
        units += [(own, distances[c][y:y + rows]) for y in range(0, h, rows)]
    for begin in range(0, len(units), lanes.lanes):
        group = units[begin:begin + lanes.lanes]
        for y in range(max(len(d) for _, d in group)):
            for x in range(w):
                for i, (own, d) in enumerate(group):
                    if y >= len(d):
                        continue
                    a, _, _ = contexts_of(p, neighbours_of(d, y, x), x == 0 and y == 0, 0)
                    v = decode_symbol(lanes, i, own[a], values)
                    if v >= p.levels:
                        raise StreamError("corrupt", f"value {v} of {p.levels} levels")
                    d[y][x] = values.distance(v)
