"""Why a request is refused, and the JSON that reports it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

import msgspec

from ..runtime.rows import Problem

NO_ROW = -1  # the row of a problem that belongs to no row
LISTED = 1000  # problems; looking for more would take long and would not help the client


class Refusal(Exception):
    """A request that is not answered: status, the rule that it breaks, what was sent and what is expected.

    problems: each value that is wrong. headers: additional headers of the response.
    """

    def __init__(
        self,
        status: int,
        title: str,
        detail: str,
        problems: Sequence[Problem] = (),
        headers: Sequence[tuple[bytes, bytes]] = (),
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.title = title
        self.detail = detail
        self.problems = problems
        self.headers = list(headers)


def broken_rules(problems: Iterable[Problem]) -> Refusal:
    """The refusal of rows that break the contract; at most LISTED of the problems are looked at."""
    listed = list(islice(problems, LISTED + 1))
    is_more = len(listed) > LISTED
    count = "1 value breaks" if len(listed) == 1 else f"{len(listed)} values break"
    if is_more:
        count = f"more than {LISTED} values break"
    more = f"; {LISTED} of them are listed" if is_more else ""
    return Refusal(422, "rows refused", f"{count} the contract; no row was answered{more}", listed[:LISTED])


def problem_json(refusal: Refusal, request: str) -> bytes:
    """The refusal as application/problem+json (RFC 9457)."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": refusal.title,
        "status": refusal.status,
        "detail": refusal.detail,
        "request": request,
    }
    if refusal.problems:
        body["problems"] = [_problem_object(problem) for problem in refusal.problems]
    return msgspec.json.encode(body)


def error_json(refusal: Refusal) -> bytes:
    """The refusal in the form of an error of the Open Inference Protocol."""
    text = [refusal.detail, *map(_line, refusal.problems)]
    return msgspec.json.encode({"error": "\n".join(text)})


def _problem_object(problem: Problem) -> dict[str, Any]:
    short = _shortened(problem)
    row = None if short.row == NO_ROW else short.row
    return {"row": row, "field": short.column, "value": short.value, "rule": short.rule}


def _line(problem: Problem) -> str:
    line = str(_shortened(problem))
    return line.removeprefix(f"row {NO_ROW}: ")


def _shortened(problem: Problem) -> Problem:
    return Problem(problem.row, _plain(problem.column), _plain(problem.value), problem.rule)


def _plain(value: Any) -> Any:
    """A value that JSON can hold and a person can read: long or nested values are cut, others become text."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) < 2**63 else "a whole number of more than 64 bits"
    if isinstance(value, float):
        return value if abs(value) <= 1.7976931348623157e308 else str(value)  # false for NaN and infinities
    if isinstance(value, str):
        text = value if len(value) <= 200 else value[:200] + "…"
        return text.encode("utf-8", "replace").decode()
    return f"a JSON {'object' if isinstance(value, dict) else 'array'}"
