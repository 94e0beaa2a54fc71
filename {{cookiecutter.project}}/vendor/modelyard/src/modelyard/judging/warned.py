"""The warnings of a bundle as people read them, and the rules that the policy makes of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from ..runtime.contract import Contract
from ..training.warned import FEW, NAMES, Name

Handling = Literal["show", "block", "ignore"]
Warned = Mapping[str, Any]
NAMED = 5  # inputs, features or classes in a text


def shown_warnings(metrics: Mapping[str, Any], handling: Mapping[Name, Handling], contract: Contract) -> dict[str, str]:
    """The text of each warning that is not ignored, by its name."""
    found = {one["name"]: one for one in metrics.get("warnings", ())}
    return {
        name: TEXTS[name](found[name], contract)
        for name in NAMES
        if name in found and handling.get(name, "show") != "ignore"
    }


def _leak(found: Warned, _contract: Contract) -> str:
    inputs = found["inputs"]
    told = _listed([f"`{name}` ({found['metric']} {value:.3f})" for name, value in inputs.items()])
    one = "tells" if len(inputs) == 1 else "tell"
    return (
        f"{told} alone nearly {one} the target. What is known only afterwards is a leak: give it `role: unused` in "
        "contract.yaml"
    )


def _constant(found: Warned, _contract: Contract) -> str:
    names = found["features"]
    verb = "has one value" if len(names) == 1 else "have one value each"
    return f"{_quoted(names)} {verb} in all training rows; leave out what tells nothing, or train on more periods"


def _infinite(found: Warned, _contract: Contract) -> str:
    rows = _listed([f"`{name}` in {count:,}" for name, count in found["features"].items()])
    return f"infinite: {rows} of {found['rows']:,} training rows; in features.py, give NaN where there is no number"


def _positive(found: Warned, contract: Contract) -> str:
    negative = next(str(value) for value in contract.classes if str(value) != found["positive"])
    return (
        f"precision, recall and costs are about `{found['positive']}`, {100 * found['share']:.1f} % of the holdout; "
        f"if `{negative}` is what you look for, list it last in `values` of {contract.target} in contract.yaml"
    )


def _never(found: Warned, _contract: Contract) -> str:
    return (
        f"none of {found['rows']:,} holdout rows is called positive, so {found['positives']:,} are missed (recall 0): "
        f"the highest score is {found['highest']:.3f}, the threshold {found['threshold']:.3f}. State in params.yaml "
        f"what a miss costs (false_negative_cost, now {found['missed_costs']:g} times a false alarm)"
    )


def _few(found: Warned, _contract: Contract) -> str:
    rows = _listed([f"`{name}` has {count}" for name, count in found["classes"].items()])
    return (
        f"{rows} holdout rows, fewer than {FEW}: intervals of what depends on them are too narrow; hold out more "
        "(split.holdout in params.yaml)"
    )


def _absent(found: Warned, _contract: Contract) -> str:
    return (
        f"no holdout row is {_quoted(found['classes'], ' or ')}, so nothing is known of how well it is told; hold out "
        "more (split.holdout in params.yaml)"
    )


def _quoted(names: list[str], last: str = " and ") -> str:
    return _listed([f"`{name}`" for name in names], last)


def _listed(parts: list[str], last: str = " and ") -> str:
    """The first few, with a comma between them and a word before the last."""
    if len(parts) > NAMED:
        return f"{', '.join(parts[:NAMED])} and {len(parts) - NAMED:,} more"
    return last.join([part for part in (", ".join(parts[:-1]), parts[-1]) if part])


TEXTS: Mapping[Name, Callable[[Warned, Contract], str]] = {
    "leak": _leak,
    "constant_features": _constant,
    "infinite_features": _infinite,
    "positive_class": _positive,
    "never_positive": _never,
    "few_positives": _few,
    "absent_classes": _absent,
}
