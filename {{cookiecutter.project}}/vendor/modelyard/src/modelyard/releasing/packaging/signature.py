"""The signature of SHA256SUMS, made by OpenSSH, for which people and workflows have a key, and checked offline.

Who may sign is in `deploy/allowed_signers`, a line each: `name namespaces="release" ssh-ed25519 AAAA...`.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

from ...errors import ContractError
from .run import run
from .sums import SIGNATURE, SUMS

KEY = "RELEASE_SIGNING_KEY"  # the private key itself, in the environment
SIGNERS = Path("deploy/allowed_signers")
NAMESPACE = "release"


def sign(folder: Path) -> bool:
    """Sign the folder's SHA256SUMS with the key in the environment. Returns whether there is one."""
    signature = folder / SIGNATURE
    signature.unlink(missing_ok=True)
    if not (key := os.environ.get(KEY, "").strip()):
        return False
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "key"
        path.touch(mode=0o600)
        path.write_text(f"{key}\n", encoding="utf-8")
        try:
            run(["ssh-keygen", "-Y", "sign", "-q", "-f", str(path), "-n", NAMESPACE, str(folder / SUMS)])
        except ContractError as error:
            raise ContractError(
                f"{KEY} does not sign: a private key of OpenSSH without a passphrase is needed\n{error}"
            ) from None
    return True


def signer(folder: Path, signers: Path = SIGNERS) -> str | None:
    """Who signed the folder's SHA256SUMS; None where nobody did.

    Raises ContractError where the signature is not of those bytes, or of nobody who may sign.
    """
    signature = folder / SIGNATURE
    if not signature.is_file():
        return None
    if not signers.is_file():
        raise ContractError(f"{signature} cannot be checked: there is no {signers}, which lists who may sign")
    find_principals = ["ssh-keygen", "-Y", "find-principals", "-s", str(signature), "-f", str(signers)]
    try:
        names = run(find_principals).split()
    except ContractError:
        raise ContractError(
            f"{signature} is of a key that {signers} does not list; a release of ours has another"
        ) from None
    command = ["ssh-keygen", "-Y", "verify", "-f", str(signers), "-I", names[0], "-n", NAMESPACE, "-s", str(signature)]
    with (folder / SUMS).open("rb") as signed:
        process = subprocess.run(command, stdin=signed, capture_output=True, text=True, check=False)  # noqa: S603
    if process.returncode:
        raise ContractError(f"{SUMS} was changed after it was signed: {(process.stderr or process.stdout).strip()}")
    return names[0]
