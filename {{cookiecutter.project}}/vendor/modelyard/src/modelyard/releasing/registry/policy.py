"""Which tags may release a version: the table `tool.modelyard.release` of pyproject.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ...github.api import GitHubError

TABLE = "tool.modelyard.release"
KEYS = ("annotated_tags", "signed_tags", "accepted_faults")
ALLOWED = f"{', '.join(KEYS[:-1])} and {KEYS[-1]}"


@dataclass(frozen=True)
class ReleasePolicy:
    """What the tag of a release must be; a signed one is annotated.

    accepted_faults: lines of `make history` that stop nothing, such as a tag that nobody can put back.
    """

    annotated_tags: bool = False
    signed_tags: bool = False
    accepted_faults: tuple[str, ...] = ()


def read_release_policy(text: str, file: str) -> ReleasePolicy:
    """The policy in the text of a pyproject.toml; a key that is left out is false, or no fault.

    file: its name, for messages. Raises GitHubError where the table has another key, or a value of another type.
    """
    try:
        settings = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise GitHubError(f"{file} is no valid TOML: {error}") from None
    for place, key in _keys(settings):  # otherwise a typo in the table's name would disable a requirement
        if place != TABLE:
            raise GitHubError(f"{file}: {key} is in {place or 'no table'}; it is allowed in [{TABLE}] only")
    table: object = settings
    for name in TABLE.split("."):
        table = table.get(name, {}) if isinstance(table, dict) else table
    if not isinstance(table, dict):
        raise GitHubError(f"{file}: {TABLE} is {table!r}: a table with {ALLOWED} is allowed")
    for key, value in table.items():
        if key not in KEYS:
            raise GitHubError(f"{file}: {TABLE}.{key} is {value!r}: no such key, {ALLOWED} are allowed")
        if key == "accepted_faults":
            if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
                raise GitHubError(f"{file}: {TABLE}.{key} is {value!r}: a list of lines of `make history` is allowed")
        elif not isinstance(value, bool):
            raise GitHubError(f"{file}: {TABLE}.{key} is {value!r}: true or false is allowed")
    return ReleasePolicy(**{**table, "accepted_faults": tuple(table.get("accepted_faults", ()))})


def _keys(table: Mapping[str, Any], place: str = "") -> Iterator[tuple[str, str]]:
    """Each of KEYS in the file, and the name of the table that it is in."""
    for key, value in table.items():
        if key in KEYS:
            yield place, key
        if isinstance(value, dict):
            yield from _keys(value, f"{place}.{key}".lstrip("."))
