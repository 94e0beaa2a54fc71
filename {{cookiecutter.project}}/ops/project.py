"""The one file of ops that knows the package's name."""

from flight_delays.contract import STRICT, Contract, ContractError
from flight_delays.pipeline import layout
from flight_delays.pipeline.metrics import HIGHER_IS_BETTER, PRIMARY
from flight_delays.pipeline.settings import parse, read_contract, read_yaml
from flight_delays.pipeline.table import markdown_table

__all__ = [
    "HIGHER_IS_BETTER",
    "PRIMARY",
    "STRICT",
    "Contract",
    "ContractError",
    "layout",
    "markdown_table",
    "parse",
    "read_contract",
    "read_yaml",
]
