"""Windows: whole days of the same number, beginning on Mondays if they are weeks, so that they stay as they are."""

from __future__ import annotations

import argparse
import datetime
import json
from collections.abc import Iterable
from dataclasses import dataclass

from .layout import LATEST
from .store import Store

MONDAY = datetime.date(1970, 1, 5)


@dataclass(frozen=True, order=True)
class Window:
    """Days from `start` up to, and without, `end`."""

    start: datetime.date
    end: datetime.date

    def days(self, of: Iterable[str]) -> list[str]:
        """Those of some days, such as `2013-04-01`, that are in the window."""
        return [day for day in of if self.start.isoformat() <= day < self.end.isoformat()]

    def is_mature(self, until: datetime.datetime, days: int) -> bool:
        """Whether labels had so many days to arrive after the window."""
        return self.end + datetime.timedelta(days) <= until.date()


def complete_windows(days: Iterable[str], until: datetime.datetime, length: int) -> list[Window]:
    """The windows that hold any of the days and are over, in order."""
    step = datetime.timedelta(length)
    numbers = sorted({(datetime.date.fromisoformat(day) - MONDAY) // step for day in days})
    windows = [Window(MONDAY + number * step, MONDAY + (number + 1) * step) for number in numbers]
    return [window for window in windows if window.end <= until.date()]


def until_argument(parser: argparse.ArgumentParser) -> None:
    """Add the option `--until`, with now as its default."""
    now = datetime.datetime.now(datetime.UTC).replace(tzinfo=None, microsecond=0)
    told = "what was known at this time (UTC), such as 2013-04-15T06:00:00 (default: now)"
    parser.add_argument("--until", type=_given_time, default=now, metavar="TIME", help=told)


def _given_time(given: str) -> datetime.datetime:
    try:
        return parse_time(given)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{given!r} is no time such as 2013-04-15 or 2013-04-15T06:00:00") from None


def parse_time(given: str) -> datetime.datetime:
    """A time in ISO 8601 as UTC without a zone. Raises ValueError if it is none."""
    parsed = datetime.datetime.fromisoformat(given)
    return parsed.astimezone(datetime.UTC).replace(tzinfo=None) if parsed.tzinfo else parsed


def looks_back(store: Store, until: datetime.datetime) -> bool:
    """Whether the store has figures of a later time: then what became known since is there, and nothing is recorded.

    Figures of a time that is still to come, as after a slip of the keyboard, do not count.
    """
    if not store.has(LATEST):
        return False
    latest = parse_time(json.loads(store.read(LATEST))["until"])
    now = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
    return until < latest <= now
