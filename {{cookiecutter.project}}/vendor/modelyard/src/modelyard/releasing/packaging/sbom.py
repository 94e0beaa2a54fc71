"""The software bill of materials of the service's image."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import License
from packageurl import PackageURL
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename

from ...errors import ContractError
from .bom import new_bom, properties, sha256_of, to_json, write
from .build import ReleaseBuild
from .images import TARGETS
from .inventory import DebianPackage, InstalledDistribution, Inventory
from .wheel import LIBRARY

Wheels = Mapping[tuple[str, str], Mapping[frozenset[str], str]]
LICENCE = "MIT"  # the library's
SHORT = 100  # characters of a licence's name; longer ones are whole texts


def locked_wheels(lock: str) -> Wheels:
    """The SHA-256 of each wheel in the text of uv.lock, by name and version, and by the tags in the file's name."""
    digests: dict[tuple[str, str], dict[frozenset[str], str]] = {}
    for package in tomllib.loads(lock)["package"]:
        for wheel in package.get("wheels", []):
            file = (wheel.get("url") or wheel.get("path") or wheel.get("filename", "")).rpartition("/")[2]
            tags = frozenset(map(str, parse_wheel_filename(file.replace("%2B", "+"))[3]))
            by_tags = digests.setdefault((canonicalize_name(package["name"]), package["version"]), {})
            by_tags[tags] = wheel["hash"].removeprefix("sha256:")
    return digests


def locked_library(lock: str) -> Component:
    """The library, which no list of installed packages names, because it is inside the release's wheel.

    lock: the text of uv.lock, which has the hash of its wheel; an editable source has none. Raises ContractError where
    the library is not in it.
    """
    locked = next((one for one in tomllib.loads(lock)["package"] if one["name"] == LIBRARY), None)
    if locked is None:
        raise ContractError(
            f"uv.lock does not list {LIBRARY}, whose code is in the wheel; run `make lock APPLY=1` and commit it"
        )
    version = str(locked["version"])
    purl = PackageURL("pypi", None, LIBRARY, version)
    digests = [wheel["hash"].removeprefix("sha256:") for wheel in locked.get("wheels", [])]
    return Component(
        name=LIBRARY,
        version=version,
        bom_ref=purl.to_string(),
        purl=purl,
        description="its runtime part is inside the model's package, as _modelyard",
        hashes=sha256_of(digests[0]) if digests else [],
        licenses=[LicenseFactory().make_from_string(LICENCE)],
    )


def sbom(
    release: ReleaseBuild, inventory: Inventory, wheels: Wheels, library: Component, wheel_digest: str, bundle: str
) -> str:
    """The bill as text.

    wheels: from `locked_wheels`. library: from `locked_library`. wheel_digest: the SHA-256 of the release's wheel.
    bundle: the bundle's hash.

    The hash of a Python package is that of its wheel; `read_inventory` has compared the installed files with its list.
    """
    image = Component(
        name=release.name,
        version=release.version,
        type=ComponentType.CONTAINER,
        bom_ref="image",
        properties=properties(bundle_sha256=bundle, revision=release.revision),
    )
    bom = new_bom(release, image)
    system, python = _system(inventory), _interpreter(inventory)
    project = canonicalize_name(release.name)
    packages = {canonicalize_name(one.name): _python(one, wheels) for one in inventory.distributions}
    packages[project].hashes.update(sha256_of(wheel_digest))
    packages[project].properties.update(properties(bundle_sha256=bundle))
    debian = [_debian(one) for one in inventory.debian]
    bom.components.update([system, python, library, *packages.values(), *debian])
    bom.register_dependency(image, [system, python, packages[project], *debian])
    for one in inventory.distributions:
        requirements = map(Requirement, one.metadata.get_all("Requires-Dist") or [])
        names = {canonicalize_name(each.name) for each in requirements if _holds(each, one, project)}
        name = canonicalize_name(one.name)
        inside = [library] if name == project else []
        bom.register_dependency(
            packages[name], [*(packages[each] for each in sorted(names & packages.keys())), *inside]
        )
    return write(to_json(bom))


def _holds(requirement: Requirement, distribution: InstalledDistribution, project: str) -> bool:
    """Whether a requirement applies in the image. For the release's own wheel, the extras of the service count too."""
    extras = ["", *TARGETS["service"]] if canonicalize_name(distribution.name) == project else [""]
    return requirement.marker is None or any(requirement.marker.evaluate({"extra": extra}) for extra in extras)


def _python(one: InstalledDistribution, wheels: Wheels) -> Component:
    name = canonicalize_name(one.name)
    wheel = wheels.get((name, one.version), {}).get(one.tags)
    purl = PackageURL("pypi", None, name, one.version)
    return Component(
        name=one.name,
        version=one.version,
        bom_ref=purl.to_string(),
        purl=purl,
        description=str(one.metadata["Summary"]) if one.metadata["Summary"] else None,
        hashes=sha256_of(wheel) if wheel else [],
        licenses=_licences(one),
        properties=properties(files_sha256=one.record),
    )


def _licences(one: InstalledDistribution) -> list[License]:
    text = str(one.metadata["License-Expression"] or one.metadata["License"] or "").strip()
    if not text or len(text) > SHORT or "\n" in text:
        kinds = [kind for kind in one.metadata.get_all("Classifier") or [] if kind.startswith("License :: ")]
        text = re.sub(r"^License :: (OSI Approved :: )?", "", kinds[0]) if kinds else ""
    return [LicenseFactory().make_from_string(text)] if text else []


def _debian(one: DebianPackage) -> Component:
    purl = PackageURL("deb", "debian", one.name, one.version, qualifiers={"arch": one.architecture})
    return Component(
        name=one.name,
        version=one.version,
        bom_ref=purl.to_string(),
        purl=purl,
        properties=properties(files_sha256=one.sums),
    )


def _system(inventory: Inventory) -> Component:
    name, version = inventory.system.get("ID", "linux"), inventory.system.get("VERSION_ID")
    return Component(name=name, version=version, type=ComponentType.OPERATING_SYSTEM, bom_ref="system")


def _interpreter(inventory: Inventory) -> Component:
    purl = PackageURL("generic", None, "python", inventory.python)
    return Component(name="python", version=inventory.python, type=ComponentType.PLATFORM, bom_ref="python", purl=purl)
