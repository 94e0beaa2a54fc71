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

from .bom import new_bom, properties, sha256_of, to_json, write
from .images import TARGETS
from .inventory import DebianPackage, Distribution, Inventory
from .release import Release

Wheels = Mapping[tuple[str, str], Mapping[frozenset[str], str]]
SHORT = 100  # characters of a licence's name; longer ones are whole texts


def locked_wheels(lock: str) -> Wheels:
    """The SHA-256 of each wheel in the text of uv.lock, by name and version, and by the tags in the file's name."""
    found: dict[tuple[str, str], dict[frozenset[str], str]] = {}
    for package in tomllib.loads(lock)["package"]:
        for wheel in package.get("wheels", []):
            file = (wheel.get("url") or wheel.get("path") or wheel.get("filename", "")).rpartition("/")[2]
            tags = frozenset(map(str, parse_wheel_filename(file.replace("%2B", "+"))[3]))
            by_tags = found.setdefault((canonicalize_name(package["name"]), package["version"]), {})
            by_tags[tags] = wheel["hash"].removeprefix("sha256:")
    return found


def sbom(release: Release, inventory: Inventory, wheels: Wheels, own: str, bundle: str) -> str:
    """The bill as text.

    wheels: of `locked_wheels`. own: the SHA-256 of the release's wheel. bundle: the bundle's hash.

    A Python package's hash is that of its wheel; what was installed of it is compared with the wheel's own list before.
    """
    image = Component(
        name=release.project,
        version=release.version,
        type=ComponentType.CONTAINER,
        bom_ref="image",
        properties=properties(bundle_sha256=bundle, revision=release.revision),
    )
    bom = new_bom(release, image)
    system, python = _system(inventory), _interpreter(inventory)
    ours = canonicalize_name(release.project)
    packages = {canonicalize_name(one.name): _python(one, wheels) for one in inventory.distributions}
    packages[ours].hashes.update(sha256_of(own))
    packages[ours].properties.update(properties(bundle_sha256=bundle))
    debian = [_debian(one) for one in inventory.debian]
    bom.components.update([system, python, *packages.values(), *debian])
    bom.register_dependency(image, [system, python, packages[ours], *debian])
    for one in inventory.distributions:
        needed = map(Requirement, one.metadata.get_all("Requires-Dist") or [])
        names = {canonicalize_name(each.name) for each in needed if _holds(each, one, ours)}
        bom.register_dependency(
            packages[canonicalize_name(one.name)], [packages[name] for name in sorted(names & packages.keys())]
        )
    return write(to_json(bom))


def _holds(needed: Requirement, by: Distribution, ours: str) -> bool:
    """Whether a requirement is one of the image; of the release's own wheel, those of the service count too."""
    extras = ["", *TARGETS["service"]] if canonicalize_name(by.name) == ours else [""]
    return needed.marker is None or any(needed.marker.evaluate({"extra": extra}) for extra in extras)


def _python(one: Distribution, wheels: Wheels) -> Component:
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


def _licences(one: Distribution) -> list[License]:
    said = str(one.metadata["License-Expression"] or one.metadata["License"] or "").strip()
    if not said or len(said) > SHORT or "\n" in said:
        kinds = [kind for kind in one.metadata.get_all("Classifier") or [] if kind.startswith("License :: ")]
        said = re.sub(r"^License :: (OSI Approved :: )?", "", kinds[0]) if kinds else ""
    return [LicenseFactory().make_from_string(said)] if said else []


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
