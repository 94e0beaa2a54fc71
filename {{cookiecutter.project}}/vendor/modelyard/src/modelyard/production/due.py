"""Whether policy.yaml gives a reason to retrain now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

from ..errors import YardError
from ..git import git
from ..judging.policy import Policy
from ..runtime.contract import Contract
from ..training.settings import Params
from .newcomers import look


def due(
    root: Path, contract: Contract, params: Params, policy: Policy, monitor: Mapping[str, Any], today: date
) -> dict[str, Any]:
    """The cause and the reason in words; the cause is None if there is none, or if nothing new is there to train on.

    Of several causes the first of performance, drift, data and schedule is named. monitor: what reports/monitor.json
    holds, empty if there is none.
    """
    if not policy.monitor.store:
        return _report(
            None, "policy.yaml: monitor.store is not set, so nothing is watched and nothing starts by itself"
        )
    if contract.time is None:
        return _report(None, "the data has no column of role time, so new rows cannot be told from old ones")
    found = look(root, contract, params, policy, today)
    reasons = _reasons(root, policy, monitor, today, found.ready)
    if not found.ready:
        waiting = f"; {'; '.join(found.waiting)}" if found.waiting else ""
        also = "".join(f"; {reason}" for reason in reasons.values())
        return _report(None, f"nothing new after {params.watermark} to train on{waiting}{also}", found.waiting)
    wanted = [cause for cause in reasons if cause in policy.retrain.causes]
    if not wanted:
        return _report(None, f"no cause that policy.yaml names (retrain.causes); new: {', '.join(found.ready)}")
    return _report(wanted[0], "; ".join(reasons[cause] for cause in wanted), found.waiting, found.ready)


def _reasons(root: Path, policy: Policy, monitor: Mapping[str, Any], today: date, ready: list[str]) -> dict[str, str]:
    """A reason in words for each cause that there is, the most urgent first."""
    asked = monitor.get("retrain") or {}
    found = {cause: str(asked.get("reason")) for cause in ("performance", "drift") if asked.get("cause") == cause}
    if ready:
        found["data"] = f"new data has arrived: {', '.join(ready)}"
    if "schedule" in policy.retrain.causes:
        last = _last_moved(root)
        if last is None or (today - last).days >= policy.retrain.every_days:
            since = "never" if last is None else f"last on {last}"
            found["schedule"] = f"the watermark was moved {since}, and is to be every {policy.retrain.every_days} days"
    return found


def _last_moved(root: Path) -> date | None:
    """The day of the last commit that changed the watermark; None if none did.

    Raises YardError in a shallow clone, whose first commit seems to change everything.
    """
    if git(root, "rev-parse", "--is-shallow-repository").strip() == "true":
        raise YardError(
            "this clone has not the whole history, so it cannot say when the watermark was moved last; fetch it with "
            "`git fetch --unshallow`, or fetch-depth: 0 in a workflow"
        )
    printed = git(root, "log", "-1", "--format=%cI", "-G", "^watermark:", "--", "params.yaml").strip()
    return datetime.fromisoformat(printed).date() if printed else None


def _report(cause: str | None, reason: str, waiting: Sequence[str] = (), periods: Sequence[str] = ()) -> dict[str, Any]:
    return {"format": 1, "cause": cause, "reason": reason, "periods": [*periods], "waiting": [*waiting]}
