from __future__ import annotations

import datetime
import decimal
import math

import numpy as np
import pyarrow as pa
import pytest
from modelyard.errors import ContractError
from modelyard.training.data.validate import validate
from modelyard.training.draft.guess import guess_contract
from modelyard.training.draft.roles import Roles
from modelyard.training.draft.times import periods_of
from modelyard.training.draft.types import typed

ROWS = 60
DAYS = [datetime.datetime(2013, 1, 1) + datetime.timedelta(days=5 * place) for place in range(ROWS)]
TABLE = pa.table({"size": [place / 2 for place in range(ROWS)], "price": [place + 0.5 for place in range(ROWS)]})


def guess(table: pa.Table, **roles):
    return guess_contract(table, "trips", "me", Roles(**roles))


def one(values: list | pa.Array, name: str = "x", **roles):
    """What is guessed of one column beside two plain ones."""
    given = values if isinstance(values, pa.Array) else pa.array(values)
    return guess(TABLE.add_column(0, name, given), **roles).columns[name]


def repeated(*values: object) -> list:
    return [values[place % len(values)] for place in range(ROWS)]


@pytest.mark.parametrize(
    "values",
    [
        pa.array(repeated(1, 2, None), pa.int8()),
        pa.array(repeated(1.0, math.nan)),
        pa.array([None] * ROWS, pa.float64()),
        pa.array([math.nan] * ROWS),
        pa.array([None] * ROWS, pa.string()),
        pa.nulls(ROWS),
        pa.array(repeated("NO", "9E", "1e5", "null", "~", "on", None)),
        pa.array(repeated("a", "b")).dictionary_encode(),
        pa.array(repeated("a", "b"), pa.large_string()),
        pa.array([decimal.Decimal(place) / 4 for place in range(ROWS)]),
        pa.array(repeated(decimal.Decimal(3), decimal.Decimal(4))),
        pa.array([f"text {place}" for place in range(ROWS)]),
        pa.array(DAYS, pa.timestamp("ns")),
        pa.array(DAYS, pa.timestamp("us", "Europe/Berlin")),
        pa.array([day.date() for day in DAYS]),
        pa.array([day.isoformat() for day in DAYS]),
        pa.array([f"{day.isoformat()}.123456789" for day in DAYS]),
        pa.array([np.datetime64(day, "ns") + np.timedelta64(1, "ns") for day in DAYS]),
        pa.array(repeated(True, False, None)),
        pa.array([0] * ROWS),
        pa.array([-3.5] * ROWS),
        pa.array(repeated(-1e300, 1e300)),
        pa.array(repeated("somebody@example.org", "someone@example.org")),
    ],
    ids=lambda values: str(values.type) if isinstance(values, pa.Array) else None,
)
def test_the_table_keeps_the_contract_that_is_guessed_from_it(values):
    table = TABLE.add_column(0, "x", values)
    assert validate(table, guess(table), "data").num_rows == ROWS


