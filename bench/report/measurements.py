"""Rows of bench_rate_distortion's CSV files."""
import csv


def load(path):
    """The rows of one file as dictionaries, numbers as floats, empty fields as None."""
    words = {"data", "part", "codec", "rate"}
    with open(path, newline="", encoding="utf-8") as file:
        rows = [
            {key: text if key in words else float(text) if text else None for key, text in row.items()}
            for row in csv.DictReader(file)
        ]
    if not rows:
        raise SystemExit(f"{path}: no measurements, expected the output of bench_rate_distortion")
    return rows


def select(rows, **wanted):
    """The rows whose fields are as wanted."""
    return [r for r in rows if all(r[k] == v for k, v in wanted.items())]
