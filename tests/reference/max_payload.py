"""An independent decoder of payloads of the mode max, written from docs/max_payload.md, for clarity and not for speed.

Section numbers are those of docs/max_payload.md.
"""
import numpy as np

from decoder import Model, RangeDecoder, StreamError, activity, contexts_of, neighbours_of


def quotient(a, b):
    """a / b toward zero, b > 0."""
    return a // b if a >= 0 else -(-a // b)


def clamp(v, least, largest):
    return min(max(v, least), largest)


def squash_entry(x):
    """Section 1."""
    E = 1 << 32
    for _ in range(abs(x) // 256):
        E = (E * 1580030169) >> 32
    for _ in range(abs(x) % 256):
        E = (E * 4278222805) >> 32
    p = min((1 << 48) // ((1 << 32) + E), 65504)
    return p if x >= 0 else 65536 - p


SQUASH = [squash_entry(x) for x in range(-2047, 2048)]


def squash(x):
    return SQUASH[x + 2047]


def cut(x):
    return clamp(x, -2047, 2047)


def stretch_table():
    entries, x = [], -2047
    for i in range(4096):
        while x < 2047 and squash(x) < 16 * i + 8:
            x += 1
        entries.append(x)
    return entries


STRETCH = stretch_table()


def stretch(p):
    return STRETCH[p >> 4]


def octaves(m):
    return min(m.bit_length(), 8)


def halves(m):
    return m if m < 3 else min(2 * (m.bit_length() - 1) + ((m >> (m.bit_length() - 2)) & 1), 15)


def probability(model):
    return clamp((model.quick + model.slow) >> 1, 32, 65504)


class LinearPrediction:
    """The normal equations: sections 2, 3 and 7."""

    def __init__(self, M):
        self.u = max(M.bit_length() - 9, 0)
        self.ridge = (M >> self.u) ** 2 // 4 + 1
        self.R = [[self.ridge if i == j else 0 for j in range(10)] for i in range(10)]
        self.coefficient = [32768, 32768] + [0] * 8
        self.b = [quotient(self.ridge * c, 65536) for c in self.coefficient]
        self.samples = 0

    def predict(self, F):
        return (sum(c * f for c, f in zip(self.coefficient, F)) >> 12) << self.u

    def learn(self, F, d):
        for i in range(10):
            for j in range(10):
                self.R[i][j] += F[i] * F[j]
            self.b[i] += F[i] * (d >> self.u)
        self.samples += 1
        if self.samples % 8 == 0:
            for i in range(10):
                rest = 65536 * self.b[i] - sum(self.R[i][j] * self.coefficient[j] for j in range(10) if j != i)
                self.coefficient[i] = clamp(quotient(rest, self.R[i][i] + self.ridge // 8 + 1), -262144, 262144)
        if self.samples % 256 == 0:
            for i in range(10):
                for j in range(10):
                    self.R[i][j] -= quotient(self.R[i][j], 64)
                self.b[i] -= quotient(self.b[i], 64)


class WeightSet:
    """Sections 2 and 5."""

    def __init__(self, trained, M):
        few = trained and M <= 15
        self.count = 639 if few else 0
        first, table, distribution = (26214, 3276, 655) if few else (9830, 9830, 2621) if trained else (6553, 9830, 6553)
        self.weight = [first] * 2 + [table] * 4 + [distribution] * 3 + [0]


class MixingDecoder:
    """The state of a payload, section 2."""

    def __init__(self, coder, p):
        self.coder, self.p = coder, p
        self.trained = p.initial is not None
        states = p.initial if self.trained else [None] * (p.classes * p.S)
        self.models = [[Model(u) for u in states[k * p.S:(k + 1) * p.S]] for k in range(p.classes)]
        self.tables = [{}, {}, {}, {}]  # what is not there is in the state of the start of a payload
        self.weights = {}
        self.curves = {}
        self.prediction = LinearPrediction(p.M)
        self.fine_error = [[-1] * 64 for _ in range(64)]
        self.rough_error = [-1] * 64

    def start_plane(self):
        self.tables[2] = {}

    def curve(self, key):
        if key not in self.curves:
            self.curves[key] = [squash(cut(128 * k - 2048)) for k in range(33)]
        return self.curves[key]

    def before(self, d, other, y, x, f):
        """Section 3, the contexts of section 4 and the maps' of section 6. other: the reference plane or None."""
        p, h, w = self.p, len(d), len(d[0])
        X, N, E, V = neighbours = neighbours_of(d, y, x)
        self.a, self.r, self.e = contexts_of(p, neighbours, x == 0 and y == 0, f)
        XX = d[y][x - 2] if x >= 2 else X
        NN = d[y - 2][x] if y >= 2 else N
        P = PE = PS = 0
        if other is not None:
            P = other[y][x]
            PE = other[y][x + 1] if x + 1 < w else P
            PS = other[y + 1][x] if y + 1 < h else P
        M, signed = p.M, p.zero > 0
        self.F = [v >> self.prediction.u for v in (X, N, V, E, XX, NN, P, PE, PS, (M + 15) // 16)]
        self.predicted = clamp(self.prediction.predict(self.F), -20 * M if signed else -10 * M, 20 * M)
        size = 0 if self.predicted < 0 and not signed else abs(self.predicted)
        roughness = abs(X - V) + abs(N - V) + abs(N - E) + abs(X - XX)
        self.i = min(activity(2 * roughness), 63)
        self.k = min(activity(size >> 1), 63)
        rough, fine = self.rough_error[self.i], self.fine_error[self.i][self.k]
        self.surround = 4 * M // 5 + 5 if rough == -1 else rough
        error = self.surround if fine == -1 else fine
        plane = X + N - V
        median = 16 * (max(X, N) if plane > max(X, N) else min(X, N) if plane < min(X, N) else plane)
        self.mean = (self.predicted, self.predicted, median)
        wide = 65536 // max(3 * self.surround // 4, 2)
        self.steepness = (65536 // max(3 * error // 4, 2), wide, wide)

        above = octaves((abs(X) + abs(N) + 1) >> 1)
        self.table_contexts = (
            8 * min(activity(min(size >> 1, 8 * M)), p.A - 1) + min(octaves(error >> 2), 7),
            (halves(abs(X)), halves(abs(N)), octaves(abs(E))),
            above,
            (octaves(abs(P)), octaves((abs(PE) + abs(PS) + 1) >> 1), above),
        )
        self.weight_set = (X != 0) + 2 * (N != 0) + 4 * (E != 0)
        self.map_contexts = ((octaves(abs(X)), octaves(abs(N))), self.a)

    def survival(self, j, v):
        return squash(cut(((self.mean[j] - v) * self.steepness[j]) >> 8))

    def side(self, m, s):
        return [65536 - self.survival(j, 8 - 16 * m) if s else self.survival(j, 16 * m - 8) for j in range(3)]

    def tail(self, m):
        right = self.side(m, 0)
        return [a + b for a, b in zip(right, self.side(m, 1))] if self.p.zero > 0 else right

    def decide(self, node, context, lower, upper, middle):
        """Section 5."""
        table_models = []
        for i in range(4):
            model = self.tables[i].setdefault((self.table_contexts[i], node), Model())
            if self.trained and model.count == 0:
                model.quick = model.slow = probability(context)
                model.count = 8
            table_models.append(model)
        x = [stretch(context.quick), stretch(context.slow)] + [stretch(probability(m)) for m in table_models]
        for j in range(3):
            whole, ones = max(lower[j] - upper[j], 0), max(middle[j] - upper[j], 0)
            p = 32768 if whole < 8 else 2 * (32768 * ones // whole)
            x.append(stretch(clamp(p, 136, 65400)))
        x.append(77)
        key = node, self.weight_set
        if key not in self.weights:
            self.weights[key] = WeightSet(self.trained, self.p.M)
        weights = self.weights[key]
        mixed = cut(sum(a * b for a, b in zip(weights.weight, x)) >> 16)
        p = squash(mixed)
        z = mixed + 2048
        l, f = z >> 7, z & 127
        curves = [self.curve((n, self.map_contexts[n], node)) for n in range(2)]
        refined = [(c[l] * (128 - f) + c[l + 1] * f) >> 7 for c in curves]
        result = self.coder.bit(clamp((2 * p + sum(refined)) // 4, 32, 65504))

        error = 65536 * result - p
        step = quotient(error * (10 + 640 // (32 + weights.count)), 16)
        weights.count = min(weights.count + 1, 639)
        weights.weight = [clamp(a + ((b * step + 32768) >> 16), -524288, 524288) for a, b in zip(weights.weight, x)]
        context.learn(result)
        for model in table_models:
            model.learn(result)
        target = 65535 * result
        for c in curves:
            c[l] += quotient((target - c[l]) * (128 - f), 8192)
            c[l + 1] += quotient((target - c[l + 1]) * f, 8192)
        return result

    def distance(self, models):
        """One symbol, section 7; models: those of the plane's class."""
        p = self.p
        T, M = p.T, p.M
        m = p.m0 + self.a * p.G
        lower, upper = [65536] * 3, [0] * 3

        def reach(k):
            nonlocal lower, upper
            middle = self.tail(p.least(k))
            context = models[16 * self.a + self.r if k == 1 else m + k - 2]
            result = self.decide(k - 1, context, lower, upper, middle)
            if result:
                lower = middle
            else:
                upper = middle
            return result

        t = p.expected(self.a)
        if reach(t):
            while t < T and reach(t + 1):
                t += 1
        else:
            t -= 1
            while t > 0 and not reach(t):
                t -= 1
        if t == 0:
            return 0

        def next_side(s):
            return [0] * 3 if t == T else self.side(p.least(t + 1), s)

        negative = 0
        if p.zero > 0:
            middle, upper = self.side(p.least(t), 1), next_side(1)
            lower = [a + b - c for a, b, c in zip(middle, self.side(p.least(t), 0), next_side(0))]
            context = models[16 * p.A + 3 * self.e + min(t, 3) - 1]
            negative = self.decide(T + min(t, 3) - 1, context, lower, upper, middle)
        v = p.least(t)
        if M > 15 and t > 1:
            lower, upper = self.side(v, negative), next_side(negative)
            prefix = 1
            for n in range(t - 2, -1, -1):
                middle = self.side(v + (1 << n), negative)
                node = T + 3 + 8 * t + (prefix if prefix < 4 else 4 + min(n, 3))
                context = models[m + T - 1 + 4 * t + prefix] if prefix < 4 else Model()
                result = self.decide(node, context, lower, upper, middle)
                if result:
                    lower = middle
                else:
                    upper = middle
                v += result << n
                prefix = 2 * prefix + result
        return -v if negative else v

    def learn(self, d):
        """The end of section 7."""
        miss = abs(16 * d - self.predicted)
        fine, rough = self.fine_error[self.i][self.k], self.rough_error[self.i]
        self.fine_error[self.i][self.k] = (self.surround + miss) // 2 if fine == -1 else fine + quotient(miss - fine, 24)
        self.rough_error[self.i] = miss if rough == -1 else rough + quotient(miss - rough, 48)
        self.prediction.learn(self.F, d)


def decode_payload(payload, p, shape):
    """The mask (None where there is none) and the symbols [L,h,w] of a payload."""
    L, h, w = shape
    coder = RangeDecoder(payload)
    mask = [coder.bit(prior) for prior in p.mask_prior] if p.mask_prior is not None else None
    state = MixingDecoder(coder, p)
    distances = [[[0] * w for _ in range(h)] for _ in range(L)]
    for c in range(L):
        if mask is not None and not mask[c]:
            continue
        models = state.models[p.channel_class[c] if p.channel_class is not None else 0]
        reference = p.reference[c] if p.reference is not None else 65535
        other = None if reference == 65535 else distances[reference]
        state.start_plane()
        for y in range(h):
            for x in range(w):
                f = 0 if other is None else min(abs(other[y][x]), 2) + 1
                state.before(distances[c], other, y, x, f)
                d = state.distance(models)
                if not 0 <= p.zero + d < p.levels:
                    raise StreamError("corrupt", f"symbol {p.zero + d} of {p.levels} levels")
                distances[c][y][x] = d
                state.learn(d)
    coder.end()
    return mask, (np.array(distances, np.int64).reshape(shape) + p.zero).astype(np.uint16)
