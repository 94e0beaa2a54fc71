"""Whether a service keeps the contract: good rows are answered rightly, bad ones refused with column and rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...runtime.bundle import Bundle
from ..packaging.answers import Answer
from ...runtime.contract import ContractError
from .probe import Probe
from .service import Client, Service
from .violations import Violation, violations

SHOWN = 5  # faults


def check_contract(service: Service, bundle: Bundle, probe: Probe) -> str:
    """What was found, as a line. Raises ContractError with the first SHOWN faults."""
    client = service.connect()
    try:
        check_bundle(client, bundle)
        check_answers(client, probe)
        broken = violations(bundle.contract, probe.rows[0])
        faults = [fault for one in broken for fault in _faults(client, probe.rows[0], one)]
    finally:
        client.close()
    if faults:
        raise ContractError(
            f"{len(faults)} requests with a row that breaks the contract were not refused as they must be:\n"
            + "\n".join(f"  {fault}" for fault in faults[:SHOWN])
        )
    columns = len({one.field for one in broken}) - 1
    return (
        f"{len(probe.rows)} good rows are answered as the pipeline did; {len(broken)} bad ones, for each rule of "
        f"{columns} columns, are refused with field and rule, alone and beside a good one"
    )


def check_bundle(client: Client, bundle: Bundle) -> None:
    """That the model is the one of the bundle. Raises ContractError."""
    status, said = client.must("/model")
    found = str(said.get("bundle", "")) if isinstance(said, dict) else ""
    if status != 200 or not found or not bundle.digest.startswith(found):
        raise ContractError(
            f"/model answered {status} and says bundle {found or 'none'}, and {bundle.folder} is "
            f"{bundle.digest[:12]}: the image was made of another; run `make package` again"
        )


def check_answers(client: Client, probe: Probe) -> None:
    """That all rows, sent at once, are answered rightly, as rows and as columns. Raises ContractError."""
    columns = {name: [row[name] for row in probe.rows] for name in probe.rows[0]}
    for form, content in (("rows", probe.rows), ("columns", columns)):
        status, said = client.must("/predict", {form: content})
        if status != 200:
            raise ContractError(f"good rows, sent as {form}, were answered with {status}: {str(said)[:500]}")
        try:
            found, instead = _answers(said), said["fallback"]
        except (TypeError, KeyError, ValueError):
            raise ContractError(f"good rows, sent as {form}, were answered with {str(said)[:500]}") from None
        if instead:
            raise ContractError(f"good rows were answered by {instead}, not by the model: it fails, or is slow")
        if len(found) != len(probe.rows):
            raise ContractError(f"{len(probe.rows)} probe rows, sent as {form}, got {len(found)} answers")
        for number, one in enumerate(found):
            if fault := probe.fault(number, one):
                raise ContractError(f"sent as {form}, {fault}")


def _answers(said: Mapping[str, Any]) -> list[Answer]:
    """Predictions and decisions, from either form of an answer."""
    if "columns" in said:
        return list(zip(said["columns"]["prediction"], said["columns"]["decision"], strict=True))
    return [(one["prediction"], one["decision"]) for one in said["predictions"]]


def _faults(client: Client, good: Mapping[str, Any], one: Violation) -> list[str]:
    """What is wrong with how a bad row is taken, by itself and as the second of two."""
    found = []
    for form, content, place in (("alone", one.row, 0), ("beside a good row", {"rows": [good, one.row]}, 1)):
        status, said = client.must("/predict", content)
        problems: Sequence[Any] = said.get("problems", []) if isinstance(said, dict) else []
        named = any(
            (problem["row"], problem["field"]) == (place, one.field) and problem["rule"].startswith(one.rule)
            for problem in problems
        )
        value = str(one.row[one.field])
        what = f"{one.field} = {value if len(value) < 40 else f'{value[:20]}…'}, {form}, breaks {one.rule.strip()!r}"
        if status != 422:
            found.append(f"{what}: answered {status}, and 422 is right")
        elif not named:
            found.append(f"{what}: refused, but of row {place} this is not said: {str(problems)[:200]}")
    return found
