"""Let a year happen month by month, and measure what each policy answered."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from modelyard.runtime.contract import Kind
from modelyard.training.metrics import PRIMARY, primary_loss

from .datasets import DataSet
from .policies import Policy, labelled
from .years import Year


@dataclass(frozen=True)
class Month:
    """A month of one policy: the labelled rows that it answered, its loss on them, and what happened at its end."""

    rows: int
    loss: float
    event: str


@dataclass
class Course:
    """How a policy fared in a year, month by month."""

    title: str
    metric: str
    months: dict[str, Month] = field(default_factory=dict)

    @property
    def loss(self) -> float:
        """The primary metric over all months, each counted by its rows."""
        rows = sum(month.rows for month in self.months.values())
        if self.metric == PRIMARY["regression"]:
            return math.sqrt(sum(month.rows * month.loss**2 for month in self.months.values()) / rows)
        return sum(month.rows * month.loss for month in self.months.values()) / rows

    def to_json(self) -> dict[str, Any]:
        """For a file of figures."""
        months = {name: asdict(month) for name, month in self.months.items()}
        return {"title": self.title, "metric": self.metric, "year": self.loss, "months": months}


def play(data: DataSet, year: Year, policies: Mapping[str, Policy]) -> dict[str, Course]:
    """The course of each policy through the months after the first model."""
    kind: Kind = data.contract.kind
    courses = {name: Course(policy.title, PRIMARY[kind]) for name, policy in policies.items()}
    for month in data.served:
        asked = labelled(data, year.asked(data, month), [month])
        once = np.ones((1, len(asked.target)))
        for name, policy in policies.items():
            loss = float(primary_loss(kind, asked.target, policy.answer(asked.columns), once)[0])
            event = policy.month_ended(month) if month != data.served[-1] else ""
            courses[name].months[month] = Month(len(asked.target), loss, event)
    return courses
