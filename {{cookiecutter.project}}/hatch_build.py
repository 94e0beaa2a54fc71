"""Puts the bundle into the wheel. An editable install, which is made before there is one, goes without.

The version is RELEASE_VERSION of the environment, which `ops package` takes from the tag.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

VERSION = os.environ.get("RELEASE_VERSION", "0.0.0")


class BundleHook(BuildHookInterface):
    """Called by hatchling for each wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Map the folder `bundle` into the package, or say that there is none."""
        if version == "editable":
            return
        bundle = Path(self.root) / "bundle"
        if not (bundle / "manifest.json").is_file():
            raise FileNotFoundError(
                "bundle/manifest.json: the wheel carries the bundle, and there is none; run `dvc repro`"
            )
        (package,) = self.build_config.packages
        build_data["force_include"][str(bundle)] = f"{package}/bundle"
