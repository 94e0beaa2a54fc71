"""Rulesets: the differences between current and wanted ones, ignoring additions by GitHub and the order."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from .api import Client
from .changes import ApiCall, Change, shown
from .plans import FEATURES, Place


def plan_rulesets(github: Client, place: Place, wanted: tuple[Mapping[str, Any], ...]) -> Iterator[Change]:
    """The changes that give the repository the wanted rulesets; rulesets of other names are left alone."""
    if not FEATURES["rulesets"].possible(place):
        return
    path = f"/repos/{place.repository}/rulesets"
    ids = {
        one["name"]: one["id"]
        for one in github.pages(f"{path}?includes_parents=false")
        if one.get("source_type", "Repository") == "Repository"
    }
    for ruleset in wanted:
        if "merge_queue" in _rules(ruleset) and not FEATURES["merge queue"].possible(place):
            continue
        name = ruleset["name"]
        if name not in ids:
            rules = ", ".join(_rules(ruleset))
            line = f"+ ruleset {name} ({ruleset['target']}, {ruleset['enforcement']}): {rules}"
            yield Change((line,), (ApiCall("POST", path, ruleset),))
        elif lines := tuple(_differences(github.request("GET", f"{path}/{ids[name]}"), ruleset)):
            yield Change(lines, (ApiCall("PUT", f"{path}/{ids[name]}", ruleset),))


def _rules(ruleset: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {rule["type"]: rule.get("parameters") or {} for rule in ruleset.get("rules") or []}


def _differences(current: Mapping[str, Any], wanted: Mapping[str, Any]) -> Iterator[str]:
    """A line for each difference that matters."""
    head = f"ruleset {wanted['name']}"
    for key in ("target", "enforcement"):
        if current.get(key) != wanted[key]:
            yield f"~ {head}: {key}: {shown(current.get(key))} -> {shown(wanted[key])}"
    for kind in ("include", "exclude"):
        before, after = (sorted(_refs(one).get(kind) or []) for one in (current, wanted))
        if before != after:
            yield f"~ {head}: {kind}: {shown(before)} -> {shown(after)}"
    before, after = (_plain(one.get("bypass_actors") or []) for one in (current, wanted))
    if before != after:
        yield f"~ {head}: bypass_actors: {shown(before)} -> {shown(after)}"
    rules, wanted_rules = _rules(current), _rules(wanted)
    for kind in wanted_rules.keys() - rules.keys():
        yield f"+ {head}: {kind}"
    for kind in sorted(rules.keys() - wanted_rules.keys()):
        yield f"- {head}: {kind}"
    for kind, parameters in wanted_rules.items():
        for name, value in parameters.items():
            current_value = rules.get(kind, {}).get(name)
            if kind in rules and _plain(current_value) != _plain(value):
                yield f"~ {head}: {kind}.{name}: {shown(current_value)} -> {shown(value)}"


def _refs(ruleset: Mapping[str, Any]) -> Mapping[str, Any]:
    return (ruleset.get("conditions") or {}).get("ref_name") or {}


def _plain(value: Any) -> Any:
    """A value without what is null, and its lists in one order."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items() if one is not None}
    if isinstance(value, list):
        return sorted((_plain(one) for one in value), key=lambda one: json.dumps(one, sort_keys=True))
    return value