@pytest.mark.parametrize(
    ("values", "low", "high"),
    [
        ([*range(10, 70)], 0, 100),
        ([place - 30 for place in range(ROWS)], -60, 60),
        ([place / 100 for place in range(ROWS)], 0.0, 0.9),
        ([1000.0 + place for place in range(ROWS)], 970.0, 1090.0),
        ([2459945.5 + place / 1000 for place in range(ROWS)], 2459945.47, 2459945.59),
        ([1700000000.25 + place for place in range(ROWS)], 1699999970.0, 1700000090.0),
        ([1e-320 * place for place in range(ROWS)], 0.0, 9e-319),
        ([-1.7e308, 1.7e308] * (ROWS // 2), -1.7976931348623157e308, 1.7976931348623157e308),
        ([2**53 - ROWS + place for place in range(ROWS)], 9007199254740900, 2**53),
        ([7] * ROWS, 0, 14),
        ([0] * ROWS, 0, 1),
        ([None, *range(59)], 0, 90),
    ],
)
def test_a_range_is_half_as_wide_again_and_never_newly_negative(values, low, high):
    guessed = one(values)
    assert (guessed.minimum, guessed.maximum) == (low, high)
    assert type(guessed.minimum) is type(low)


@pytest.mark.parametrize(
    ("values", "kind", "role", "categories"),
    [
        (repeated("b", "a", None), "string", "feature", ["a", "b"]),
        ([f"text {place}" for place in range(ROWS)], "string", "unused", None),
        ([None] * ROWS, "string", "unused", None),
        (repeated(True, False), "boolean", "feature", None),
        (repeated(1, 2), "integer", "feature", None),
        (repeated(1.5, None), "number", "feature", None),
        (repeated("a@b.org", "c@d.org"), "string", "unused", None),
    ],
)
def test_a_column_gets_the_narrowest_type_and_the_role_that_fits(values, kind, role, categories):
    guessed = one(values)
    assert (guessed.type, guessed.role, guessed.values) == (kind, role, categories)
    assert guessed.missing == (None in values)


def often(count: int, rare: int) -> list[str]:
    """A text with so many values in 20 rows each, and as many in one."""
    return [f"often {place % count:03}" for place in range(20 * count)] + [f"rare {place}" for place in range(rare)]


@pytest.mark.parametrize(
    ("values", "listed", "other"),
    [
        (often(40, 30), 40, True),
        (often(300, 1), 254, True),  # as many as histogram gradient boosting takes beside the others
        (often(255, 0), 254, True),
        (often(150, 0), 150, False),  # none is rare, so the list seems complete
        (often(12, 8), 20, False),  # a short list is one of its own kind
        (often(1, 300), None, False),  # one value only comes often
        (often(4, 900), None, False),  # notes, a few of which come again
        ([f"{1 + place % 12:02}/{1 + place % 11:02}/2013" for place in range(3000)] + ["01/12/2013"], None, False),
    ],
)
def test_an_open_list_has_the_values_that_come_often(values, listed, other):
    table = pa.table({"x": values, "size": np.arange(len(values)) / 2, "price": np.arange(len(values)) + 0.5})
    guessed = guess(table).columns["x"]
    assert (guessed.values and len(guessed.values), guessed.other) == (listed, other)
    assert guessed.role == ("feature" if listed else "unused")


@pytest.mark.parametrize("name", ["email", "phone", "surname", "birth date"])
def test_what_looks_personal_is_marked_and_not_used(name):
    guessed = one(repeated("a", "b"), name)
    assert (guessed.role, guessed.pii) == ("unused", True)


@pytest.mark.parametrize("name", ["target", "Label", "CLASS", "outcome", "y"])
def test_a_column_with_a_targets_name_is_the_target(name):
    assert guess(TABLE.add_column(0, name, pa.array(repeated(0.1, 0.2)))).target == name


def test_else_the_last_column_is_the_target():
    assert guess(TABLE).target == "price"


def test_the_target_that_is_named_is_the_target():
    assert guess(TABLE, target="size").target == "size"


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (repeated(True, False), "binary"),
        (repeated(0, 1), "binary"),
        (repeated(0.0, 1.0, None), "binary"),
        (repeated("yes", "no"), "binary"),
        (repeated("a", "b", "c"), "multiclass"),
        (list(range(ROWS)), "regression"),
        ([place / 7 for place in range(ROWS)], "regression"),
    ],
)
def test_the_targets_values_say_what_the_task_is(values, kind):
    assert guess(TABLE.append_column("target", pa.array(values))).kind == kind


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (["same"] * ROWS, r"is always 'same' in \d+ rows, so there is nothing to learn"),
        ([2.5] * ROWS, r"is always 2\.5 in"),
        ([True, *[None] * (ROWS - 1)], r"is only True in"),
        ([f"text {place}" for place in range(ROWS)], r"has type string and \d+ different values, not 2 to 20"),
        (DAYS, r"has \d+ different times, and a model predicts a number or a class: put a number in their place"),
        ([None] * ROWS, r"has no value in \d+ rows"),
        (pa.nulls(ROWS, pa.float64()), r"has no value in \d+ rows"),
    ],
)
def test_a_target_that_cannot_be_predicted_is_told(values, told):
    given = values if isinstance(values, pa.Array) else pa.array(values)
    with pytest.raises(ContractError, match=rf"the target 'target' {told}.*, or name another with TARGET="):
        guess(TABLE.append_column("target", given))


def test_a_target_with_many_rare_classes_is_told_what_to_do():
    species = pa.array([f"species {min(place, 30)}" for place in range(ROWS)])
    with pytest.raises(
        ContractError, match=r"'species' has type string and 31 different.*, not 2 to 20; put rare ones"
    ):
        guess(TABLE.append_column("species", species), target="species")


