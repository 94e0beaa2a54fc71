"""What both bills of materials share: CycloneDX 1.6 as JSON, reproducible, and validated by its schema."""

from __future__ import annotations

import json
import uuid
from typing import Any

from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from .build import ReleaseBuild

BUNDLE = "modelyard:bundle:sha256"  # the property that names the bundle in both
SCHEMA = SchemaVersion.V1_6


def new_bom(release: ReleaseBuild, subject: Component) -> Bom:
    """A bill of materials of a release's subject, without a part yet."""
    bom = Bom(serial_number=uuid.uuid5(uuid.NAMESPACE_URL, f"{release.source}/{release.version}/{subject.name}"))
    bom.metadata.timestamp = release.created
    bom.metadata.component = subject
    return bom


def sha256_of(digest: str) -> list[HashType]:
    """A component's hash."""
    return [HashType(alg=HashAlgorithm.SHA_256, content=digest)]


def properties(**named: str | None) -> list[Property]:
    """Properties of a component in the library's namespace; `of_that` is written `modelyard:of:that`."""
    return [Property(name=f"modelyard:{name.replace('_', ':')}", value=value) for name, value in named.items() if value]


def to_json(bom: Bom) -> dict[str, Any]:
    """The bill as CycloneDX's JSON."""
    return json.loads(make_outputter(bom, OutputFormat.JSON, SCHEMA).output_as_string())


def write(content: dict[str, Any]) -> str:
    """The text of a bill. Raises ValueError where the schema of CycloneDX 1.6 does not allow it."""
    text = json.dumps(content, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
    if error := JsonStrictValidator(SCHEMA).validate_str(text):
        raise ValueError(f"no CycloneDX 1.6: {error}")
    return text
