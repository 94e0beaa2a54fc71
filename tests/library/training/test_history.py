"""Features with history in the stages: what is trained on, and what happens to taken rows when records change."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet
import pytest
from library.history_shop import RECORDS, write_shop
from modelyard.errors import ContractError
from modelyard.training.data.periods import read_blocks, read_periods
from modelyard.training.edit import edit_yaml
from modelyard.training.feature_list import main as feature_list
from modelyard.training.ingest import ingest, main
from modelyard.training.layout import PERIODS
from modelyard.training.materialize import main as materialize
from modelyard.training.record_files import unwatched, watch_records

LATER = {"shop": ["north"], "amount_back": [7.5], "way_back": ["desk"]}


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """A shop with three months taken."""
    made = write_shop(tmp_path)
    monkeypatch.chdir(tmp_path)
    made.take()
    return made


def add_record(refunded: str, booked: str) -> None:
    table = pyarrow.parquet.read_table(RECORDS)
    times = {
        name: pa.array([text]).cast(pa.timestamp("us")) for name, text in (("refunded", refunded), ("booked", booked))
    }
    more = pa.table({**LATER, **times}).select(table.column_names)
    pyarrow.parquet.write_table(pa.concat_tables([table, more]), RECORDS)


def test_the_taken_rows_have_the_values_and_the_model_gets_them(shop):
    taken = read_periods(shop.root / PERIODS, ["2013-03"], ["refund_mean", "refunds", "last_way"])
    assert [str(kind) for kind in taken.schema.types] == ["double", "int64", "string"]
    assert all(0 < column.null_count < 400 for column in (taken["refund_mean"], taken["last_way"]))
    assert taken["refunds"].null_count == 0
    shop.make()
    predictor = shop.project.predictor(shop.root / "bundle")
    assert list(predictor.contract.features) == ["refund_mean", "refunds", "last_way"]
    assert "refund_mean" in predictor.manifest["training"]["features"]


def test_a_record_that_becomes_known_after_the_rows_changes_none_of_them(shop):
    add_record("2013-03-02 10:00", "2013-04-20 10:00")
    assert shop.take()[0].startswith("periods taken: 0 ")


def test_a_record_that_is_added_to_the_past_is_a_change_at_the_source(shop):
    add_record("2013-03-02 10:00", "2013-03-02 11:00")
    with pytest.raises(ContractError, match=r"2013-03"):
        shop.take()


def test_another_definition_takes_all_rows_again(shop):
    edit_yaml(shop.root / "contract.yaml", {"features": {"refund_mean": {"window": "3d"}}})
    assert shop.take()[0].startswith("periods taken: 3 ")


def test_a_value_that_breaks_the_range_of_the_feature_is_refused(shop):
    edit_yaml(shop.root / "contract.yaml", {"features": {"refund_mean": {"maximum": 1}}})
    with pytest.raises(ContractError, match="refund_mean: must be at most 1"):
        shop.take()


def test_a_pipeline_that_would_not_notice_new_records_is_refused_until_it_depends_on_them(shop):
    assert unwatched(shop.contract, shop.root) == [RECORDS]
    with pytest.raises(ContractError, match=r"stages.ingest.deps lacks rows/refunds.parquet, .* run `make features`"):
        main([], shop.project)
    assert watch_records(shop.contract, shop.root) == [RECORDS]
    assert unwatched(shop.contract, shop.root) == watch_records(shop.contract, shop.root) == []
    main([], shop.project)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"source": "rows/none*.parquet"}, r"features.refunds: source rows/none\*.parquet matches no file"),
        ({"known_at": "when"}, r"has no column 'when'; it has shop, "),
    ],
)
def test_a_list_that_cannot_be_made_changes_nothing(shop, change, told):
    before = (shop.root / "dvc.yaml").read_text()
    edit_yaml(shop.root / "contract.yaml", {"features": {"refunds": change}})
    with pytest.raises(ContractError, match=told) as ended:
        feature_list([], shop.project)
    assert str(ended.value).count("source ") == 1
    assert (shop.root / "dvc.yaml").read_text() == before


def test_an_export_without_records_does_not_replace_a_store(shop):
    materialize(["--to", "online.sqlite"], shop.project)
    before = (shop.root / "online.sqlite").read_bytes()
    pyarrow.parquet.write_table(pyarrow.parquet.read_table(RECORDS).slice(0, 0), RECORDS)
    with pytest.raises(ContractError, match=r"features.refund_mean: source rows/refunds.parquet has no records, so "):
        materialize(["--to", "online.sqlite"], shop.project)
    assert (shop.root / "online.sqlite").read_bytes() == before


def test_a_regression_has_the_same_columns(tmp_path, monkeypatch):
    made = write_shop(tmp_path, months=3, is_paid=True)
    monkeypatch.chdir(tmp_path)
    assert ingest(made.root, made.contract, made.params)[0].startswith("periods taken: 2 ")
    assert made.contract.kind == "regression"
    assert made.contract.inputs.keys() >= made.contract.features.keys()


def test_the_list_says_who_uses_a_feature_and_how_fresh_it_is(shop, tmp_path, monkeypatch, capsys):
    other = tmp_path / "plain_model"
    other.mkdir()
    (other / "__init__.py").write_text("from modelyard import Project\nfrom .features import features\n"
                                       "project = Project(__name__, features)\n")  # fmt: skip
    (other / "features.py").write_text("def features(columns, contract):\n    return {'n': columns['refunds']}\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    feature_list([], shop.project)
    told = capsys.readouterr().out
    assert f"dvc.yaml: ingest depends on {RECORDS} from now on; commit it" in told
    lines = {line.split("`")[1]: line for line in told.splitlines() if line.startswith("| `")}
    assert list(lines) == ["refund_mean", "refunds", "last_way"]
    assert f"| {shop.project.name}, plain_model | 1,760 | 2013-" in lines["refunds"]
    assert f"| {shop.project.name} | 1,760 | 2013-" in lines["last_way"]
    assert lines["refunds"].endswith("| 0% |")
    assert unwatched(shop.contract, shop.root) == []


def test_features_are_listed_before_the_taken_rows_have_them(shop, capsys):
    folder = shop.root / PERIODS
    for path in folder.glob("*.parquet"):
        table = pyarrow.parquet.read_table(path)
        pyarrow.parquet.write_table(table.drop_columns(["refund_mean", "refunds"]), path)
    feature_list([], shop.project)
    lines = {line.split("`")[1]: line for line in capsys.readouterr().out.splitlines() if line.startswith("| `")}
    assert lines["refunds"].endswith("| 0% |")
    for path in folder.glob("*.parquet"):
        pyarrow.parquet.write_table(pyarrow.parquet.read_table(path).drop_columns(["shop"]), path)
    feature_list([], shop.project)
    lines = {line.split("`")[1]: line for line in capsys.readouterr().out.splitlines() if line.startswith("| `")}
    assert lines["refunds"].endswith("| - |")
    with pytest.raises(ContractError, match=r"2013-03.parquet was taken before contract.yaml had shop, refunds; "):
        read_periods(folder, ["2013-03"], ["at", "shop", "refunds"])
    with pytest.raises(ContractError, match=r"2013-03.parquet was taken before contract.yaml had refunds"):
        list(read_blocks(folder, "2013-03", ["at", "refunds"], 10))


def test_a_contract_without_features_is_told_so(tmp_path, monkeypatch, capsys):
    made = write_shop(tmp_path, months=2)
    edit_yaml(tmp_path / "contract.yaml", {"features": {}})
    text = (tmp_path / "contract.yaml").read_text()
    (tmp_path / "contract.yaml").write_text(text[: text.index("features:")] + text[text.index("columns:") :])
    monkeypatch.chdir(tmp_path)
    feature_list([], made.project)
    assert "contract.yaml defines none" in capsys.readouterr().out
