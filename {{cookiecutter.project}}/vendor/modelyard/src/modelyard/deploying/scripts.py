"""Programs that are sent as text to where a stage runs, and run there by the Python of an image."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType


def script(call: str, *modules: ModuleType) -> str:
    """The source of modules that need the standard library only, and the call with which the program starts."""
    sources = [Path(str(module.__file__)).read_text(encoding="utf-8") for module in modules]
    return "\n\n".join([*sources, call]) + "\n"