def test_the_first_column_of_times_without_gaps_is_the_time():
    gaps = pa.array([None, *DAYS[1:]], pa.timestamp("us"))
    few = pa.array([DAYS[0]] * ROWS, pa.timestamp("us"))
    table = TABLE.add_column(0, "end", pa.array(DAYS)).add_column(0, "gaps", gaps).add_column(0, "few", few)
    contract = guess(table)
    assert contract.time == "end"
    assert contract.columns["end"].ascending
    assert {contract.columns[name].role for name in ("gaps", "few")} == {"feature"}


def test_times_out_of_order_are_not_said_to_ascend():
    assert not one(DAYS[::-1]).ascending


@pytest.mark.parametrize(
    "name",
    ["id", "row_id", "Order No", "uuid", "Unnamed: 0", "index", "rownames", "row.names", "PassengerId", "customerID"],
)
def test_a_column_that_names_each_row_is_the_id(name):
    assert one([*range(ROWS)], name).role == "id"


@pytest.mark.parametrize(
    ("name", "values"),
    [("id", repeated(1, 2)), ("valid", [*range(ROWS)]), ("PIANO", [*range(ROWS)]), ("id", [None, *range(ROWS - 1)])],
)
def test_a_column_that_does_not_name_each_row_is_no_id(name, values):
    assert one(values, name).role != "id"


def test_roles_that_a_person_gave_are_taken():
    table = TABLE.append_column("when", pa.array(DAYS)).append_column("key", pa.array([*range(ROWS)]))
    contract = guess(table, target="size", time="when", ids=["key"])
    assert (contract.target, contract.time, list(contract.named("id"))) == ("size", "when", ["key"])


@pytest.mark.parametrize("role", [{"target": "x"}, {"time": "x"}, {"ids": ["x"]}])
def test_a_role_for_a_column_that_is_not_there_is_told(role):
    with pytest.raises(ContractError, match=r"no column ' Price'; did you mean 'price'.*it has: 'size', 'price'"):
        guess(TABLE, target=" Price")
    with pytest.raises(ContractError, match="no column 'pirce'; did you mean 'price'"):
        guess(TABLE, target="pirce")
    with pytest.raises(ContractError, match="the source has no column 'x'; it has: 'size', 'price'"):
        guess(TABLE, **role)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (TABLE.slice(0, 0), "the source has no rows"),
        (TABLE.select(["price"]), "no column is left from which .price. could be predicted"),
        (TABLE.append_column("size", TABLE["size"]), "the source has the column 'size' twice"),
        (TABLE.add_column(0, "x", pa.array([[1]] * ROWS)), r"a contract has no type for x \(list<"),
        (TABLE.add_column(0, "x", pa.array([b"1"] * ROWS)), r"a contract has no type for x \(binary\)"),
    ],
)
def test_a_table_that_no_contract_fits_is_told(table, message):
    with pytest.raises(ContractError, match=message):
        guess(table)


def test_slices_are_the_categories_with_the_fewest_values():
    table = TABLE
    for name, count in {"a": 9, "b": 2, "c": 5}.items():
        table = table.add_column(0, name, pa.array(repeated(*map(str, range(count)))))
    assert guess(table).slices == ["b", "c"]


@pytest.mark.parametrize(
    ("apart", "count", "period"),
    [(5, 60, "month"), (1, 30, "day"), (400, 60, "month"), (150, 80, "month"), (30, 600, "year")],
)
def test_the_period_cuts_the_times_into_enough_parts(apart, count, period):
    times = [datetime.datetime(1800, 1, 1) + datetime.timedelta(days=apart * place) for place in range(count)]
    found, periods = periods_of(pa.chunked_array([times]))
    assert found == period
    assert periods == sorted(set(periods))
    assert len(periods) >= 4


def test_too_few_days_to_hold_any_out_are_told():
    with pytest.raises(ContractError, match="the times lie in fewer than 4 days"):
        periods_of(pa.chunked_array([[datetime.datetime(2013, 1, 1, hour) for hour in range(24)]]))


