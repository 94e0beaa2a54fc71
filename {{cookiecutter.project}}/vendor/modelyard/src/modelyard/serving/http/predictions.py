"""The answer to POST /predict as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import repeat
from typing import Any

import msgspec

from ..answers.live import AnsweredRequest, Live, fallback


class Prediction(msgspec.Struct, omit_defaults=True, gc=False):
    """The answer to one row; `bundle` is set if the rows of the request were answered by different bundles."""

    prediction: Any
    decision: Any
    bundle: str | None = None


def answer_json(live: Live, answered: AnsweredRequest, decisions: Sequence[Sequence[Any]]) -> bytes:
    """The answer in the form of the request: rows for rows, columns for columns."""
    first = answered.parts[0]
    content: dict[str, Any] = {
        "model": live.name,
        "bundle": first.bundle if len(answered.parts) == 1 else None,
        "variant": live.variant,
        "fallback": fallback(answered.parts),
    }
    scores, decided, bundles = answered.in_order(decisions)
    if answered.body.form == "columns":
        content["columns"] = {"prediction": scores, "decision": decided}
        if bundles:
            content["columns"]["bundle"] = bundles
    else:
        content["predictions"] = list(map(Prediction, scores, decided, bundles or repeat(None)))
    return msgspec.json.encode(content)
