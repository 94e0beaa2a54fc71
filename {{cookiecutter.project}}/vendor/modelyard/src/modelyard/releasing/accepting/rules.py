"""Whether a service keeps the contract: good rows are answered correctly, bad ones refused with field and rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...errors import ContractError
from ...runtime.bundle import Bundle
from ..packaging.answers import Answer
from .probe import Probe
from .service import RunningService, ServiceClient
from .violations import Violation, violations

SHOWN = 5  # faults


def check_contract(service: RunningService, bundle: Bundle, probe: Probe) -> str:
    """The result as a line. Raises ContractError with the first SHOWN faults."""
    client = service.connect()
    try:
        check_bundle(client, bundle)
        check_answers(client, probe)
        cases = violations(bundle.contract, probe.rows[0])
        faults = [fault for one in cases for fault in _faults(client, probe.rows[0], one)]
    finally:
        client.close()
    if faults:
        raise ContractError(
            f"{len(faults)} requests with a row that breaks the contract were not refused as they must be:\n"
            + "\n".join(f"  {fault}" for fault in faults[:SHOWN])
        )
    columns = len({one.field for one in cases}) - 1
    return (
        f"{len(probe.rows)} good rows are answered as the pipeline did; {len(cases)} bad ones, for each rule of "
        f"{columns} columns, are refused with field and rule, alone and beside a good one"
    )


def check_bundle(client: ServiceClient, bundle: Bundle) -> None:
    """Raises ContractError unless the service's model is that of the bundle."""
    status, model = client.must("/model")
    digest = str(model.get("bundle", "")) if isinstance(model, dict) else ""
    if status != 200 or not digest or not bundle.digest.startswith(digest):
        raise ContractError(
            f"/model answered {status} and says bundle {digest or 'none'}, and {bundle.folder} is "
            f"{bundle.digest[:12]}: the image was made of another; run `make package` again"
        )


def check_answers(client: ServiceClient, probe: Probe) -> None:
    """Raises ContractError unless all rows, sent at once as rows and as columns, are answered correctly."""
    columns = {name: [row[name] for row in probe.rows] for name in probe.rows[0]}
    for form, content in (("rows", probe.rows), ("columns", columns)):
        status, response = client.must("/predict", {form: content})
        if status != 200:
            raise ContractError(f"good rows, sent as {form}, were answered with {status}: {str(response)[:500]}")
        try:
            answers, fallback = _answers(response), response["fallback"]
        except (TypeError, KeyError, ValueError):
            raise ContractError(f"good rows, sent as {form}, were answered with {str(response)[:500]}") from None
        if fallback:
            raise ContractError(f"good rows were answered by {fallback}, not by the model: it fails, or is slow")
        if len(answers) != len(probe.rows):
            raise ContractError(f"{len(probe.rows)} probe rows, sent as {form}, got {len(answers)} answers")
        for number, answer in enumerate(answers):
            if fault := probe.fault(number, answer):
                raise ContractError(f"sent as {form}, {fault}")


def _answers(response: Mapping[str, Any]) -> list[Answer]:
    """Predictions and decisions, from either form of an answer."""
    if "columns" in response:
        return list(zip(response["columns"]["prediction"], response["columns"]["decision"], strict=True))
    return [(one["prediction"], one["decision"]) for one in response["predictions"]]


def _faults(client: ServiceClient, good: Mapping[str, Any], one: Violation) -> list[str]:
    """What is wrong with the answers to a bad row, sent alone and after a good row."""
    faults = []
    for form, content, position in (("alone", one.row, 0), ("beside a good row", {"rows": [good, one.row]}, 1)):
        status, response = client.must("/predict", content)
        problems: Sequence[Any] = response.get("problems", []) if isinstance(response, dict) else []
        named = any(
            (problem["row"], problem["field"]) == (position, one.field) and problem["rule"].startswith(one.rule)
            for problem in problems
        )
        value = str(one.row[one.field])
        case = f"{one.field} = {value if len(value) < 40 else f'{value[:20]}…'}, {form}, breaks {one.rule.strip()!r}"
        if status != 422:
            faults.append(f"{case}: answered {status}, and 422 is right")
        elif not named:
            faults.append(f"{case}: refused, but of row {position} this is not said: {str(problems)[:200]}")
    return faults
