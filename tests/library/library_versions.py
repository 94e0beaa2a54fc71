"""Another version of the library: this one with one thing written otherwise, vendored as a project has it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from modelyard.vendoring.hashes import text
from modelyard.vendoring.wheel import build
from sample import LIBRARY, SAMPLE

HASHES = """
import json, sys
sys.path.insert(0, sys.argv[1])
from modelyard.code import code_hashes
print(json.dumps(code_hashes()))
"""


def vendor(root: Path, file: str = "errors.py", old: str = "", new: str = "") -> dict[str, str]:
    """Put the launcher, a wheel and its hashes into `vendor/` under a root, and versions.json if it has none.

    In one of the library's files, `old` is replaced by `new`. Returns the hashes.
    """
    with tempfile.TemporaryDirectory() as temporary:
        source = Path(temporary) / "modelyard"
        shutil.copytree(LIBRARY.parents[1], source, ignore=shutil.ignore_patterns("__pycache__"))
        path = source / "src/modelyard" / file
        before = path.read_text(encoding="utf-8")
        assert old in before
        path.write_text(before.replace(old, new, 1) if old else before, encoding="utf-8")
        name, content = build(source)
    folder = root / "vendor"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)
    shutil.copyfile(SAMPLE / "vendor/yard", folder / "yard")
    if not (root / "versions.json").exists():
        shutil.copyfile(SAMPLE / "versions.json", root / "versions.json")
    command = [sys.executable, "-I", "-c", HASHES, str(folder / name)]
    hashes = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    (folder / "yard.json").write_text(text(hashes), encoding="utf-8")
    return hashes
