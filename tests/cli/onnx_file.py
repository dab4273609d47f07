"""Writes ONNX files with nothing but Python's standard library: just what the tests need of the format."""
import struct


def varint(v):
    v %= 1 << 64
    out = b""
    while v >= 128:
        out += bytes([v & 127 | 128])
        v >>= 7
    return out + bytes([v])


def field(number, value):
    """An int, a float, text or the bytes of a message."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    if isinstance(value, float):
        return varint(number << 3 | 5) + struct.pack("<f", value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def tensor(name, shape, values):
    data = struct.pack(f"<{len(values)}f", *values)
    return b"".join(field(1, d) for d in shape) + field(2, 1) + field(8, name) + field(9, data)


def attribute(name, value):
    kind = {int: 2, float: 1, str: 3}.get(type(value), 7)
    number = {1: 2, 2: 3, 3: 4}.get(kind)
    data = field(number, value) if number else b"".join(field(8, v) for v in value)
    return field(1, name) + data + field(20, kind)


def node(op, inputs, outputs, **attributes):
    return (b"".join(field(1, i) for i in inputs) + b"".join(field(2, o) for o in outputs) + field(4, op)
            + b"".join(field(5, attribute(k, v)) for k, v in attributes.items()))


def value(name, shape):
    """A float tensor; an extent that is text is open."""
    dims = b"".join(field(1, field(2, d) if isinstance(d, str) else field(1, d)) for d in shape)
    return field(1, name) + field(2, field(1, field(1, 1) + field(2, dims)))


def model(nodes, inputs, outputs, weights=(), opset=13):
    """`inputs` and `outputs`: {name: shape}; `weights`: {name: (shape, values)}."""
    graph = b"".join(field(1, n) for n in nodes) + field(2, "net")
    graph += b"".join(field(5, tensor(n, *w)) for n, w in dict(weights).items())
    graph += b"".join(field(11, value(n, s)) for n, s in inputs.items())
    graph += b"".join(field(12, value(n, s)) for n, s in outputs.items())
    return field(1, 8) + field(2, "test") + field(7, graph) + field(8, field(2, opset))
