"""Check offline that the files of a release are unchanged and belong together.

SHA256SUMS names each file with its hash; SHA256SUMS.sig is its signature by one of those in deploy/allowed_signers. The
bills of materials must name the wheel, the bundle inside it, and its model.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ..errors import ContractError
from ..runtime.hashing import sha256
from ..runtime.project import Project
from .package import CARD, DIST, MLBOM, SBOM
from .packaging.bom import BUNDLE
from .packaging.signature import SIGNERS, signer
from .packaging.sums import SIGNATURE, SUMS, faults


def verify(folder: Path, signers: Path, require_signature: bool) -> list[str]:
    """The checks that passed, a line each. Raises ContractError with all that failed."""
    failures: list[str] = []
    passed: list[str] = []
    try:
        if name := signer(folder, signers):
            passed.append(f"{SUMS} is signed by {name}")
        elif require_signature:
            failures.append(f"{SIGNATURE} is missing, and a signature is required")
        else:
            passed.append(f"{SUMS} is not signed: whoever could change the files could change it too")
    except ContractError as error:
        failures.append(str(error))
    try:
        changed = faults(folder)
    except ContractError as error:
        changed = [str(error)]
    failures += changed
    if not changed:
        passed.append(f"each file is the one that {SUMS} names")
        failures += mismatches(folder)
        if not failures:
            passed.append("the bills of materials name the bundle inside the wheel")
    if failures:
        raise ContractError(
            f"{folder} is not the release that it says it is:\n" + "\n".join(f"  {line}" for line in failures)
        )
    return passed


def mismatches(folder: Path) -> list[str]:
    """The files of a release that do not belong to the bundle in its wheel, a line each."""
    wheels, executables = list(folder.glob("*.whl")), list(folder.glob("*.pyz"))
    if len(wheels) != 1 or len(executables) != 1:
        return [f"{len(wheels)} wheels and {len(executables)} executables are there; a release has one of each"]
    (wheel,), (executable,) = wheels, executables
    bundle = _bundle_in(wheel)
    if bundle is None or "manifest.json" not in bundle:
        return [f"{wheel.name} holds no bundle"]
    failures = [
        f"{wheel.name}: {name} in its bundle is not the file that its manifest lists" for name in _unlisted(bundle)
    ]
    if _bundle_in(executable) != bundle:
        failures.append(f"{executable.name} holds another bundle than {wheel.name}")
    if (folder / CARD).read_bytes() != bundle.get("README.md"):
        failures.append(f"{CARD} is not the card of the bundle in {wheel.name}")
    digest, model = _hash(bundle["manifest.json"]), _hash(bundle.get("model.onnx", b""))
    software, learned = (_bill(folder / name) for name in (SBOM, MLBOM))
    if digest not in _properties(software["metadata"]["component"]):
        failures.append(f"{SBOM} names another bundle than the one in {wheel.name}, {digest}")
    if sha256(wheel) not in {one for part in software.get("components", []) for one in _hashes(part)}:
        failures.append(f"{SBOM} does not name {wheel.name} with its hash")
    if digest not in _properties(learned["metadata"]["component"]):
        failures.append(f"{MLBOM} names another bundle than the one in {wheel.name}, {digest}")
    if model not in _hashes(learned["metadata"]["component"]):
        failures.append(f"{MLBOM} names another model than the one in {wheel.name}, {model}")
    return failures


def _bundle_in(archive: Path) -> dict[str, bytes] | None:
    """The files of the bundle inside a wheel or an executable, by their names."""
    try:
        with zipfile.ZipFile(archive) as opened:
            names = [
                name for name in opened.namelist() if name.split("/")[-2:-1] == ["bundle"] and not name.endswith("/")
            ]
            return {name.rpartition("/")[2]: opened.read(name) for name in names}
    except zipfile.BadZipFile:
        return None


def _unlisted(bundle: dict[str, bytes]) -> Iterator[str]:
    listed = json.loads(bundle["manifest.json"])["files"]
    actual = {name: _hash(content) for name, content in bundle.items() if name != "manifest.json"}
    yield from sorted(name for name in listed.keys() | actual.keys() if listed.get(name) != actual.get(name))


def _bill(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError) as error:
        raise ContractError(f"{path.name} is no bill of materials: {error}") from None


def _properties(part: dict[str, Any]) -> list[str]:
    return [one["value"] for one in part.get("properties", []) if one["name"] == BUNDLE]


def _hashes(part: dict[str, Any]) -> list[str]:
    return [one["content"] for one in part.get("hashes", [])]


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def main(arguments: Sequence[str], _project: Project) -> None:
    """The verb `verify`."""
    parser = argparse.ArgumentParser(
        prog="verify", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", nargs="?", type=Path, default=DIST, help=f"the release's files ({DIST})")
    parser.add_argument("--signers", type=Path, default=SIGNERS, help=f"who may sign ({SIGNERS})")
    parser.add_argument("--require-signature", action="store_true", help="fail where there is none")
    options = parser.parse_args(arguments)
    if not options.folder.is_dir():
        raise ContractError(f"{options.folder}: there is no such folder; `make package` makes a release")
    for line in verify(options.folder, options.signers, options.require_signature):
        print(line, file=sys.stderr if "not signed" in line else sys.stdout)
    print(f"{options.folder} is in order")
