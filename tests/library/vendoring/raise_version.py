"""Raise the library's version and record the wheel of the new one: `make raise`.

The version is in three places: the library's metadata, its `__version__`, and the template's `__library`. Without an
argument the patch number rises by one.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from pathlib import Path

from modelyard.vendoring import wheel

ROOT = Path(__file__).parents[3]
LIBRARY = "{{cookiecutter.project}}/vendor/modelyard"
PLACES = (f"{LIBRARY}/pyproject.toml", f"{LIBRARY}/src/modelyard/__init__.py", "cookiecutter.json")
VERSIONS = "tests/library/vendoring/versions.json"
KEY = re.compile(r'((?:^version|^__version__) = |"__library": )"([^"]+)"', re.MULTILINE)


def current_version(root: Path) -> str:
    """The version of the library's metadata."""
    return KEY.findall((root / PLACES[0]).read_text())[0][1]


def next_patch(version: str) -> str:
    major, minor, patch = version.split(".")
    return f"{major}.{minor}.{int(patch) + 1}"


def set_version(root: Path, version: str) -> None:
    """Write the version in its three places of a copy of the template."""
    for name in PLACES:
        path = root / name
        text, count = KEY.subn(rf'\g<1>"{version}"', path.read_text())
        assert count == 1, name
        path.write_text(text)


def record(root: Path) -> str:
    """Add the wheel's SHA-256 to the recorded versions; the line's version and digest."""
    name, content = wheel.build(root / LIBRARY)
    version, digest = name.split("-")[1], hashlib.sha256(content).hexdigest()
    path = root / VERSIONS
    path.write_text(json.dumps(json.loads(path.read_text()) | {version: digest}, indent=2) + "\n")
    return f"modelyard {version}: {digest}"


if __name__ == "__main__":
    set_version(ROOT, sys.argv[1] if len(sys.argv) > 1 else next_patch(current_version(ROOT)))
    print(record(ROOT))
