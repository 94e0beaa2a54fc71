"""The verb `retrain`: what has arrived is checked, and the watermark is moved to it, or nothing is written."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest
from library.shop import SHOP, Change, always, first_half, merged, month, name, put, times
from modelyard.errors import YardError
from modelyard.production.retrain import main
from modelyard.training.edit import edit_yaml
from modelyard.training.ingest import ingest
from modelyard.training.settings import read_contract, read_params
from sample import SAMPLE

from flight_delays import project as flights_project

TAKEN = 6  # months up to the watermark


@dataclass(frozen=True)
class Shop:
    """A project whose source has a file a month."""

    root: Path

    @property
    def params(self) -> bytes:
        """params.yaml."""
        return (self.root / "params.yaml").read_bytes()

    def arrive(self, number: int, change: Change = lambda table: table) -> None:
        """Put a month's file at the source."""
        (self.root / "source").mkdir(exist_ok=True)
        pyarrow.parquet.write_table(change(month(number)), self.root / f"source/{name(number)}.parquet")

    def retrain(self, *arguments: str) -> dict[str, Any]:
        """Run the verb; what it reports."""
        main(arguments, flights_project)
        return self.report()

    def report(self) -> dict[str, Any]:
        """What the verb reported last."""
        content: dict[str, Any] = json.loads((self.root / "reports/retrain.json").read_text())
        return content

    def stopped(self, *arguments: str) -> tuple[str, list[dict[str, Any]]]:
        """Run the verb, which finds something implausible and changes nothing: its message and what it reports."""
        before = self.params
        with pytest.raises(YardError) as stopped:
            main(arguments, flights_project)
        assert self.params == before
        content = self.report()
        assert (content["changed"], content["new"]) == (False, content["old"])
        return str(stopped.value), content["implausible"]


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that has taken the first months; it is shared, so it is not to be changed."""
    root = tmp_path_factory.mktemp("retrain") / "shop"
    root.mkdir()
    (root / "contract.yaml").write_text(SHOP.to_json())
    for file in ("params.yaml", "policy.yaml"):
        shutil.copyfile(SAMPLE / file, root / file)
    edit_yaml(
        root / "params.yaml", {"source": {"kind": "files", "path": "source/*.parquet"}, "watermark": name(TAKEN - 1)}
    )
    edit_yaml(root / "policy.yaml", {"monitor": {"store": "store"}})
    for number in range(TAKEN):
        Shop(root).arrive(number)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        ingest(Path(), read_contract(), read_params())
    return root


@pytest.fixture
def shop(taken: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    """A project of one's own, in its folder."""
    shutil.copytree(taken, tmp_path / "shop")
    monkeypatch.chdir(tmp_path / "shop")
    return Shop(tmp_path / "shop")


def test_a_new_period_moves_the_watermark_and_names_the_cause(shop, capsys):
    shop.arrive(TAKEN)
    shop.arrive(TAKEN + 1)
    before = shop.params.decode().splitlines()
    report = shop.retrain("--cause", "drift", "--reason", "drift of warmth")
    assert report == {
        "format": 1, "cause": "drift", "reason": "drift of warmth", "old": "2013-06", "new": "2013-08",
        "periods": ["2013-07", "2013-08"], "changed": True, "implausible": [], "waiting": [], "unchecked": None,
        "tune": False,
    }  # fmt: skip
    changed = [line for line in shop.params.decode().splitlines() if line not in before]
    assert [line.partition(" #")[0] for line in changed] == ['watermark: "2013-08"', "cause: drift"]
    assert "make the model with `make pipeline`" in capsys.readouterr().out
    assert read_params().watermark == "2013-08"


def test_without_a_cause_it_is_by_hand(shop):
    shop.arrive(TAKEN)
    assert shop.retrain()["cause"] == read_params().cause == "by_hand"


def test_with_nothing_new_nothing_is_changed(shop, capsys):
    before = shop.params
    report = shop.retrain("--cause", "schedule")
    assert (report["changed"], report["periods"], report["new"]) == (False, [], "2013-06")
    assert shop.params == before
    assert "nothing new after 2013-06; nothing was changed" in capsys.readouterr().out


