"""Check the files of a release, without a network: that they are those that were released, and belong together.

SHA256SUMS names each file with its hash; SHA256SUMS.sig is its signature by one of those in deploy/allowed_signers. The
bills of materials must name the wheel, the bundle inside it, and its model.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .package import CARD, DIST, MLBOM, SBOM
from .packaging.bom import BUNDLE
from .packaging.signature import SIGNATURE, SIGNERS, signer
from .packaging.sums import SUMS, faults
from ..runtime.contract import ContractError
from ..runtime.hashing import sha256


def verify(folder: Path, signers: Path, require_signature: bool) -> list[str]:
    """What was found in order, a line each.

    Raises ContractError with everything that is not.
    """
    wrong: list[str] = []
    right: list[str] = []
    try:
        if name := signer(folder, signers):
            right.append(f"{SUMS} is signed by {name}")
        elif require_signature:
            wrong.append(f"{SIGNATURE} is missing, and a signature is required")
        else:
            right.append(f"{SUMS} is not signed: whoever could change the files could change it too")
    except ContractError as error:
        wrong.append(str(error))
    try:
        changed = faults(folder)
    except ContractError as error:
        changed = [str(error)]
    wrong += changed
    if not changed:
        right.append(f"each file is the one that {SUMS} names")
        wrong += apart(folder)
        if not wrong:
            right.append("the bills of materials name the bundle inside the wheel")
    if wrong:
        raise ContractError(
            f"{folder} is not the release that it says it is:\n" + "\n".join(f"  {line}" for line in wrong)
        )
    return right


def apart(folder: Path) -> list[str]:
    """What of the release's files does not belong to the bundle in its wheel."""
    wheels, executables = list(folder.glob("*.whl")), list(folder.glob("*.pyz"))
    if len(wheels) != 1 or len(executables) != 1:
        return [f"{len(wheels)} wheels and {len(executables)} executables are there; a release has one of each"]
    (wheel,), (executable,) = wheels, executables
    bundle = _bundle_in(wheel)
    if bundle is None or "manifest.json" not in bundle:
        return [f"{wheel.name} holds no bundle"]
    wrong = [
        f"{wheel.name}: {name} in its bundle is not the file that its manifest lists" for name in _unlisted(bundle)
    ]
    if _bundle_in(executable) != bundle:
        wrong.append(f"{executable.name} holds another bundle than {wheel.name}")
    if (folder / CARD).read_bytes() != bundle.get("README.md"):
        wrong.append(f"{CARD} is not the card of the bundle in {wheel.name}")
    digest, model = _hash(bundle["manifest.json"]), _hash(bundle.get("model.onnx", b""))
    software, learned = (_bill(folder / name) for name in (SBOM, MLBOM))
    if digest not in _properties(software["metadata"]["component"]):
        wrong.append(f"{SBOM} names another bundle than the one in {wheel.name}, {digest}")
    if sha256(wheel) not in {one for part in software.get("components", []) for one in _hashes(part)}:
        wrong.append(f"{SBOM} does not name {wheel.name} with its hash")
    if digest not in _properties(learned["metadata"]["component"]):
        wrong.append(f"{MLBOM} names another bundle than the one in {wheel.name}, {digest}")
    if model not in _hashes(learned["metadata"]["component"]):
        wrong.append(f"{MLBOM} names another model than the one in {wheel.name}, {model}")
    return wrong


def _bundle_in(archive: Path) -> dict[str, bytes] | None:
    """The files of the bundle inside a wheel or an executable, by their names."""
    try:
        with zipfile.ZipFile(archive) as opened:
            found = [
                name for name in opened.namelist() if name.split("/")[-2:-1] == ["bundle"] and not name.endswith("/")
            ]
            return {name.rpartition("/")[2]: opened.read(name) for name in found}
    except zipfile.BadZipFile:
        return None


def _unlisted(bundle: dict[str, bytes]) -> Iterator[str]:
    listed = json.loads(bundle["manifest.json"])["files"]
    found = {name: _hash(content) for name, content in bundle.items() if name != "manifest.json"}
    yield from sorted(name for name in listed.keys() | found.keys() if listed.get(name) != found.get(name))


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


def main(arguments: list[str] | None = None) -> None:
    """The verb `verify`."""
    parser = argparse.ArgumentParser(
        prog="verify", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", nargs="?", type=Path, default=DIST, help=f"the release's files ({DIST})")
    parser.add_argument("--signers", type=Path, default=SIGNERS, help=f"who may sign ({SIGNERS})")
    parser.add_argument("--require-signature", action="store_true", help="fail where there is none")
    given = parser.parse_args(arguments)
    if not given.folder.is_dir():
        raise ContractError(f"{given.folder}: there is no such folder; `make package` makes a release")
    for line in verify(given.folder, given.signers, given.require_signature):
        print(line, file=sys.stderr if "not signed" in line else sys.stdout)
    print(f"{given.folder} is in order")