@pytest.mark.parametrize(
    "written",
    [
        "%d.%m.%Y",
        "%m/%d/%Y",
        "%d/%m/%Y %H:%M",
        "%Y/%m/%d %H:%M:%S",
        "%d-%m-%Y",
        "%m-%d-%Y %H:%M",
        "%b %d %Y",
        "%m/%d/%Y %I:%M %p",
        "%d-%b-%y",
        "%B %d, %Y",
        "%a, %d %b %Y %H:%M:%S",
        "%d.%m.%y",
    ],
)
def test_times_written_in_one_way_only_get_its_format(written):
    table = TABLE.add_column(0, "x", pa.array([day.strftime(written) for day in DAYS]))
    contract = guess(table)
    assert (contract.time, contract.columns["x"].format) == ("x", written)
    assert [time.date() for time in validate(table, contract, "data")["x"].to_pylist()] == [day.date() for day in DAYS]


def test_days_that_could_be_months_are_not_guessed():
    table = TABLE.add_column(
        0, "x", pa.array([f"{1 + place % 12:02}/{1 + place // 5:02}/2013" for place in range(ROWS)])
    )
    contract = guess(table)
    assert (contract.time, contract.columns["x"].type) == (None, "string")


def test_typed_columns_are_plain():
    table = pa.table(
        {
            "decimals": [decimal.Decimal("1.0")],
            "small": pa.array([1], pa.uint8()),
            "day": ["2013-01-01"],
            "zoned": ["2013-06-01T00:00:00+01:00"],
            "text": ["2013"],
            "nothing": pa.nulls(1),
        }
    )
    kinds = ["int64", "int64", "timestamp[us]", "timestamp[us]", "string", "string"]
    converted = typed(table, "Europe/Berlin")
    assert [str(kind) for kind in converted.schema.types] == kinds
    assert converted["zoned"].to_pylist() == [datetime.datetime(2013, 6, 1, 1)]


@pytest.mark.parametrize("step", [1e-9, 1e-3, 0.25, 7, 1e6])
@pytest.mark.parametrize("start", [0.0, -3.3, 2459945.5, 1.7e9, -9e15, 1e300])
def test_a_drafted_range_holds_every_value(start, step):
    values = [start + place * step for place in range(ROWS)]
    guessed = one(values)
    assert guessed.minimum <= min(values)
    assert guessed.maximum >= max(values)