@pytest.mark.parametrize("here", [True, False], ids=["taken here", "fresh clone"])
def test_an_implausible_period_stops_all_and_is_named(shop, here, capsys):
    if not here:
        shutil.rmtree(shop.root / "data/periods")
        (shop.root / "data/.seen.json").unlink()
    shop.arrive(TAKEN, put("returned", always(False)))
    shop.arrive(TAKEN + 1)
    message, (odd,) = shop.stopped("--cause", "data")
    assert (odd["key"], odd["period"], odd["subject"], odd["acceptable"]) == (
        "data:2013-07",
        "2013-07",
        "returned",
        True,
    )
    assert odd["summary"].startswith("2013-07 is not plausible: returned: all ")
    assert odd["lines"] == [odd["summary"].partition("plausible: ")[2]]
    assert f"2013-07: {odd['lines'][0]}" in message
    assert "make retrain ARGS='--accept 2013-07', and commit params.yaml" in message
    assert shop.retrain("--cause", "data", "--report")["implausible"] == [odd]
    assert message in capsys.readouterr().out


def test_a_person_accepts_a_period_in_a_file_that_git_keeps(shop, capsys):
    shop.arrive(TAKEN, put("way", times(1.609344)))
    shop.stopped()
    main(["--accept", "2013-07"], flights_project)
    assert "accepted: 2013-07; commit it" in capsys.readouterr().out
    assert (read_params().accepted, read_params().watermark) == (["2013-07"], "2013-06")
    report = shop.retrain("--cause", "data")
    assert (report["new"], report["implausible"]) == ("2013-07", [])
    assert read_params().accepted == ["2013-07"]


def test_an_acceptance_with_a_cause_is_written_only_if_the_rest_is_plausible(shop):
    shop.arrive(TAKEN, put("way", times(1.609344)))
    shop.arrive(TAKEN + 1, first_half)
    _, (odd,) = shop.stopped("--cause", "by_hand", "--accept", "2013-07")
    assert odd["period"] == "2013-08"
    report = shop.retrain("--cause", "by_hand", "--accept", "2013-07", "--accept", "2013-08")
    assert (report["changed"], read_params().accepted) == (True, ["2013-07", "2013-08"])


@pytest.mark.parametrize(
    ("period", "message"),
    [
        ("July", "--accept is 'July': a month such as \"2013-12\" is expected"),
        ("2013-06", "it was taken already, the watermark is 2013-06; if its rows changed at the source"),
    ],
)
def test_only_a_later_period_is_accepted(shop, period, message):
    before = shop.params
    with pytest.raises(YardError, match=message):
        main(["--accept", period], flights_project)
    assert shop.params == before


def test_a_period_that_breaks_the_contract_is_named_and_cannot_be_accepted(shop):
    shop.arrive(TAKEN, put("shop", merged("west", "West")))
    message, (odd,) = shop.stopped("--cause", "data", "--accept", "2013-07")
    assert (odd["subject"], odd["acceptable"]) == ("shop", False)
    assert "'West'" in odd["lines"][0]
    assert "(breaks the contract)" in odd["summary"]
    assert "--accept" not in message
    assert "change contract.yaml" in message


def test_the_same_id_in_a_new_period_breaks_the_contract(shop):
    shop.arrive(TAKEN, lambda table: pa.concat_tables([table, table.slice(0, 5)]))
    _, (odd,) = shop.stopped()
    assert odd["subject"] == "sale"


# Labels come late


def half_missing(labels: pa.ChunkedArray) -> pa.ChunkedArray:
    half = len(labels) // 2
    return pa.chunked_array([*labels.slice(0, half).chunks, pa.nulls(len(labels) - half, labels.type)])


def test_a_period_without_labels_waits(shop):
    shop.arrive(TAKEN)
    shop.arrive(TAKEN + 1, put("returned", always(None)))
    report = shop.retrain()
    assert (report["new"], report["periods"]) == ("2013-07", ["2013-07"])
    (waiting,) = report["waiting"]
    assert waiting.startswith("2013-08: not taken yet, none of ")


def test_a_period_without_labels_before_one_with_labels_is_a_fault(shop):
    shop.arrive(TAKEN, put("returned", always(None)))
    shop.arrive(TAKEN + 1)
    _, (odd,) = shop.stopped()
    assert (odd["period"], odd["subject"]) == ("2013-07", "returned")
    assert "not one label among" in odd["summary"]


def test_a_period_with_few_labels_waits_as_long_as_they_may_come(shop):
    shop.arrive(TAKEN, put("returned", half_missing))
    report = shop.retrain("--until", "2013-08-04")
    assert (report["changed"], report["periods"]) == (False, [])
    assert "rows have a returned, usually 97." in report["waiting"][0]
    assert "until 2013-08-08" in report["waiting"][0]
    _, (odd,) = shop.stopped("--until", "2013-08-08")
    assert odd["lines"][0].startswith("returned: ")
    assert "% missing, " in odd["lines"][0]


