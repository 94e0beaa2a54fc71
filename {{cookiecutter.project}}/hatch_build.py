"""Makes the model's wheel self-contained: the bundle and the library's code that answers rows are inside.

An editable install, which is made before there is a bundle, goes without. The version is RELEASE_VERSION of the
environment, which `package` takes from the tag.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

VERSION = os.environ.get("RELEASE_VERSION", "0.0.0")


class BundleHook(BuildHookInterface):
    """Called by hatchling for each wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Map the bundle, the library and the modules that import it into the package."""
        if version == "editable":
            return
        bundle = Path(self.root) / "bundle"
        if not (bundle / "manifest.json").is_file():
            raise SystemExit("error: bundle/manifest.json: the wheel carries the bundle; make it with `make pipeline`")
        try:
            from modelyard.vendoring.inline import inline
        except ImportError:
            raise SystemExit("error: the build needs the environment of `make setup`: use `make wheel`") from None
        (package,) = self.build_config.packages
        build_data["force_include"][str(bundle)] = f"{package}/bundle"
        self._made = tempfile.TemporaryDirectory()  # gone with this hook
        for name, content in inline(Path(self.root) / package).items():
            path = Path(self._made.name) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            build_data["force_include"][str(path)] = f"{package}/{name}"
