"""Reads the JSON of a body, with the place of a syntax error."""

from __future__ import annotations

import json
import math
from typing import Any

from ..refusal import Refusal


def loads(body: bytes) -> Any:
    """The JSON of a body. Raises Refusal with status 400 that names the place of a syntax error."""
    try:
        return json.loads(body.decode("utf-8"), parse_constant=_no_constant, parse_int=_whole)
    except UnicodeDecodeError as error:
        raise Refusal(400, "no JSON", f"the body is not UTF-8: byte {error.start}") from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise Refusal(400, "no JSON", f"the body is no JSON: {where}: {error.msg}") from None
    except RecursionError:
        raise Refusal(400, "no JSON", "the body is nested too deep") from None


def _no_constant(name: str) -> None:
    raise Refusal(400, "no JSON", f"the body is no JSON: it has no {name}; leave a missing value out, or send null")


def _whole(digits: str) -> int | float:
    return int(digits) if len(digits) < 400 else math.inf