def test_a_period_that_is_not_over_waits(shop):
    shop.arrive(TAKEN, first_half)
    report = shop.retrain("--until", "2013-07-31T23:59")
    assert (report["changed"], report["waiting"]) == (False, ["2013-07: not taken yet, it ends on 2013-07-31"])
    _, (odd,) = shop.stopped("--until", "2013-08-01")
    assert odd["lines"][0].startswith("rows: none from 2013-07-1")


# What is due


def due(shop: Shop, *arguments: str, causes: list[str] | None = None, monitor: dict | None = None) -> dict[str, Any]:
    if causes is not None:
        edit_yaml(shop.root / "policy.yaml", {"retrain": {"causes": causes}})
    if monitor is not None:
        (shop.root / "reports").mkdir(exist_ok=True)
        (shop.root / "reports/monitor.json").write_text(json.dumps({"format": 1, "retrain": monitor}))
    before = shop.params
    report = shop.retrain("--due", *arguments)
    assert shop.params == before
    return report


DRIFT = {"cause": "drift", "reason": "warmth drifted in 2 of 3 windows"}


def test_new_data_is_a_cause(shop):
    assert due(shop)["cause"] is None
    shop.arrive(TAKEN)
    report = due(shop)
    assert (report["cause"], report["periods"]) == ("data", ["2013-07"])
    assert report["reason"] == "new data has arrived: 2013-07"


def test_of_two_causes_one_is_named_and_both_are_reasons(shop):
    shop.arrive(TAKEN)
    report = due(shop, monitor=DRIFT)
    assert (report["cause"], report["reason"]) == ("drift", f"{DRIFT['reason']}; new data has arrived: 2013-07")


def test_a_cause_without_anything_new_is_none(shop):
    report = due(shop, monitor=DRIFT)
    assert report["cause"] is None
    assert report["reason"] == f"nothing new after 2013-06 to train on; {DRIFT['reason']}"


def test_a_cause_that_the_policy_does_not_name_is_none(shop):
    shop.arrive(TAKEN)
    assert due(shop, monitor=DRIFT, causes=["performance"])["cause"] is None
    assert due(shop, monitor=DRIFT | {"cause": "performance"})["cause"] == "performance"


def test_nothing_starts_by_itself_where_nothing_is_watched(shop):
    shop.arrive(TAKEN)
    edit_yaml(shop.root / "policy.yaml", {"monitor": {"store": None}})
    report = due(shop, monitor=DRIFT)
    assert report["cause"] is None
    assert "monitor.store is not set" in report["reason"]
    assert shop.retrain()["changed"]


def test_the_schedule_counts_from_the_last_move_of_the_watermark(shop):
    def git(*words: str) -> None:
        day = "2013-07-01T12:00:00+00:00"
        environment = {
            "GIT_AUTHOR_DATE": day,
            "GIT_COMMITTER_DATE": day,
            "PATH": "/usr/bin:/bin",
            "HOME": str(shop.root),
        }
        who = ["-c", "user.name=a", "-c", "user.email=a@b.invalid"]
        subprocess.run(["git", *who, *words], check=True, env=environment, capture_output=True)

    git("init", "-q")
    git("add", "params.yaml")
    git("commit", "-qm", "Take June")
    shop.arrive(TAKEN)
    assert due(shop, "--until", "2013-07-30", causes=["schedule"])["cause"] is None
    (shop.root / "params.yaml").write_bytes(shop.params.replace(b"seed: 2013", b"seed: 2014"))
    git("commit", "-qam", "Another seed")
    report = due(shop, "--until", "2013-08-01")
    assert report["cause"] == "schedule"
    assert report["reason"] == "the watermark was moved last on 2013-07-01, and is to be every 30 days"


def test_what_the_monitor_did_not_write_is_refused(shop):
    (shop.root / "reports").mkdir()
    (shop.root / "reports/monitor.json").write_text("{")
    with pytest.raises(YardError, match=r"reports/monitor\.json is not what `make monitor` writes"):
        main(["--due"], flights_project)


# Nothing is half done


def test_a_source_that_is_away_leaves_no_report_of_before(shop):
    shop.retrain()
    before = shop.params
    shutil.rmtree(shop.root / "source")
    with pytest.raises(YardError, match="source"):
        main([], flights_project)
    assert shop.params == before
    assert not (shop.root / "reports/retrain.json").exists()


def test_data_without_time_is_told_how_it_is_taken(shop):
    content = SHOP.to_json().replace('"role": "time"', '"role": "unused"')
    (shop.root / "contract.yaml").write_text(content)
    edit_yaml(shop.root / "params.yaml", {"watermark": None})
    with pytest.raises(YardError, match=r"take them with `make ingest ARGS='--accept all'`"):
        main([], flights_project)
    assert "cannot be told from old ones" in due(shop)["reason"]
