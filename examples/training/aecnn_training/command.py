"""What the training programs' command lines have in common."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Callable

import torch

from .export import Program


def parser(description: str) -> argparse.ArgumentParser:
    """CONFIG, --data, --out and --threads."""
    result = argparse.ArgumentParser(description=description)
    result.add_argument("config", type=Path, help="TOML file")
    result.add_argument("--data", type=Path, help="folder that replaces {data} in the file")
    result.add_argument("--out", type=Path, default=Path("out"), help="folder of all results")
    result.add_argument("--threads", type=int, help="CPU threads (default: PyTorch's)")
    return result


def codec_parser(description: str) -> argparse.ArgumentParser:
    """The same, --cache, --seed and --program."""
    result = parser(description)
    result.add_argument("--cache", type=Path, help="folder of feature tensors (OUT/features)")
    result.add_argument("--seed", type=int, help="instead of the configuration's")
    result.add_argument("--program", type=Path, help="the library's command-line program, aecnn")
    return result


def library(arguments: argparse.Namespace) -> Program | None:
    """The program named by --program."""
    return Program(arguments.program) if arguments.program else None


def run(arguments: argparse.Namespace, program: Callable[[argparse.Namespace], object]) -> int:
    """Prints what the program returns as JSON; errors that a user can mend as one line. The exit
    status."""
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    try:
        result = program(arguments)
    except (ValueError, RuntimeError, FloatingPointError) as error:
        if type(error) is RuntimeError:
            raise  # PyTorch's own: a defect, not a user's error
        print(f"{Path(sys.argv[0]).stem}: {error}", file=sys.stderr)
        return 1
    print(json.dumps(result))
    return 0
