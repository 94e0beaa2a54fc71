"""Whether a new period can be what it says: its labels, rows and inputs beside those of the periods before it.

Months differ by season and by chance, so what counts is not the noise of sampling but how much the history's own
periods differ from one to the next. A change from the last period to the new one is odd if it is larger than all those
before by half and large enough to matter, and if it is many times as large, would come by chance once in 1/alpha
periods, all columns together, or is explained by a change of unit. Some faults need no statistics: a single label, a
constant, a gap, rows that are there twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ...runtime.contract import Contract
from .conversions import Conversion, conversions, is_known
from .steps import FEWEST_PERIODS, SPREAD, Shape, Step, column_steps, number_steps, row_steps, shape_of
from .summary import Described, Summary

LONGEST = 36  # periods of history that are looked at
EXPECTED = 10  # rows with another value where now all have the same; by chance it is once in e^10
NEARLY_CONSTANT = 0.9  # a column whose commonest value has so large a share may be constant for a while, unless
EXPECTED_SURELY = 500  # so many rows with another value are expected
STANDING = 0.02  # a category with at least this share in all periods does not vanish
GAP, REPEATED = 0.15, 0.05  # shares of the period, of its rows, beyond the history's largest
FAR_LEVEL, CONVERTED_BEYOND = 1.0, 2.5  # a change may be one of unit from here, and from so many of the largest
FITS, FITTING_LEVEL, FITTING_SPREAD = 1.5, 0.75, 0.25  # if a conversion leaves so many of the largest, or so much
UNKNOWN = 0.5  # times these where the contract does not say the unit, and any conversion may fit by chance
MOSTLY_ZERO, LARGE_FACTOR = 0.5, 5.0  # amounts such as rain or income vary by smaller factors from month to month


@dataclass(frozen=True)
class Oddity:
    """What is odd about a period: a column of the contract or what else is counted, and a line with the numbers."""

    subject: str
    line: str


def oddities(history: Sequence[Summary], new: Summary, contract: Contract, alpha: float) -> list[Oddity]:
    """All that is odd about a new period beside the periods before it, in order; at most one line for each subject.

    alpha: the share of usual periods in which something is called odd, all tests together. Half of it is for the target
    and the rows, half for the inputs.
    """
    history = history[-LONGEST:]
    if not history:
        return []
    found = [*_rows(history, new), *_plain(history, new, contract)]
    if len(history) >= FEWEST_PERIODS:
        found += _converted(history, new, contract)
        target = [*row_steps(history, new), *column_steps(history, new, contract.target)]
        inputs = [step for name in new.columns if name != contract.target for step in column_steps(history, new, name)]
        for steps in (target, inputs):
            level = alpha / 2 / max(len(steps), 1)
            found += [Oddity(step.subject, step.line) for step in steps if step.is_odd(level)]
    order = ["rows", contract.target, *new.columns]
    first = {oddity.subject: oddity for oddity in reversed(found)}
    return sorted(first.values(), key=lambda oddity: order.index(oddity.subject))


def too_little(history: Sequence[Summary]) -> str | None:
    """What is not checked for want of history; None if everything is."""
    if len(history) >= FEWEST_PERIODS:
        return None
    count = f"{len(history)} period{'' if len(history) == 1 else 's'}"
    return (
        f"{count} of history: distributions are compared from {FEWEST_PERIODS} on; till then only single labels, "
        "constants, gaps and repeated rows are found"
    )


def _rows(history: Sequence[Summary], new: Summary) -> Iterator[Oddity]:
    """Rows that are there twice, and a part of the period that has none."""
    repeated, gap = (max(getattr(one, name) for one in history) for name in ("repeated", "gap"))
    if new.repeated > repeated + REPEATED:
        yield Oddity("rows", f"rows: {new.repeated:.0%} of {new.rows:,} are as another one but for their ids; "
                             f"{repeated:.1%} at most in a period before")  # fmt: skip
    if new.gap > gap + GAP:
        yield Oddity("rows", f"rows: none from {new.gap_from} to {new.gap_to}, {new.gap:.0%} of the period; the "
                             f"longest gap before is {gap:.0%}")  # fmt: skip


def _plain(history: Sequence[Summary], new: Summary, contract: Contract) -> Iterator[Oddity]:
    """Columns that are missing or constant and never were, and categories that vanished."""
    for name, now in new.columns.items():
        before = [one.columns[name] for one in history]
        label = "label" if name == contract.target else "value"
        least = min(one.missing for one in before)
        most = max(one.missing for one in before)
        if now.present == 0 and (1 - most) * now.rows >= EXPECTED:
            yield Oddity(name, f"{name}: not one {label} among {new.rows:,} rows; {least:.1%} to {most:.1%} were "
                               "missing in the periods before")  # fmt: skip
            continue
        commonest = max(one.commonest for one in before)
        other = (1 - commonest) * now.present
        few = EXPECTED if label == "label" or commonest < NEARLY_CONSTANT else EXPECTED_SURELY
        if now.commonest == 1 and other >= few:
            value = f"{now.numbers.commonest:g}" if now.numbers else next(iter(now.shares))
            yield Oddity(name, f"{name}: all {now.present:,} {label}s are {value}; the commonest one had at most "
                               f"{commonest:.1%} in a period before")  # fmt: skip
            continue
        yield from _vanished(name, before, now)


def _vanished(name: str, before: Sequence[Described], now: Described) -> Iterator[Oddity]:
    """Categories that every period had, and that this one has not, with the one that may have their rows."""
    for value in before[-1].shares:
        least = min(one.shares.get(value, 0.0) for one in before)
        if value not in now.shares and least >= STANDING and least * now.present >= EXPECTED:
            grown = {other: share - before[-1].shares.get(other, 0.0) for other, share in now.shares.items()}
            more = max(grown, key=lambda other: grown[other], default=None)
            renamed = f"; {more} has {grown[more]:.1%} more" if more and grown[more] > least / 2 else ""
            yield Oddity(name, f"{name}: no {value} among {now.present:,} values; it had at least {least:.1%} in each "
                               f"period before{renamed}")  # fmt: skip


def _converted(history: Sequence[Summary], new: Summary, contract: Contract) -> Iterator[Oddity]:
    """Quantities whose change is explained by a change of unit, and is no usual one."""
    for name in new.columns:
        shape = shape_of([one.columns[name] for one in (*history, new)])
        last = history[-1].columns[name].numbers
        if shape is None or last is None or new.columns[name].commonest == 1:
            continue
        level, spread = number_steps(shape, history, new, name)
        if _far(level, FAR_LEVEL) or _far(spread, SPREAD):
            unit = contract.columns[name].unit
            close = 1.0 if is_known(unit) else UNKNOWN
            varies = (last.commonest == 0 and last.share > MOSTLY_ZERO) or last.deviation > abs(last.mean)
            all_left = [
                (_left(shape, one, level, spread, close), one)
                for one in conversions(unit)
                if not varies or one.offset or max(abs(one.factor), abs(1 / one.factor)) >= LARGE_FACTOR
            ]
            explained = [(left, one) for left, one in all_left if left is not None]
            if explained:
                best = min(explained, key=lambda pair: pair[0])[1]
                yield Oddity(name, f"{level.line}; {best.told(unit)}")


def _far(step: Step, matters: float) -> bool:
    return abs(step.new) > max(matters, CONVERTED_BEYOND * step.usual, 4 * step.error)


def _left(shape: Shape, conversion: Conversion, level: Step, spread: Step, close: float) -> float | None:
    """How much of a change is left without a conversion; None if it is more than a usual one."""
    place = abs(conversion.undone(shape.places[-1]) - shape.places[-2]) / shape.usual
    wide = abs(shape.spread(abs(shape.widths[-1] / conversion.factor)) - shape.spread(shape.widths[-2]))
    near = place <= max(FITS * level.usual, FITTING_LEVEL) * close
    nearer = place <= min(2 * FITTING_LEVEL, abs(level.new) / 2) * close
    return place + wide if (near or nearer) and wide <= max(FITS * spread.usual, FITTING_SPREAD) * close else None
