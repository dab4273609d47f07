#!/usr/bin/env python3
"""Puts measurements into docs/results.md.

usage: update_results.py RESULTS.md FOLDER

Replaces what is between <!-- NAME --> and <!-- end --> by the table of that name, made of the files that
bench/report/results.sh left in FOLDER. A table whose files are not there stays as it is.
"""
import glob
import os
import re
import sys

import accuracy as trained
import tables
from measurements import load as load_csv


def make(name, folder):
    """The table called `name`, or None where its measurements are missing."""
    word, _, data = name.partition(" ")
    if word in ("equal", "ladder"):
        path = os.path.join(folder, f"{data}.csv")
        return getattr(tables, word)(load_csv(path)) if os.path.exists(path) else None
    if word in ("overview", "code_length"):
        files = sorted(glob.glob(os.path.join(folder, "*.csv")))
        return getattr(tables, word)([load_csv(f) for f in files]) if files else None
    if word in ("coders", "priors"):
        path = os.path.join(folder, f"{word}_{data}.json")
        load = tables.load_runs if word == "coders" else tables.load_json
        return getattr(tables, word)(load(path)) if os.path.exists(path) else None
    if word == "accuracy":
        path = os.path.join(folder, f"accuracy_{data}.json")
        return tables.accuracy(tables.load_json(path)) if os.path.exists(path) else None
    if word == "device":
        path = os.path.join(folder, "accuracy.jsonl")
        return tables.device(trained.load_lines(path), data) if os.path.exists(path) else None
    if word == "networks":
        path = os.path.join(folder, "networks.json")
        return tables.networks(path) if os.path.exists(path) else None
    if word in ("quantise", "codec"):
        path = os.path.join(folder, f"{word}.json")
        return getattr(tables, word)(tables.load_runs(path)) if os.path.exists(path) else None
    raise SystemExit(f"no table '{name}'")


def main(arguments):
    if len(arguments) != 2:
        raise SystemExit(__doc__)
    path, folder = arguments
    with open(path, encoding="utf-8") as file:
        text = file.read()

    def replace(match):
        made = make(match[1], folder)
        return match[0] if made is None else f"<!-- {match[1]} -->\n{made}\n<!-- end -->"

    text = re.sub(r"<!-- (?!end -->)([^>]+?) -->\n.*?<!-- end -->", replace, text, flags=re.DOTALL)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


if __name__ == "__main__":
    main(sys.argv[1:])
