"""Change values in a YAML file without changing anything else: order, comments, quotes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.representer import RoundTripRepresenter


class _Representer(RoundTripRepresenter):
    """Writes null as a word, because a key without a value looks like a mistake."""


_Representer.add_representer(type(None), lambda self, _: self.represent_scalar("tag:yaml.org,2002:null", "null"))


def round_trip() -> YAML:
    """A YAML reader and writer that preserves what it read."""
    yaml = YAML()
    yaml.Representer = _Representer
    yaml.width = 120
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.preserve_quotes = True
    return yaml


def edit_yaml(path: Path, values: Mapping[str, Any]) -> None:
    """Set these values in the file. A mapping changes the keys that it names; one with a `kind` replaces all."""
    yaml = round_trip()
    content = yaml.load(path)
    _merge(content, values)
    yaml.dump(content, path)


def _merge(content: dict[str, Any], values: Mapping[str, Any]) -> None:
    for key, value in values.items():
        if isinstance(value, Mapping) and value and "kind" not in value and isinstance(content.get(key), dict):
            _merge(content[key], value)
        else:
            content[key] = value
