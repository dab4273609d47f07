"""The content hash of a profile, written from docs/profile.md, section 6."""
import struct

SELECTORS, ATTENTIONS = ("fixed", "top_k", "threshold"), ("cbam", "se", "eca")
ATTRIBUTES = ("i", "ints", "f", "floats", "s")


class Hasher:
    """Collects the bytes that are hashed."""

    def __init__(self):
        self.bytes = bytearray()

    def pack(self, form, *values):
        self.bytes += struct.pack("<" + form, *values)

    def list(self, form, values):
        self.pack("Q", len(values))
        self.pack(f"{len(values)}{form}", *values)

    def string(self, s):
        self.list("B", s.encode("utf-8"))

    def strings(self, values):
        self.pack("Q", len(values))
        for s in values:
            self.string(s)

    def tensor(self, t):
        """The elements as a list, empty where the tensor is absent."""
        self.pack("Q", 0 if t is None else t.size)
        self.bytes += b"" if t is None else t.tobytes()

    def value(self):
        h = 0xCBF29CE484222325
        for byte in self.bytes:
            h = (h ^ byte) * 0x100000001B3 % 2**64
        h = (h ^ h >> 30) * 0xBF58476D1CE4E5B9 % 2**64
        h = (h ^ h >> 27) * 0x94D049BB133111EB % 2**64
        return h ^ h >> 31


def add_point(h, o, channels, tensor):
    """tensor(name): the little-endian tensor of that name without op<j>., or None."""
    kind = SELECTORS.index(o["selector"]["kind"])
    h.pack("B", kind)
    h.tensor(tensor("selector.channels"))
    if kind != 0:
        attention = o["selector"]["attention"]
        threshold, w1 = tensor("selector.threshold"), tensor("selector.attention.w1")
        h.pack("Qf", o["selector"].get("k", 0), 0 if threshold is None else threshold)
        h.pack("BQQ", ATTENTIONS.index(attention["kind"]), channels, 0 if w1 is None else w1.shape[0])
        for name in ("w1", "b1", "w2", "b2", "kernel"):
            h.tensor(tensor(f"selector.attention.{name}"))
        h.pack("I", attention["input_exponent"])
    h.pack("B", 1 if "projection" in o else 2 if "analysis" in o else 0)
    if "analysis" in o:
        h.string(o["analysis"]["network"])
        h.pack("II", o["analysis"]["latents"], o["analysis"]["stride"])
    if "projection" in o:
        h.pack("I", o["projection"]["stride"])
        for name in ("input_scale", "weights", "bias", "shift"):
            h.tensor(tensor(f"projection.{name}"))
    h.pack("II", o["quantizer"]["levels"], o["quantizer"]["zero"])
    for name in ("scale", "unit", "offset", "rounding", "shift"):
        h.tensor(tensor(f"quantizer.{name}"))
    h.pack("B", o["entropy"]["classes"])
    for name in ("reference", "channel_class", "initial", "mask_prior"):
        h.tensor(tensor(f"entropy.{name}"))
    h.pack("I", o["lambda"])
    h.string(o["decoder"])


def add_network(h, g, tensor):
    h.string(g["name"])
    h.strings(g["inputs"])
    h.strings(g["outputs"])
    h.pack("Q", len(g["nodes"]))
    for node in g["nodes"]:
        h.string(node["op_type"])
        h.strings(node["inputs"])
        h.strings(node["outputs"])
        h.pack("Q", len(node["attributes"]))
        for a in node["attributes"]:
            h.string(a["name"])
            h.pack("Bq", [kind in a for kind in ATTRIBUTES].index(True), a.get("i", 0))
            h.list("q", a.get("ints", []))
            h.pack("I", int(a.get("f", "0"), 16))
            h.list("I", [int(f, 16) for f in a.get("floats", [])])
            h.string(a.get("s", ""))
    h.pack("Q", len(g["weights"]))
    for name in g["weights"]:
        t = tensor(name)
        h.string(name)
        h.list("q", t.shape)
        if t.dtype.kind == "i":
            h.pack("Q", 2**64 - 1)
        h.tensor(t.astype("<f4") if t.dtype.kind == "f" else t)


def content_hash(document, tensors):
    """document: the profile's JSON; tensors: its arrays by name, little-endian."""
    h = Hasher()
    h.pack("QQQ", *document["shape"])
    h.pack("Q", len(document["operating_points"]))
    for j, o in enumerate(document["operating_points"]):
        add_point(h, o, document["shape"][0], lambda name, j=j: tensors.get(f"op{j}.{name}"))
    h.pack("Q", len(document["networks"]))
    for i, g in enumerate(document["networks"]):
        add_network(h, g, lambda name, i=i: tensors[f"network{i}.{name}"])
    return h.value()