@pytest.mark.parametrize(
    ("values", "low", "high"),
    [
        (DAYS, "2012-01-01", "2023-12-31"),
        ([f"{day.year + 20}-03-01" for day in DAYS], "2033-01-01", "2043-12-31"),
        ([datetime.datetime(1900 + place, 1, 1) for place in range(ROWS)], "1870-01-01", "1989-12-31"),
        ([datetime.datetime(1, 1, 1), datetime.datetime(9999, 12, 31)] * (ROWS // 2), "0001-01-01", "9999-12-31"),
    ],
)
@pytest.mark.parametrize("role", ["time", "feature"])
def test_times_have_a_range_of_whole_years_and_years_to_come(values, low, high, role):
    roles = {"time": "x"} if role == "time" else {}
    table = TABLE.add_column(0, "x", pa.array(values)).add_column(0, "day", pa.array(DAYS))
    guessed = guess(table, **roles).columns["x"]
    assert (guessed.role, guessed.minimum, guessed.maximum) == (role, low, high)


HOURS = [datetime.datetime(2013, 3, 4) + datetime.timedelta(hours=place) for place in range(ROWS)]


@pytest.mark.parametrize(
    ("values", "calendar"),
    [
        (HOURS, ["hour", "weekday", "day_of_year", "elapsed"]),
        ([datetime.datetime(2000 + place, 5, 6) for place in range(ROWS)], ["year"]),
        (
            [datetime.datetime(2000 + place // 12, 1 + place % 12, 9) for place in range(ROWS)],
            ["month", "year", "elapsed"],
        ),
        ([datetime.datetime(2013, 3, 4)] * ROWS, None),
    ],
)
def test_a_timestamp_becomes_what_varies_in_it(values, calendar):
    table = TABLE.add_column(0, "x", pa.array(values)).add_column(0, "day", pa.array(DAYS))
    assert guess(table, time="day").columns["x"].calendar == calendar


@pytest.mark.parametrize(
    ("days", "calendar"),
    [(5, ["weekday"]), (6.2, ["weekday", "month", "day_of_year", "year", "elapsed"])],
    ids=["ten months", "a year and a week"],
)
def test_a_time_becomes_season_and_trend_where_a_month_comes_twice(days, calendar):
    first = datetime.datetime(2013, 3, 1)
    times = [first + datetime.timedelta(days=int(days * place)) for place in range(ROWS)]
    guessed = guess(TABLE.add_column(0, "x", pa.array(times)), time="x").columns["x"]
    assert guessed.calendar == calendar


OFFSETS = pa.array([f"{day.isoformat()}+02:00" for day in DAYS])


@pytest.mark.parametrize(
    "values",
    [
        OFFSETS,
        pa.array([f"{day.isoformat()}{'Z' if day.day % 2 else ''}" for day in DAYS]),
        pa.array(DAYS, pa.timestamp("us", "UTC")),
        pa.array(DAYS, pa.timestamp("ns", "+02:00")),
    ],
)
def test_times_with_an_offset_are_drafted_with_a_timezone_alone(values):
    with pytest.raises(ContractError, match=r"the column 'x' has times with an offset from UTC.*--timezone"):
        one(values)
    table = TABLE.add_column(0, "x", values)
    contract = guess(table, timezone="Asia/Tokyo")
    assert contract.columns["x"].timezone == "Asia/Tokyo"
    assert validate(table, contract, "data").num_rows == ROWS


def test_a_zone_that_the_type_of_the_times_names_is_theirs():
    assert one(pa.array(DAYS, pa.timestamp("us", "Europe/Berlin"))).timezone == "Europe/Berlin"


def test_a_timezone_that_does_not_exist_is_told():
    with pytest.raises(ContractError, match="knows no timezone 'Berlin'"):
        one(OFFSETS, timezone="Berlin")


@pytest.mark.parametrize(
    "values",
    [
        [2**53 + 1 + place for place in range(ROWS)],
        [-(2**60) - place for place in range(ROWS)],
        pa.array([2**63 + place for place in range(ROWS)], pa.uint64()),
        [decimal.Decimal(2**70 + place) for place in range(ROWS)],
    ],
)
@pytest.mark.parametrize("role", ["feature", "target"])
def test_whole_numbers_that_a_model_cannot_tell_apart_are_refused_by_name(values, role):
    with pytest.raises(ContractError, match=r"the column 'x' has whole numbers beyond 2\^53, such as -?\d{16,}, which"):
        one(values, **({"target": "x"} if role == "target" else {}))


def test_whole_numbers_of_any_size_may_name_the_row():
    assert one([2**60 + place for place in range(ROWS)], ids=["x"]).type == "integer"
    with pytest.raises(ContractError, match=r"the id 'x' has whole numbers beyond 2\^63"):
        one(pa.array([2**63 + place for place in range(ROWS)], pa.uint64()), ids=["x"])


def test_a_few_large_numbers_may_be_classes():
    assert one([2**60, 2**60 + 1] * (ROWS // 2), target="x").values == [2**60, 2**60 + 1]


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())])
def test_the_format_of_dates_is_drafted_however_the_text_is_held(kind):
    days = pa.chunked_array([pa.array([f"2012/01/{day:02}" for day in range(1, 31)]).cast(kind)])
    table = pa.table({"day": days, "x": pa.array(range(30)), "y": pa.array([0, 1] * 15)})
    assert guess_contract(table, "days", "me", Roles("y", "day")).columns["day"].format == "%Y/%m/%d"


@pytest.mark.parametrize(
    ("values", "form"),
    [
        ([20130101 + 100 * (place % 12) for place in range(ROWS)], "%Y%m%d"),
        ([float(20130101 + place % 28) for place in range(ROWS)], "%Y%m%d"),
        ([f"2013{1 + place % 12:02}15" for place in range(ROWS)], "%Y%m%d"),
        ([201301 + place % 12 for place in range(ROWS)], "%Y%m"),
        ([1950 + place for place in range(ROWS)], "%Y"),
        ([1950 + place / 12 for place in range(ROWS)], "decimal_year"),
        ([41275 + place for place in range(ROWS)], "excel"),
        ([1356998400 + 86400 * place for place in range(ROWS)], "epoch_s"),
        ([1356998400123 + 86400000 * place for place in range(ROWS)], "epoch_ms"),
    ],
)
def test_a_column_that_is_called_the_time_may_be_numbers(values, form):
    table = TABLE.add_column(0, "x", pa.array(values))
    contract = guess(table, time="x")
    assert contract.columns["x"].format == form
    assert contract.columns["x"].role == "time"
    years = {time.year for time in validate(table, contract, "data")["x"].to_pylist()}
    assert min(years) in (1950, 2013)
    assert guess(table).time is None
