"""The tables of docs/results.md, as Markdown."""
import json

import accuracy as trained
from measurements import select

RATES = ["8 bit", "6 bit", "4 bit", "2 bit"]
TRANSFORMS = ["select", "klt"]


def number(v):
    """Three significant digits, without an exponent where that is readable."""
    return f"{v:.2e}" if v < 1e-3 else f"{v:.3g}" if v < 1000 else f"{v:.0f}"


def table(head, rows):
    lines = ["| " + " | ".join(line) + " |" for line in [head] + rows]
    lines.insert(1, "|---" * len(head) + "|")
    return "\n".join(lines)


def equal(rows):
    """The alternative and both transforms at equal bytes."""
    lines = []
    for rate in RATES:
        (zstd,) = select(rows, part="equal", codec="zstd", rate=rate)
        line = [rate, f"{zstd['bytes']:.0f}", number(zstd["mse"])]
        for codec in TRANSFORMS:
            (ours,) = select(rows, part="equal", codec=codec, rate=rate)
            line += [f"{ours['bytes']:.0f}", number(ours["mse"]), f"{ours['mse'] / zstd['mse']:.2f}"]
        lines.append(line)
    head = ["quantisation with zstd -19", "bytes", "mse"]
    for codec in TRANSFORMS:
        head += [f"{codec}: bytes", "mse", "of zstd's"]
    return table(head, lines)


def ladder(rows):
    """Bytes and error at each compression ratio."""
    lines = []
    for first in select(rows, part="ladder", codec="select"):
        line = [first["rate"]]
        for codec in TRANSFORMS:
            (r,) = select(rows, part="ladder", codec=codec, rate=first["rate"])
            line += [f"{r['bytes']:.1f}", f"{r['relative_error']:.4f}"]
        lines.append(line)
    return table(["ratio asked for", "select: bytes", "relative error", "klt: bytes", "relative error"], lines)


def overview(files):
    """Squared error as a share of the alternative's, for all data."""
    lines = []
    for rows in files:
        line = [rows[0]["data"]]
        for codec in TRANSFORMS:
            for rate in RATES:
                (ours,) = select(rows, part="equal", codec=codec, rate=rate)
                line.append(f"{ours['mse'] / ours['zstd_mse']:.2f}")
        lines.append(line)
    return table(["data"] + [f"{codec} {rate}" for codec in TRANSFORMS for rate in RATES], lines)


def code_length(files):
    """How far payloads and whole streams are from the ideal code length of their models."""
    ours = [r for rows in files for r in rows if r["codec"] != "zstd"]
    beyond = [r for r in ours if r["allowance_stream"] > 1]
    lines = [
        ["operating points", str(len(ours))],
        ["payload less ideal code length, largest", f"{max(r['excess_bytes'] for r in ours):.2f} bytes"],
        ["distance of a payload from it over 2 % + 4 bytes, largest", f"{max(r['allowance_payload'] for r in ours):.2f}"],
        ["the same of the whole stream, largest", f"{max(r['allowance_stream'] for r in ours):.2f}"],
        ["operating points where that is above 1", str(len(beyond))],
    ]
    if beyond:
        lines.append(["longest mean stream among them", f"{max(r['bytes'] for r in beyond):.0f} bytes"])
    return table(["over all data above", ""], lines)


