"""Rulesets: what is there against what is wanted, whatever GitHub adds to them and in whichever order it answers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from .api import Client
from .changes import Change, Request, shown
from .plans import FEATURES, Place


def plan_rulesets(github: Client, place: Place, wanted: tuple[Mapping[str, Any], ...]) -> Iterator[Change]:
    """What makes the repository's rulesets those that are wanted; rulesets of other names are left alone."""
    if not FEATURES["rulesets"].possible(place):
        return
    path = f"/repos/{place.repository}/rulesets"
    there = {
        one["name"]: one["id"]
        for one in github.pages(f"{path}?includes_parents=false")
        if one.get("source_type", "Repository") == "Repository"
    }
    for ruleset in wanted:
        if "merge_queue" in _rules(ruleset) and not FEATURES["merge queue"].possible(place):
            continue
        name = ruleset["name"]
        if name not in there:
            rules = ", ".join(_rules(ruleset))
            line = f"+ ruleset {name} ({ruleset['target']}, {ruleset['enforcement']}): {rules}"
            yield Change((line,), (Request("POST", path, ruleset),))
        elif lines := tuple(_differences(github.request("GET", f"{path}/{there[name]}"), ruleset)):
            yield Change(lines, (Request("PUT", f"{path}/{there[name]}", ruleset),))


def _rules(ruleset: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {rule["type"]: rule.get("parameters") or {} for rule in ruleset.get("rules") or []}


def _differences(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> Iterator[str]:
    """A line for each difference that matters."""
    head = f"ruleset {wanted['name']}"
    for key in ("target", "enforcement"):
        if found.get(key) != wanted[key]:
            yield f"~ {head}: {key}: {shown(found.get(key))} -> {shown(wanted[key])}"
    for kind in ("include", "exclude"):
        before, after = (sorted(_refs(one).get(kind) or []) for one in (found, wanted))
        if before != after:
            yield f"~ {head}: {kind}: {shown(before)} -> {shown(after)}"
    before, after = (_plain(one.get("bypass_actors") or []) for one in (found, wanted))
    if before != after:
        yield f"~ {head}: bypass_actors: {shown(before)} -> {shown(after)}"
    there, needed = _rules(found), _rules(wanted)
    for kind in needed.keys() - there.keys():
        yield f"+ {head}: {kind}"
    for kind in sorted(there.keys() - needed.keys()):
        yield f"- {head}: {kind}"
    for kind, parameters in needed.items():
        for name, value in parameters.items():
            known = there.get(kind, {}).get(name)
            if kind in there and _plain(known) != _plain(value):
                yield f"~ {head}: {kind}.{name}: {shown(known)} -> {shown(value)}"


def _refs(ruleset: Mapping[str, Any]) -> Mapping[str, Any]:
    return (ruleset.get("conditions") or {}).get("ref_name") or {}


def _plain(value: Any) -> Any:
    """A value without what is null, and its lists in one order."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items() if one is not None}
    if isinstance(value, list):
        return sorted((_plain(one) for one in value), key=lambda one: json.dumps(one, sort_keys=True))
    return value
