from __future__ import annotations

import subprocess
import sys

import pytest
from modelyard.errors import ContractError
from modelyard.runtime.contract import Column, Contract
from modelyard.serving.answers.split import TrafficSplit, canonical, place

CONTRACT = Contract(
    "flights",
    "flights",
    "me",
    {
        "customer_id": Column("string", "id", "whose"),
        "distance": Column("number", "feature", "how far"),
        "late": Column("boolean", "target", "whether"),
    },
)


def split(share, model="flights", key="customer_id"):
    return TrafficSplit(model, key, share, CONTRACT)


# They are part of what is promised: a release that changes one moves callers to another bundle
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("flights:ada", 0.8472296541674367),
        ("flights:12", 0.25199227279597114),
        ("flights:", 0.908030415921768),
        ("flights:Zoë ✈", 0.7059857095609565),
    ],
)
def test_the_place_of_a_key_never_changes(text, expected):
    assert place(text) == expected


def test_the_place_is_the_same_in_another_process():
    code = "from modelyard.serving.answers.split import place; print(place('flights:ada'))"
    for seed in ("1", "2"):
        told = subprocess.check_output([sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, text=True)
        assert float(told) == place("flights:ada")


def test_the_share_of_all_keys_goes_to_the_second_bundle():
    for share in (0.0, 0.1, 0.5, 1.0):
        taken = sum(split(share).takes(f"customer {number}") for number in range(10_000))
        assert taken == pytest.approx(10_000 * share, abs=4 * (10_000 * share * (1 - share)) ** 0.5)


def test_a_larger_share_keeps_whom_it_had():
    keys = [str(number) for number in range(2000)]
    small = {key for key in keys if split(0.1).takes(key)}
    assert small < {key for key in keys if split(0.3).takes(key)}


def test_two_models_split_independently():
    keys = [str(number) for number in range(4000)]
    both = sum(split(0.5).takes(key) and split(0.5, "trains").takes(key) for key in keys)
    assert both == pytest.approx(1000, abs=110)


def test_a_missing_key_stays_with_the_first_bundle():
    assert not split(1.0).takes(None)
    assert split(1.0).takes("")


@pytest.mark.parametrize(
    ("keys", "text"),
    [((12, 12.0, "12", b"12"), "12"), ((True, "true"), "true"), ((1.5, "1.5"), "1.5"), ((b"Zo\xeb", "Zoë"), "Zoë")],
)
def test_the_same_key_has_one_text_however_it_is_sent(keys, text):
    assert {canonical(key) for key in keys} == {text}


@pytest.mark.parametrize("key", [float("nan"), float("inf"), pytest.param(10**5000, id="large"), "\ud800", [1], {}])
def test_a_key_of_any_kind_has_a_place(key):
    assert split(1.0).takes(key)


def test_a_key_is_a_column_of_any_role_or_else_a_header():
    assert (split(0.5).column, split(0.5).header) == ("customer_id", None)
    made = split(0.5, key="X-Customer")
    assert (made.column, made.header) == (None, b"x-customer")


@pytest.mark.parametrize("key", ["custmer_id", "", "a b", "1x"])
def test_what_is_neither_column_nor_header_is_refused_with_the_columns(key):
    with pytest.raises(ContractError, match=r"models.flights.split.key: .* columns: customer_id, distance, late"):
        split(0.5, key=key)


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_share_that_is_none_is_refused(share):
    with pytest.raises(ContractError, match=r"models\.flights\.split\.share"):
        split(share)
