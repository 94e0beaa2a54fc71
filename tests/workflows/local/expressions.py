"""The part of GitHub's expressions that decides before a run starts: names of jobs and concurrency groups."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<name>[A-Za-z_][\w.-]*)|(?P<number>\d+)|(?P<sign>[=!]=|&&|\|\||[!()]))"
)
_WORDS = {"true": True, "false": False, "null": None}


def fill(text: object, contexts: Mapping[str, Any]) -> str:
    """A text with each `${{ }}` replaced by its value."""
    return re.sub(r"\$\{\{(.+?)\}\}", lambda found: _shown(evaluate(found[1], contexts)), str(text))


def true(value: object, contexts: Mapping[str, Any]) -> bool:
    """Whether a setting that is a boolean or an expression holds."""
    if isinstance(value, str):
        return bool(evaluate(re.sub(r"^\s*\$\{\{(.+)\}\}\s*$", r"\1", value), contexts))
    return bool(value)


def evaluate(expression: str, contexts: Mapping[str, Any]) -> Any:
    """The value of an expression of contexts, texts, `==`, `!=`, `!`, `&&`, `||` and brackets.

    ValueError for anything more, rather than a wrong answer.
    """
    tokens, rest = [], expression.strip()
    while rest:
        found = _TOKEN.match(rest)
        if not found:
            raise ValueError(f"the local GitHub cannot evaluate {expression!r} from {rest!r} on")
        tokens.append((str(found.lastgroup), found[found.lastgroup or 0]))
        rest = rest[found.end() :].strip()
    reader = _Reader(tokens, contexts, expression)
    value = reader.either()
    if reader.tokens:
        raise ValueError(f"the local GitHub cannot evaluate {expression!r}")
    return value


class _Reader:
    def __init__(self, tokens: list[tuple[str, str]], contexts: Mapping[str, Any], expression: str) -> None:
        self.tokens, self.contexts, self.expression = tokens, contexts, expression

    def _take(self, *signs: str) -> str | None:
        if self.tokens and self.tokens[0][0] == "sign" and self.tokens[0][1] in signs:
            return self.tokens.pop(0)[1]
        return None

    def either(self) -> Any:
        value = self.both()
        while self._take("||"):
            other = self.both()
            value = value or other
        return value

    def both(self) -> Any:
        value = self.equal()
        while self._take("&&"):
            other = self.equal()
            value = value and other
        return value

    def equal(self) -> Any:
        value = self.single()
        while sign := self._take("==", "!="):
            same = _shown(value).lower() == _shown(self.single()).lower()
            value = same if sign == "==" else not same
        return value

    def single(self) -> Any:
        if self._take("!"):
            return not self.single()
        if self._take("("):
            value = self.either()
            if not self._take(")"):
                raise ValueError(f"a bracket stays open in {self.expression!r}")
            return value
        if not self.tokens:
            raise ValueError(f"{self.expression!r} ends too early")
        kind, word = self.tokens.pop(0)
        if kind == "text":
            return word[1:-1].replace("''", "'")
        if kind == "number":
            return int(word)
        if kind == "name" and (not self.tokens or self.tokens[0][1] != "("):
            return _WORDS[word] if word in _WORDS else self._lookup(word)
        raise ValueError(f"the local GitHub cannot evaluate {self.expression!r}")

    def _lookup(self, path: str) -> Any:
        value: Any = self.contexts
        for part in path.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        return value


def _shown(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
