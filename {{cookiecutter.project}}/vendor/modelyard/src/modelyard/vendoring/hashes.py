"""`hashes`: write vendor/yard.json, the hash of the library's code that each stage runs. DVC depends on it."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence

from ..code import code_hashes
from .guard import HASHES


def text(hashes: Mapping[str, str]) -> str:
    """The content of vendor/yard.json."""
    return json.dumps(hashes, indent=2) + "\n"


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the hashes of the library that runs."""
    argparse.ArgumentParser(prog="hashes", description=__doc__).parse_args(arguments)
    HASHES.parent.mkdir(exist_ok=True)
    HASHES.write_text(text(code_hashes()), encoding="utf-8")
    print(f"written: {HASHES}")
