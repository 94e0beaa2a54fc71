"""Change values in a YAML file without changing anything else: order, comments, quotes."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.emitter import RoundTripEmitter
from ruamel.yaml.representer import RoundTripRepresenter

# What is read back as another text unless it is in double quotes: signs that end a line for YAML 1.1 or for Python, and
# the runs of blanks at which a long text is divided
FRAGILE = re.compile(r"[^\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]|  ")


class _Representer(RoundTripRepresenter):
    """Writes null as a word, because a key without a value looks like a mistake, and every text as it will be read."""


class _Emitter(RoundTripEmitter):
    """Leaves a text in double quotes on its line: divided, it is not always read back as it was."""

    def write_double_quoted(self, text: Any, split: Any = True) -> None:
        super().write_double_quoted(text, split=False)


def _text(representer: RoundTripRepresenter, text: str) -> Any:
    return representer.represent_scalar("tag:yaml.org,2002:str", text, style='"' if FRAGILE.search(text) else None)


_Representer.add_representer(type(None), lambda self, _: self.represent_scalar("tag:yaml.org,2002:null", "null"))
_Representer.add_representer(str, _text)


def round_trip() -> YAML:
    """A YAML reader and writer that preserves what it read."""
    yaml = YAML()
    yaml.Representer, yaml.Emitter = _Representer, _Emitter
    yaml.width = 120
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.preserve_quotes = True
    return yaml


def edit_yaml(path: Path, values: Mapping[str, Any]) -> None:
    """Set these values in the file, all or none. A mapping changes the keys that it names; one with a `kind`, all."""
    yaml = round_trip()
    content = yaml.load(path)
    _merge(content, values)
    part = path.with_name(f".{path.name}.part")
    try:
        yaml.dump(content, part)
        shutil.copymode(path, part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _merge(content: CommentedMap, values: Mapping[str, Any]) -> None:
    for key, value in values.items():
        if isinstance(value, Mapping) and value and "kind" not in value and isinstance(content.get(key), CommentedMap):
            _merge(content[key], value)
        else:
            comment = content.ca.items.get(key, [None] * 3)[2]
            if comment and isinstance(value, list):  # in brackets, before the comment and the empty lines after it
                value = CommentedSeq(value)
                value.fa.set_flow_style()
            content[key] = value
            if comment:
                comment.start_mark.column = 0  # one space before it, however long the value was
