"""Take new data: check the periods that have arrived beside those before, and move the watermark in params.yaml.

Writes reports/retrain.json. Nothing new is no error: then nothing else is written, and `changed` is false. Where a new
period is not plausible, nothing else is written either, and the exit status is 1 (0 with --report): have the source
mended or, if the data is right, let a person say so with --accept, in a commit. Afterwards `make pipeline` makes the
model; where policy.yaml says `retrain: {tune: true}`, run `make ingest tune` before it.

--due only looks: it says which cause of policy.yaml, if any, is a reason to do this now.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from ..errors import YardError
from ..judging.policy import Policy, read_policy
from ..runtime.contract import Contract
from ..training.edit import edit_yaml
from ..training.settings import Cause, Params, period_fault, read_contract, read_params
from .due import due
from .newcomers import look

if TYPE_CHECKING:
    from ..runtime.project import Project

REPORT = Path("reports/retrain.json")
MONITOR = Path("reports/monitor.json")
CAUSES: tuple[Cause, ...] = get_args(Cause)
REASONS = {"by_hand": "somebody asked for it", "schedule": "its time has come", "data": "new data has arrived"}


class Implausible(YardError):
    """A new period is not what it should be; the message says what is odd and what to do."""


def retrain(
    root: Path, contract: Contract, params: Params, policy: Policy, today: date, cause: Cause, reason: str | None
) -> dict[str, Any]:
    """Check what is new, and move the watermark and the cause in params.yaml if all of it is plausible.

    Returns what reports/retrain.json holds. `params.accepted` counts, and is written with the rest.
    """
    found = look(root, contract, params, policy, today)
    implausible = found.implausible(contract, params, policy.retrain.alpha)
    moves = bool(found.ready) and not implausible
    if moves:
        edit_yaml(root / "params.yaml", {"watermark": found.ready[-1], "cause": cause} | _accepted(root, params))
    return {
        "format": 1,
        "cause": cause,
        "reason": reason or REASONS.get(cause, f"the monitor found {cause}"),
        "old": params.watermark,
        "new": found.ready[-1] if moves else params.watermark,
        "periods": found.ready,
        "changed": moves,
        "implausible": implausible,
        "waiting": found.waiting,
        "unchecked": found.unchecked,
        "tune": policy.retrain.tune,
    }


def accept(params: Params, periods: Sequence[str]) -> Params:
    """The parameters with these periods accepted. Raises YardError if one is none, or was taken already."""
    for period in periods:
        if fault := period_fault(params, period):
            raise YardError(f"--accept {fault}")
        if params.watermark is None or period <= params.watermark:
            raise YardError(
                f"--accept {period}: it was taken already, the watermark is {params.watermark}; if its rows changed at "
                f"the source, say `make ingest ARGS='--accept {period}'`"
            )
    return dataclasses.replace(params, accepted=sorted({*params.accepted, *periods}))


def _accepted(root: Path, params: Params) -> dict[str, list[str]]:
    """The value to write, if it is another one than the file has."""
    changed = read_params(root / "params.yaml").accepted != params.accepted
    return {"accepted": params.accepted} if changed else {}


def write_report(root: Path, content: dict[str, Any]) -> None:
    """Write reports/retrain.json."""
    (root / REPORT).parent.mkdir(exist_ok=True)
    (root / REPORT).write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _read_monitor(root: Path) -> dict[str, Any]:
    """What `make monitor` found last; empty if it did not run."""
    path = root / MONITOR
    try:
        content = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    except ValueError:
        content = None
    if not isinstance(content, dict) or not isinstance(content.get("retrain") or {}, dict):
        raise YardError(f"{path} is not what `make monitor` writes; run it again, or remove the file")
    return content


def _say(content: dict[str, Any]) -> None:
    for line in (*content["waiting"], content["unchecked"]):
        if line:
            print(line)
    if content["changed"]:
        command = "make ingest tune pipeline" if content["tune"] else "make pipeline"
        print(
            f"params.yaml: watermark {content['old']} to {content['new']} ({', '.join(content['periods'])}), cause "
            f"{content['cause']}; make the model with `{command}`"
        )
    else:
        print(f"nothing new after {content['old']}; nothing was changed")


def _told(implausible: Sequence[dict[str, Any]]) -> str:
    lines = [f"{one['period']}: {line}" for one in implausible for line in one["lines"]]
    odd = [one["period"] for one in implausible if one["acceptable"]]
    advice = "Have the source mended."
    if odd:
        words = " ".join(f"--accept {period}" for period in odd)
        advice += f" If the data is right: make retrain ARGS='{words}', and commit params.yaml."
    if len(odd) < len(implausible):
        advice += " Where the contract is too narrow, change contract.yaml."
    return "\n".join(["what has arrived is not plausible, so the watermark stays:", *lines, advice])


def _today(text: str) -> date:
    try:
        return datetime.fromisoformat(text).date()
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no day or time such as 2013-08-01") from None


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="retrain", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--due", action="store_true", help="only say whether policy.yaml gives a reason to retrain")
    parser.add_argument("--cause", choices=CAUSES, help="why, for the manifest (default: by_hand)")
    parser.add_argument("--reason", metavar="TEXT", help="the same in words, for the pull request")
    parser.add_argument(
        "--accept", action="append", default=[], metavar="PERIOD", help="let a period train that looks odd; commit it"
    )
    parser.add_argument(
        "--report", action="store_true", help="end with 0 also if a period is not plausible: a workflow reads on"
    )
    parser.add_argument("--until", type=_today, metavar="TIME", help="what counts as today (UTC)")
    options = parser.parse_args(arguments)
    if options.due and (options.cause or options.accept or options.reason or options.report):
        parser.error("--due only looks: it takes no --cause, --reason, --accept or --report")
    return options


def main(arguments: Sequence[str], _project: Project) -> None:
    """The verb `retrain`."""
    options = _options(arguments)
    root, today = Path(), options.until or datetime.now(UTC).date()
    (root / REPORT).unlink(missing_ok=True)
    contract, params, policy = read_contract(), read_params(), read_policy()
    if options.due:
        content = due(root, contract, params, policy, _read_monitor(root), today)
        write_report(root, content)
        print(f"{content['cause'] or 'not due'}: {content['reason']}")
        return
    if options.accept:
        params = accept(params, options.accept)
        if not options.cause:
            edit_yaml(root / "params.yaml", _accepted(root, params))
            print(f"params.yaml: accepted: {', '.join(params.accepted)}; commit it, then run `make retrain`")
            return
    content = retrain(root, contract, params, policy, today, options.cause or "by_hand", options.reason)
    write_report(root, content)
    if content["implausible"] and not options.report:
        raise Implausible(_told(content["implausible"]))
    if content["implausible"]:
        print(_told(content["implausible"]))
        return
    _say(content)
