"""JSON Schemas of requests and responses, generated from a contract."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from typing import Any

from ...runtime.column import Column
from ...runtime.contract import Contract
from ...runtime.times import ISO
from ..answers.live import Live
from ..forms.ids import LARGEST as LARGEST_ID
from ..forms.ids import id_columns
from .infer import datatype
from .service_schemas import INTEGER, STRING, array, nullable, record, ref
from .timestamps import pattern

NUMBER = {"type": "number"}
LARGEST = sys.float_info.max
EXAMPLES = 20  # values of an open list that are named


def row_schema(contract: Contract) -> dict[str, Any]:
    """One row: its inputs, and ids where the client wants them in the log."""
    typed = {**contract.inputs, **id_columns(contract)}
    return {
        "type": "object",
        "properties": {
            name: _column(typed[name]) if name in typed else {"description": f"{column.description}; not looked at"}
            for name, column in contract.columns.items()
        },
        "required": [name for name, column in contract.inputs.items() if not column.missing],
        "additionalProperties": False,
    }


def _column(column: Column) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": {"timestamp": "string"}.get(column.type, column.type)}
    if column.other:
        schema["examples"] = list(column.values or [])[:EXAMPLES]
    elif column.values is not None:
        schema |= _enumerated(column.values)
    elif column.type in ("integer", "number"):
        low, high = column.bounds
        most = LARGEST if column.type == "number" else LARGEST_ID
        schema["minimum"], schema["maximum"] = max(low, -most), min(high, most)
    elif column.type == "timestamp":
        schema["pattern"] = pattern(column)
    unit = f" ({column.unit})" if column.unit else ""
    written = f"; also as {column.format}" if column.format not in (None, ISO) else ""
    if column.type == "timestamp":
        written += _zone(column)
    if column.other:
        written += f"; {len(column.values or [])} values are categories of their own, and all others one together"
    if column.missing:
        schema["type"] = [schema["type"], "null"]
        if "enum" in schema:
            schema["enum"].append(None)
    if column.role == "id":
        written += "; optional: it goes to the log, to be joined with labels, and never to the model"
    return schema | {"description": f"{column.description}{unit}{written}"}


def _zone(column: Column) -> str:
    """What the description says of zone and range, which no schema can."""
    ends = [(word, bound) for word, bound in (("from", column.minimum), ("to", column.maximum)) if bound is not None]
    zone = f"of {column.timezone}, to which a time with an offset is converted" if column.timezone else "without offset"
    return "".join([f"; local time {zone}", *(f", {word} {bound}" for word, bound in ends)])


def model_schemas(live: Live, max_rows: int) -> dict[str, Any]:
    """The schemas of one model's requests and responses, by name, for at most `max_rows` rows."""
    name, contract, row = live.name, live.contract, row_schema(live.contract)
    typed = {**contract.inputs, **contract.named("id")}
    columns = {column: array(schema, maxItems=max_rows) for column, schema in row["properties"].items()}
    score = array(NUMBER) if contract.kind == "multiclass" else NUMBER
    decision = _decision(contract)
    return {
        f"{name}.Row": row,
        f"{name}.Rows": _closed({"rows": array(ref(f"{name}.Row"), maxItems=max_rows)}),
        f"{name}.Instances": _closed({"instances": array(ref(f"{name}.Row"), maxItems=max_rows)}),
        f"{name}.Columns": _closed({"columns": ref(f"{name}.ColumnValues")}),
        f"{name}.ColumnValues": {
            **row,
            "properties": columns,
            "description": "Each column's value in each row: all arrays have the same length",
        },
        f"{name}.Request": {"anyOf": [ref(f"{name}.{form}") for form in ("Row", "Rows", "Columns")]},
        f"{name}.Answer": record(
            {
                "model": STRING,
                "bundle": nullable("string", "null where rows were answered by two: each names its own"),
                "variant": STRING,
                "fallback": nullable("string", "who stood in for the model: last good, baseline, or null for nobody"),
            },
            {"predictions": array(ref(f"{name}.Prediction")), "columns": ref(f"{name}.PredictionColumns")},
            description="`columns` is the answer to columns, `predictions` to a row or rows",
        ),
        f"{name}.Prediction": record({"prediction": score, "decision": decision}, {"bundle": STRING}),
        f"{name}.PredictionColumns": record(
            {"prediction": array(score), "decision": array(decision)}, {"bundle": array(STRING)}
        ),
        f"{name}.Infer": record(
            {"inputs": array(ref(f"{name}.InputTensor"), minItems=1)},
            {
                "id": nullable("string", "comes back in the answer"),
                "outputs": {"type": ["array", "null"], "items": ref("RequestedOutput")},
                "parameters": ref("Parameters"),
            },
        ),
        f"{name}.InputTensor": record(
            {
                "name": {**STRING, **_enumerated(list(typed))},
                "shape": array(INTEGER, description="[n] or [n, 1]"),
                "datatype": {**STRING, "enum": sorted({datatype(column) for column in typed.values()})},
                "data": array({}, description="n values, null where one is missing"),
            },
            {"parameters": ref("Parameters")},
        ),
    }


def _decision(contract: Contract) -> dict[str, Any]:
    if contract.kind == "regression":
        return dict(NUMBER)
    kind = contract.columns[contract.target].type
    return {"type": kind} if kind == "boolean" else {"type": kind, **_enumerated(contract.classes)}


def _enumerated(values: Sequence[Any]) -> dict[str, Any]:
    """The only values that may be, with names for generators of clients that would give two texts the same."""
    names = [re.sub(r"\W+", "_", str(value), flags=re.ASCII).strip("_").upper() for value in values]
    if isinstance(values[0], int) or (len(set(names)) == len(names) and all(names)):
        return {"enum": list(values)}
    distinct = [f"VALUE_{place}_{name}".strip("_") for place, name in enumerate(names)]
    return {"enum": list(values), "x-enum-varnames": distinct}


def _closed(properties: dict[str, Any]) -> dict[str, Any]:
    return record(properties, additionalProperties=False)
