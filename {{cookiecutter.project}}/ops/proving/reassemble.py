"""Prove a committed bundle that cannot be had: make it again of what can be, and look whether it has the lock's hash.

All that a bundle is made of may be at hand when the bundle is not: the retrained model has the committed hash, and the
metrics are in Git. Only the environment that the bundle names is not known then. Runners get a new Python every other
month, while uv.lock keeps the packages; so each Python and kind of machine is tried, and a hash cannot fit by chance.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import shutil

from ..project import ContractError, layout
from .lock import LOCK, file_md5, folder_md5, read_lock
from .proof import MANIFEST, environment_differences
from .scratch import Scratch
from .tolerance import Difference

MACHINES = ("Linux x86_64", "Linux aarch64", "Darwin arm64", "Darwin x86_64", "Windows AMD64")
PYTHONS = [f"3.{minor}.{patch}" for minor in range(11, 16) for patch in range(31)]


def reassemble(scratch: Scratch, md5: str) -> list[Difference] | None:
    """In what the bundle of that hash was made in another environment than the one here.

    None where no bundle made of the committed outputs has that hash. What is not among `scratch.kept` must have been
    retrained with the committed hash. The clone is changed.
    """
    stages = read_lock(scratch.root / LOCK).stages
    shutil.copytree(scratch.kept, scratch.root, dirs_exist_ok=True)
    bundle = scratch.root / layout.BUNDLE
    try:
        scratch.run_stage(stages[layout.BUNDLE.name]["cmd"])
    except ContractError:
        return None
    files = {path.name: file_md5(path) for path in bundle.iterdir()}
    manifest = json.loads((bundle / MANIFEST).read_text(encoding="utf-8"))
    here = manifest["environment"]
    for python, machine in itertools.product([here["python"], *PYTHONS], [here["machine"], *MACHINES]):
        tried = manifest | {"environment": here | {"python": python, "machine": machine}}
        text = json.dumps(tried, indent=1, ensure_ascii=False) + "\n"
        files[MANIFEST] = hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
        if folder_md5(files) == md5:
            return environment_differences(tried, manifest)
    return None
