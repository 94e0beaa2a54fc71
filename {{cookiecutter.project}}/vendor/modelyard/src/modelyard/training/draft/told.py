"""What a draft decided and a person may want otherwise, in words."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from ...runtime.column import Column
from ...runtime.contract import Contract
from ...runtime.written import NUMBERS
from ..data.sources.decisions import Decisions
from ..data.validate import personal_data
from ..settings import Evaluate, Params
from ..warned import RARER, is_chosen
from .calendar import told_calendar
from .categories import MOST_VALUES, told_category
from .command import arguments
from .forms import examples, number_formats, time_formats
from .personal import UNKNOWN
from .random_split import no_time, shown
from .row_names import ROW_NUMBERS, numbers_rows
from .sizes import told_sizes
from .split import later_rows
from .texts import mostly_numbers, told_texts
from .times import CENTURIES, FIRST_DAY, guess_time, named_periods, told_choice
from .types import typed_as

SOME = 0.0005  # a share that is not shown as 0.0 %
LONG_NUMBER = 10_000  # from here on, thousands are divided
WIDEST = 32  # signs of a cell that those below it are aligned with


def decided(contract: Contract, table: pa.Table, decisions: Decisions, params: Params) -> list[str]:
    """What was decided for all of the data, and a line for each column: its role, its type, why, and what to do.

    table: what was drafted from. params: what was drafted beside the contract.
    """
    narrowed = typed_as(contract, table)
    lines = [*sorted(decisions.forms), *_positive(contract, narrowed, params.evaluate), *_target(contract, narrowed)]
    if params.watermark and (late := later_rows(contract, table, params.period, params.watermark)):
        lines.append(
            f"watermark: {params.watermark}, the last {params.period} with a target; {late:,} later rows have no "
            f"{contract.target} yet, and enter when you move it on"
        )
    lines += told_sizes(params)
    if contract.time is None:
        lines.append(no_time(contract, table, narrowed))
    notes = {name: _column(contract, name, table[name], narrowed[name], decisions) for name in contract.columns}
    rows = [
        (shown(name), column.role, column.type, "; ".join(notes[name])) for name, column in contract.columns.items()
    ]
    widths = [min(max(len(row[place]) for row in rows), WIDEST) for place in range(3)]
    return lines + [
        "  ".join([*(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=False)), row[3]]) for row in rows
    ]


def open_questions(contract: Contract, table: pa.Table, source: str) -> list[str]:
    """What only a person can answer before the pipeline runs, with the command that answers it."""
    asked = [name for name, column in contract.columns.items() if column.pii and column.purpose == UNKNOWN]
    if not asked:
        return []
    kinds = {name: personal_data("", table[name]) for name in asked}
    listed = ", ".join(f"{shown(name)} ({kinds[name] or 'by its name'})" for name in asked)
    answers = [word for name in asked for word in ("--purpose", f"{name}=the reason")]
    lines = [
        f"open question: may {listed} be held? It seems to be personal data, and `make pipeline` refuses it until you",
        "  leave it out at the source, or state why, as its `purpose` in contract.yaml or with",
        f"    make contract SOURCE={shlex.quote(source)} TARGET={shlex.quote(contract.target)} "
        f"{arguments(['--force', *answers])}",
    ]
    if by_name := [name for name in asked if not kinds[name]]:
        flags = [word for name in by_name for word in ("--not-personal", name)]
        lines.append(f"  for what is none, whatever its name says: {arguments(['--force', *flags])}")
    return lines


def _positive(contract: Contract, table: pa.Table, evaluate: Evaluate) -> Iterator[str]:
    if contract.kind != "binary":
        return
    negative, positive = contract.classes
    line = (
        f"positive class: {positive!r}, the last of {contract.classes!r}; a missed {positive!r} costs "
        f"{evaluate.false_negative_cost:g}, a {negative!r} taken for it {evaluate.false_positive_cost:g} (params.yaml)"
    )
    counts = {pair["values"]: pair["counts"] for pair in pc.value_counts(table[contract.target]).to_pylist()}
    if found := counts.get(positive, 0):
        line += f"; {found:,} rows have it, {100 * found / (found + counts.get(negative, 0)):.2g}%"
    column = contract.columns[contract.target]
    if column.values and not is_chosen(column) and counts.get(positive, 0) > RARER * counts.get(negative, 0):
        line += (
            f". {negative!r} is rarer: if it is what you look for, put it last in `values`, and draft again with "
            f"{arguments(['--force'])}, which turns the costs too"
        )
    yield line


def _target(contract: Contract, table: pa.Table) -> Iterator[str]:
    name = contract.target
    column = contract.columns[name]
    if absent := table[name].null_count:
        yield f"{name}: {absent:,} of {table.num_rows:,} rows have none, so they neither train nor judge"
    if contract.kind == "multiclass" and column.type == "integer":
        line = f"{name}: its {len(contract.classes)} numbers are classes; for a quantity, draft again with "
        yield line + arguments(["--force", "--regression"])


def _column(
    contract: Contract, name: str, given: pa.ChunkedArray, values: pa.ChunkedArray, decisions: Decisions
) -> Iterator[str]:
    """What was decided about one column, as it was given and in the type that it seems to have."""
    column = contract.columns[name]
    if column.pii:
        kind = personal_data(name, given) or "personal data"
        by_name = kind == "by its name"
        yield f"seems to be personal data{' ' if by_name else ': '}{kind}; see the open question below"
        if contract.time is None and guess_time(pa.table({name: values}), contract.target, [name]):
            yield f"so not taken as the time: {arguments(['--time', name])} takes it"
        if "%y" in (column.format or ""):
            yield CENTURIES
        return  # and show none of it
    if column.role == "unused":
        yield _reason(name, column, given, values)
    elif column.format in NUMBERS:
        yield _told_numbers(column, values)
    else:
        yield _content(column, values)
    if column.format and column.type == "timestamp":
        yield f"written as {column.format}" + (f", whose {CENTURIES}" if "%y" in column.format else "")
    if column.type == "timestamp" and column.role in ("time", "feature"):
        yield told_calendar(name, column, values, contract.columns)
    if name != name.strip():
        yield "the blanks belong to the name, here and for whoever asks the model"
    if (absent := values.null_count) and absent < len(values) and column.role != "target":
        share = absent / len(values)
        yield f"{share:.1%} missing" if SOME <= share <= 1 - SOME else f"{absent:,} of {len(values):,} missing"
    if column.empty:
        yield "it has no value in some file or period, so `empty: true` allows that"
    if counts := decisions.missing.get(name):
        found = " and ".join(f"{text!r} in {count:,} cells" for text, count in sorted(counts.items()))
        is_category = column.type == "string" and column.values
        yield f"{found} means missing" + (": if it is a value, add it to `values`" if is_category else "")
    if (padded := decisions.zeros.get(name)) and column.type == "integer":
        yield f"{padded!r} is the number {int(padded)}: if the zeros matter, its type is string"
    if column.timezone:
        yield f"local time of {column.timezone}, to which times with an offset are converted"
    if column.values and column.type == "string":
        yield from told_texts([str(value) for value in column.values], given)


def _content(column: Column, values: pa.ChunkedArray) -> str:
    """What a used column holds."""
    if column.role == "id":
        return "names each row"
    unique = len(pc.unique(values).drop_null())
    if column.role != "target" and unique == 1:
        return f"always {values.drop_null()[0].as_py()!r}, so nothing can be learned from it"
    if column.other:
        return told_category(len(column.values or []), unique, len(values))
    if column.values is not None or column.type in ("string", "boolean"):
        return f"{unique} values"
    ends = pc.min_max(values).as_py()
    if ends["min"] is None:
        return "no value"
    if column.type == "timestamp":
        return f"{ends['min']:%Y-%m-%d} to {ends['max']:%Y-%m-%d}"
    return _range(values)


def _told_numbers(column: Column, values: pa.ChunkedArray) -> str:
    kind = {None: "numbers in text", "%": "looks like percent"}.get(column.unit, "looks like money")
    unit = f" in {column.unit}" if column.unit else ""
    return f"{kind}: read as number{unit} by format {column.format!r}, {_range(values)}"


def _range(values: pa.ChunkedArray) -> str:
    ends = pc.min_max(values).as_py()
    return " to ".join(_plain(ends[end]) for end in ("min", "max"))


def _plain(number: float) -> str:
    if abs(number) < LONG_NUMBER:
        return f"{number:.6g}"  # it may be a year
    return f"{number:,}" if isinstance(number, int) else f"{number:,.6g}"


def _reason(name: str, column: Column, given: pa.ChunkedArray, values: pa.ChunkedArray) -> str:
    """Why a column is not used, and how it could be."""
    if ROW_NUMBERS.fullmatch(name):
        return "row numbers" if column.type == "integer" else "it has no name of its own"
    if numbers_rows(name, values):
        return "another number for each row, so nothing can be learned from it"
    if values.null_count == len(values):
        return "no value"
    if len(formats := time_formats(given)) > 1:
        choice = told_choice(name, formats, is_time=False)
        return f"dates such as {examples(given)} may be {' or '.join(formats)}: say which, as in {choice}"
    if len(forms := number_formats(given)) > 1:
        choice = told_choice(name, [form.format for form in forms], is_time=False)
        return f"numbers such as {examples(given)} may be written as {' or '.join(NUMBERS)}: say which, as in {choice}"
    if named := named_periods(given):
        return f"{named}: {FIRST_DAY}"
    if mostly := mostly_numbers(given):
        return mostly
    different = len(pc.unique(values).drop_null())
    few = f" in {len(values):,} rows, too many to learn from each"
    many = ", few of which come often"
    use = "to use it, list some as `values` with `other: true` and role feature"
    names = "; if it names the row, give it role id" if different == len(values) else ""
    return f"{different:,} different texts{many if different > MOST_VALUES else few}; {use}{names}"
