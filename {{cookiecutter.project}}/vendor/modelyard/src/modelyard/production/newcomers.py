"""The periods after the watermark: which are ready to train, which still wait, and what is odd about them."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from ..errors import YardError
from ..judging.policy import Policy
from ..runtime.contract import Contract
from ..training.arrivals import Arrivals, read_arrivals
from ..training.data.plausible import Oddity, oddities, too_little
from ..training.data.summary import Summary
from ..training.ingest import check_watermark
from ..training.settings import Params

NAMED = 3  # columns that are named as the subject


@dataclass(frozen=True)
class Newcomers:
    """What has arrived. ready: the periods that may be taken, in order. waiting: a line for each other one."""

    arrivals: Arrivals
    ready: list[str]
    waiting: list[str]

    @property
    def unchecked(self) -> str | None:
        """What cannot be checked for want of history; None if all can, or if nothing is ready."""
        return too_little(self.arrivals.history) if self.ready else None

    def implausible(self, contract: Contract, params: Params, alpha: float) -> list[dict[str, Any]]:
        """The ready periods that are odd beside those before them, as reports/retrain.json has them.

        An accepted period is not among them, unless the contract refuses it, and counts as history for the next one.
        """
        history, found = list(self.arrivals.history), []
        for period in self.ready:
            if refusals := self.arrivals.refused.get(period):
                found.append(_refused(period, refusals))
                continue
            new = self.arrivals.new[period]
            odd = oddities(history, new, contract, alpha) if period not in params.accepted else []
            if odd:
                found.append(_odd(period, odd))
            else:
                history.append(new)
        return found


def look(root: Path, contract: Contract, params: Params, policy: Policy, today: date) -> Newcomers:
    """Read what is after the watermark.

    A period waits while it is not over, while it has no label, and while it has fewer labels than usual and they may
    still come (`monitor.maturity_days`), unless a later period is ready or a person has accepted it.

    Raises YardError if the data has no time, or the source cannot be read.
    """
    check_watermark(contract, params)
    if contract.time is None:
        raise YardError(
            "the data has no column of role time, so new rows cannot be told from old ones; take them with "
            "`make ingest ARGS='--accept all'` and `make pipeline`"
        )
    arrived = read_arrivals(root, contract, params, today.isoformat())
    ready = sorted(arrived.new.keys() | arrived.refused.keys())
    waiting: list[str] = []
    while (
        ready and ready[-1] not in params.accepted and (why := _waits(arrived, contract, params, policy, today, ready))
    ):
        waiting.insert(0, f"{ready.pop()}: {why}")
    return Newcomers(arrived, ready, waiting)


def _waits(
    arrived: Arrivals, contract: Contract, params: Params, policy: Policy, today: date, ready: list[str]
) -> str | None:
    """Why the last period is not taken yet; None if it may be."""
    period = ready[-1]
    end: date = (params.start(period) + 1).astype("datetime64[D]").item()
    if today < end:
        return f"not taken yet, it ends on {end - timedelta(days=1)}"
    new = arrived.new.get(period)
    if new is None:
        return None
    label, matured = new.columns[contract.target], end + timedelta(days=policy.monitor.maturity_days)
    if not label.present:
        return f"not taken yet, none of {new.rows:,} rows has a {contract.target}"
    usual = _usual_labels(arrived.history, contract)
    if 1 - label.missing < policy.monitor.coverage * usual and today < matured:
        return (
            f"not taken yet, {1 - label.missing:.1%} of {new.rows:,} rows have a {contract.target}, usually "
            f"{usual:.1%}; they may come until {matured} (policy.yaml: monitor.maturity_days)"
        )
    return None


def _usual_labels(history: list[Summary], contract: Contract) -> float:
    return statistics.median(1 - one.columns[contract.target].missing for one in history) if history else 1.0


def _odd(period: str, odd: list[Oddity]) -> dict[str, Any]:
    return _entry(period, [one.subject for one in odd], [one.line for one in odd], acceptable=True)


def _refused(period: str, refusals: list[str]) -> dict[str, Any]:
    """What the contract says against a period; the first line of each refusal names the object, the last advises."""
    rules = [line.strip() for text in refusals for line in text.splitlines()[1:-1]]
    subjects = [rule.partition(":")[0] for rule in rules]
    return _entry(period, subjects, [f"{rule} (breaks the contract)" for rule in rules], acceptable=False)


def _entry(period: str, subjects: list[str], lines: list[str], acceptable: bool) -> dict[str, Any]:
    names = list(dict.fromkeys(subjects))
    more = f", and {len(lines) - 1} more" if len(lines) > 1 else ""
    return {
        "key": f"data:{period}",
        "period": period,
        "subject": ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else ""),
        "summary": f"{period} is not plausible: {lines[0]}{more}",
        "lines": lines,
        "acceptable": acceptable,
    }
