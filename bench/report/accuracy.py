"""What examples/training/run_case.py measured, by method and operating point, and what examples/accuracy did."""
import json
import statistics

METHODS = {
    "aecnn": "aecnn",
    "calibration": "aecnn without training",
    "selection": "channels by attention, as in the paper",
    "bottlenet++": "BottleNet++",
    "image": "JPEG or WebP image",
}


def rows(result, method, point=None):
    """The rows of a method that hold an accuracy (an image may not fit), all seeds."""
    return [r for r in result["rows"] if r["method"] == method and "top1" in r and point in (None, r["point"])]


def means(result, method):
    """(point, mean bytes, mean top-1 in percent, its spread over the seeds, seeds) of every operating point."""
    out = []
    for point in result["points"]:
        found = rows(result, method, point)
        if found:
            top1 = [100 * r["top1"] for r in found]
            out.append((point, statistics.mean(r["bytes"] for r in found), statistics.mean(top1), max(top1) - min(top1), len(top1)))
    return out


def reference(result):
    """Mean top-1 in percent on uncompressed features with a tail fine-tuned alike; None without."""
    found = [100 * r["top1"] for r in result["rows"] if r["method"] == "reference"]
    return statistics.mean(found) if found else None


def load_lines(path):
    """The lines of examples/accuracy."""
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.strip()]