def load_json(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def load_runs(path):
    """A Google Benchmark JSON file: the medians of repetitions, or single runs, by name."""
    with open(path, encoding="utf-8") as file:
        entries = json.load(file)["benchmarks"]
    medians = [b for b in entries if b.get("aggregate_name") == "median"]
    return {b["run_name"].removesuffix("/manual_time"): b for b in medians or entries}


def quantise(runs):
    """quantize_bench: selecting and quantising as a share of memcpy's speed."""
    return table(["elements", "share of memcpy's speed"],
                 [[name.split("/")[3].replace("_", " "), f"{b['memcpy_share']:.2f}"] for name, b in runs.items()])


def coders(runs):
    """entropy_bench: bits a symbol of every coder, and its speed as a multiple of zstd -3's in the same run."""
    names = list(dict.fromkeys(name.split("/")[1] for name in runs))
    depths = list(dict.fromkeys(name.split("/")[2] for name in runs))
    lines = []
    for name in names:
        line = [name] + [f"{runs[f'encode/{name}/{d}']['bits_per_symbol']:.3f}" for d in depths]
        for way in ("encode", "decode"):
            line.append(" / ".join(
                f"{runs[f'{way}/{name}/{d}']['bytes_per_second'] / runs[f'{way}/zstd -3/{d}']['bytes_per_second']:.2g}" for d in depths))
        lines.append(line)
    sizes = " / ".join(d.removesuffix(" bit") for d in depths)
    return table(["coder"] + depths + [f"encoding, {sizes} bit", f"decoding, {sizes} bit"], lines)


def priors(rows):
    """bench_entropy_priors: bits a symbol against the size of a tensor, cold and trained."""
    lines = []
    for r in rows:
        line = [str(r["bits"]), f"{r['symbols']:,}"]
        for mode in ("default", "max"):
            cold, trained = r[f"{mode}_cold"], r[f"{mode}_trained"]
            line += [f"{cold:.3f}", f"{trained:.3f}", f"{100 * (trained / cold - 1):.1f} %"]
        lines.append(line + [f"{r['prior_bytes'] / 1024:.1f}"])
    head = ["bits", "symbols"]
    for mode in ("default", "max"):
        head += [f"{mode}: cold", "trained", "change"]
    return table(head + ["KiB of prior"], lines)


def codec(runs):
    """codec_bench: whole encoder and decoder as a share of the speed of quantisation and zstd -3."""
    lines = []
    for name in runs:
        way, shape, transform, *choice = name.split("/")
        if way == "encode" and choice == ["choose"]:
            speeds = [runs[f"encode/{shape}/{transform}/choose"], runs[f"encode/{shape}/{transform}/nearest"],
                      runs[f"decode/{shape}/{transform}"]]
            sizes = [f"{speeds[0][key]:.0f}" for key in ("bytes", "zstd_bytes")]
            lines.append([shape, transform] + sizes + [f"{s['zstd_share']:.2f}" for s in speeds])
    return table(["shape", "transform", "bytes", "zstd's bytes", "encoding", "nearest symbols", "decoding"], lines)


def networks(path):
    """bench_networks' lines, one JSON object each: one and two threads beside the peer, then AVX2 alone, without
    Winograd, and in int8 beside the peer's int8."""
    with open(path, encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    per_pass = len(rows) // 5
    passes = [{r["network"]: r for r in rows[i * per_pass:(i + 1) * per_pass]} for i in range(5)]
    lines = ["| network | us | ONNX Runtime / ours | two threads / one, ours | ONNX Runtime / ours, two threads | AVX2 / AVX-512 | "
             "error | without Winograd: error | time | int8: float / int8 | int8: ONNX Runtime QLinearConv / ours | load, ms |",
             "|---|---|---|---|---|---|---|---|---|---|---|---|"]
    for name in sorted(passes[0]):
        one, two, avx2, exact, int8 = (p[name] for p in passes)
        ratio = f"{one['ratio']:.2f}" if "ratio" in one else ""
        other = f"{two['ratio']:.2f}" if "ratio" in two else ""
        us = one["median_us"]
        integers = f"{us / int8['median_us']:.2f}" if "median_us" in int8 else ""
        linear = f"{int8['ratio']:.2f}" if "ratio" in int8 else ""
        lines.append(f"| {name} | {us:.0f} | {ratio} | {us / two['median_us']:.2f} | {other} | {avx2['median_us'] / us:.2f} | "
                     f"{one['error']:.1e} | {exact['error']:.1e} | {exact['median_us'] / us:.2f} | {integers} | {linear} | {one['load_ms']:.1f} |")
    return "\n".join(lines)


def accuracy(result):
    """Points lost against the uncompressed reference, by operating point; bytes where they are not ours."""
    reference = trained.reference(result)
    ours = {point: cells for point, *cells in trained.means(result, "aecnn")}
    head = ["operating point", "bytes", "top-1, %", "lost", "spread of the seeds"]
    others = [m for m in trained.METHODS if m != "aecnn" and trained.rows(result, m)]
    head += [f"{trained.METHODS[m]}: top-1 (bytes)" for m in others]
    found = {m: {point: cells for point, *cells in trained.means(result, m)} for m in others}
    lines = []
    for point, (size, top1, spread, seeds) in ours.items():
        line = [point, f"{size:.1f}", f"{top1:.2f}", f"{reference - top1:.2f}", f"{spread:.2f} of {seeds}" if seeds > 1 else "one seed"]
        for m in others:
            line.append(f"{found[m][point][1]:.2f} ({found[m][point][0]:.0f})" if point in found[m] else "no file is so small")
        lines.append(line)
    return table(head, lines)


def device(lines, case):
    """What examples/accuracy measured of a case: time of the codec beside that of head and tail."""
    rows = []
    for r in lines:
        if r["case"] != case or r["operating_point"] is None:
            continue
        row = [r["operating_point"], f"{r['bytes']:.1f}", f"{r['bytes_bare']:.1f}", f"{r['ratio']:.0f}", f"{r['top1']:.2f}", f"{r['top1_reference']:.2f}"]
        row.append(f"{100 * r['encode_us'] / r['head_us']:.1f}" if r["head_us"] else "")
        rows.append(row + [f"{100 * r['decode_us'] / r['tail_us']:.0f}"])
    head = ["operating point", "bytes", "bare", "ratio", "top-1, %", "reference", "encoding, % of the head's time", "decoding, % of the tail's"]
    return table(head, rows)
