"""Whether a new period can be what it says: its labels, rows and inputs beside those of the periods before it.

Months differ by season and by chance, so what counts is not the noise of sampling but how much the history's own
periods differ from one to the next. A change from the last period to the new one is odd if it is larger than all those
before it by half, larger than it would be by chance once in 1/alpha periods, all columns together, and large enough to
matter. Some faults need no statistics: a single label, a constant, a gap, rows that are there twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ...runtime.contract import Contract
from .conversions import Conversion, conversions, is_known
from .summary import Described, Summary

FEWEST_PERIODS = 3  # of history, of which the differences from one to the next are taken as usual
LONGEST = 36  # periods of history that are looked at
BEYOND = 1.5  # times the largest change between two periods of history
EXPECTED = 10  # rows with another value where now all have the same; by chance it is once in e^10
NEARLY_CONSTANT = 0.9  # a column whose commonest value has so large a share may be constant for a while, unless
EXPECTED_SURELY = 500  # so many rows with another value are expected
STANDING = 0.02  # a category with at least this share in all periods does not vanish
GAP, REPEATED = 0.15, 0.05  # shares of the period, of its rows, beyond the history's largest
# The least change that matters: of a mean, in deviations within a period; of a spread or a count, by its logarithm;
# of a share, in itself
LEVEL, SPREAD, ROWS, SHARE = 0.5, 0.3, 0.4, 0.05
MUCH_BEYOND = 5  # times the largest change: odd without a test, which needs more periods to be sure
FAR_LEVEL, CONVERTED_BEYOND = 1.0, 2.5  # a change may be one of unit from here, and from so many of the largest
FITS, FITTING_LEVEL, FITTING_SPREAD = 1.5, 0.75, 0.25  # if a conversion leaves so many of the largest, or so much
UNKNOWN = 0.5  # times these where the contract does not say the unit, and any conversion may fit by chance
MOSTLY_ZERO, LARGE_FACTOR = 0.5, 5.0  # amounts such as rain or income vary by smaller factors from month to month


@dataclass(frozen=True)
class Oddity:
    """What is odd about a period: a column of the contract or what else is counted, and a line with the numbers."""

    subject: str
    line: str


@dataclass(frozen=True)
class Step:
    """One quantity, as it changed from period to period: the history's changes, and the last to the new period.

    error: the standard error of the new change by sampling alone. matters: the least change that does.
    """

    subject: str
    history: list[float]
    new: float
    error: float
    matters: float
    line: str

    @property
    def usual(self) -> float:
        """The largest change between two periods of history."""
        return max(map(abs, self.history))

    def is_odd(self, alpha: float) -> bool:
        """Whether the new change is no usual one, at a level that is corrected already."""
        from scipy import stats

        change = abs(self.new)
        if change < max(self.matters, BEYOND * self.usual):
            return False
        if change > max(2 * self.matters, MUCH_BEYOND * self.usual, MUCH_BEYOND * self.error):
            return True
        spread = np.sqrt(np.mean(np.square(self.history)) + self.error**2)
        return bool(spread == 0 or 2 * stats.t.sf(change / spread, len(self.history)) < alpha)


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
        target = [*_row_steps(history, new), *_column_steps(history, new, contract.target)]
        inputs = [step for name in new.columns if name != contract.target for step in _column_steps(history, new, name)]
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


def _row_steps(history: Sequence[Summary], new: Summary) -> Iterator[Step]:
    counts = [np.log(one.rows / one.days) for one in (*history, new)]
    changes = np.diff(counts)
    largest = np.expm1(np.abs(changes[:-1]).max())
    line = (
        f"rows: {new.rows:,}, {history[-1].rows:,} in {history[-1].period}, {np.expm1(changes[-1]):+.0%} a day; the "
        f"largest change before was by {largest:.0%}"
    )
    yield Step("rows", list(changes[:-1]), float(changes[-1]), float(np.sqrt(2 / new.rows)), ROWS, line)


def _column_steps(history: Sequence[Summary], new: Summary, name: str) -> Iterator[Step]:
    columns = [one.columns[name] for one in (*history, new)]
    yield _share_step(name, "missing", history, [one.missing for one in columns], columns[-1].rows)
    if any(one.shares for one in columns[:-1]):
        for value in dict.fromkeys(value for one in columns for value in one.shares):
            shares = [one.shares.get(value, 0.0) for one in columns if one.present]
            if len(shares) > FEWEST_PERIODS and columns[-1].present and max(shares) >= SHARE:
                yield _share_step(name, str(value), history, shares, columns[-1].present)
        return
    if shape := _shape(columns):
        yield from _number_steps(shape, history, new, name)


def _share_step(name: str, what: str, history: Sequence[Summary], shares: list[float], rows: int) -> Step:
    """The change of a share, on the scale on which its error does not depend on it (the arcsine of its root).

    `matters` is on that scale too: a change by SHARE from the last one.
    """
    scaled = 2 * np.arcsin(np.sqrt(shares))
    matters = abs(_scaled(min(shares[-2] + SHARE, 1.0)) - scaled[-2]) if shares[-1] > shares[-2] else (
        abs(_scaled(max(shares[-2] - SHARE, 0.0)) - scaled[-2]))  # fmt: skip
    largest = np.abs(np.diff(shares[:-1])).max()
    line = (
        f"{name}: {shares[-1]:.1%} {what}, {shares[-2]:.1%} in {history[-1].period}; the largest change before was by "
        f"{100 * largest:.1f} points"
    )
    changes = np.diff(scaled)
    return Step(
        name, list(changes[:-1]), float(changes[-1]), float(np.sqrt(2 / max(rows, 1))), max(matters, 1e-9), line
    )


def _scaled(share: float) -> float:
    return float(2 * np.arcsin(np.sqrt(share)))


@dataclass(frozen=True)
class Shape:
    """Where a quantity lies and how wide it is, period by period, with the usual width as the unit of its level."""

    places: list[float]
    widths: list[float]
    usual: float

    def levels(self) -> list[float]:
        """The places in usual widths."""
        return [place / self.usual for place in self.places]

    def spread(self, width: float) -> float:
        """The logarithm of a width, also of one that is 0."""
        return float(np.log(width + self.usual / 100))


def _shape(columns: Sequence[Described]) -> Shape | None:
    """The means and deviations of a quantity, of which the last one is new; None if there are too few."""
    numbers = [one.numbers for one in columns if one.numbers]
    if len(numbers) < FEWEST_PERIODS + 1 or columns[-1].numbers is None or columns[-2].numbers is None:
        return None
    usual = float(np.median([one.deviation for one in numbers[:-1]]))
    return Shape([one.mean for one in numbers], [one.deviation for one in numbers], usual) if usual else None


def _number_steps(shape: Shape, history: Sequence[Summary], new: Summary, name: str) -> tuple[Step, Step]:
    """The changes of level and spread."""
    levels, spreads = np.diff(shape.levels()), np.diff([shape.spread(width) for width in shape.widths])
    fewest = min(new.columns[name].present, history[-1].columns[name].present)
    before = history[-1].period
    level = (
        f"{name}: mean {shape.places[-1]:.4g}, {shape.places[-2]:.4g} in {before}; the largest change before was by "
        f"{np.abs(np.diff(shape.places[:-1])).max():.3g}"
    )
    spread = (
        f"{name}: deviation {shape.widths[-1]:.4g}, {shape.widths[-2]:.4g} in {before}; the largest change before was "
        f"by {np.expm1(np.abs(spreads[:-1]).max()):.0%}"
    )
    error = float(np.sqrt(2 / fewest))
    if shape.widths[-1] == 0:  # constant: whether that is odd is told by how many other values are expected
        spreads[-1] = 0.0
    return (
        Step(name, list(levels[:-1]), float(levels[-1]), error, LEVEL, level),
        Step(name, list(spreads[:-1]), float(spreads[-1]), error, SPREAD, spread),
    )


def _converted(history: Sequence[Summary], new: Summary, contract: Contract) -> Iterator[Oddity]:
    """Quantities whose change is explained by a change of unit, and is no usual one."""
    for name in new.columns:
        shape = _shape([one.columns[name] for one in (*history, new)])
        last = history[-1].columns[name].numbers
        if shape is None or last is None or new.columns[name].commonest == 1:
            continue
        level, spread = _number_steps(shape, history, new, name)
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
