"""The one file of ops that knows the package's name."""

from {{cookiecutter.__package}}.contract import STRICT, Contract, ContractError
from {{cookiecutter.__package}}.pipeline import layout
from {{cookiecutter.__package}}.pipeline.metrics import HIGHER_IS_BETTER, PRIMARY
from {{cookiecutter.__package}}.pipeline.settings import parse, read_contract, read_yaml
from {{cookiecutter.__package}}.pipeline.table import markdown_table

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
