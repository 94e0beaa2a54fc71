"""The one file of ops that knows the package's name."""

from flight_delays.command import REFUSAL, without_pandas
from flight_delays.contract import STRICT, Contract, ContractError
from flight_delays.pipeline import layout
from flight_delays.pipeline.bootstrap import intervals, resample
from flight_delays.pipeline.bundle import bundle_sha256, sha256
from flight_delays.pipeline.dataset import (
    Rows,
    encode_table,
    encode_target,
    read_rows,
    split_rows,
)
from flight_delays.pipeline.edit import round_trip
from flight_delays.pipeline.evaluate import draw_groups
from flight_delays.pipeline.lineage import PACKAGE, SHARED, code
from flight_delays.pipeline.metrics import (
    HIGHER_IS_BETTER,
    PRIMARY,
    Decision,
    measure,
    primary_loss,
)
from flight_delays.pipeline.settings import (
    Evaluate,
    Params,
    Split,
    parse,
    read_contract,
    read_params,
    read_yaml,
)
from flight_delays.pipeline.table import markdown_table
from flight_delays.predictor import Model, Predictor

__all__ = [
    "HIGHER_IS_BETTER",
    "PACKAGE",
    "PRIMARY",
    "REFUSAL",
    "SHARED",
    "STRICT",
    "Contract",
    "ContractError",
    "Decision",
    "Evaluate",
    "Model",
    "Params",
    "Predictor",
    "Rows",
    "Split",
    "bundle_sha256",
    "code",
    "draw_groups",
    "encode_table",
    "encode_target",
    "intervals",
    "layout",
    "markdown_table",
    "measure",
    "parse",
    "primary_loss",
    "read_contract",
    "read_params",
    "read_rows",
    "read_yaml",
    "resample",
    "round_trip",
    "sha256",
    "split_rows",
    "without_pandas",
]
