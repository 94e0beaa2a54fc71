"""The options of a draft, and the roles that a person chose by them."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from ...errors import ContractError
from .roles import Roles


def parsed(arguments: Sequence[str], description: str) -> argparse.Namespace:
    """The options of the verb `draft`."""
    parser = argparse.ArgumentParser(
        prog="draft", description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("source", help="a path, glob or URL of CSV or Parquet; with --query the URL of a database")
    parser.add_argument("--query", help="the SQL query that gives the rows")
    parser.add_argument("--target", help="the column to predict (else: one called target, or the last)")
    parser.add_argument("--time", help="the column of the time (else: the first that has times)")
    parser.add_argument(
        "--format",
        action="append",
        default=[],
        metavar="COLUMN=FORMAT",
        help="how times or numbers are written: day=%%d/%%m/%%Y, price=1.234,5, stamp=epoch_s; may be repeated",
    )
    parser.add_argument("--id", action="append", help="a column that names the row; may be repeated")
    parser.add_argument(
        "--group", help="a column of entities, such as patients, whose rows a random split keeps together"
    )
    parser.add_argument(
        "--regression", action="store_true", help="the target is a quantity, whose few whole numbers seem to be classes"
    )
    parser.add_argument("--timezone", help="the zone of all times, such as Europe/Berlin; those with an offset need it")
    parser.add_argument(
        "--purpose", action="append", default=[], metavar="COLUMN=REASON", help="why personal data may be held"
    )
    parser.add_argument("--not-personal", action="append", default=[], metavar="COLUMN", help="whatever its name says")
    parser.add_argument(
        "--track", action="store_true", help="put the source's files under DVC, copied into the project if need be"
    )
    parser.add_argument("--force", action="store_true", help="overwrite settings that are not committed")
    return parser.parse_args(arguments)


def given_roles(options: argparse.Namespace) -> Roles:
    """The roles by these options. Raises ContractError if a purpose is not written as COLUMN=REASON."""
    return Roles(
        options.target,
        options.time,
        options.id,
        options.timezone,
        options.format,
        dict(map(_purpose, options.purpose)),
        options.not_personal,
        group=options.group,
        is_quantity=options.regression,
    )


def _purpose(text: str) -> tuple[str, str]:
    name, _, purpose = text.partition("=")
    if not purpose.strip():
        raise ContractError(f"--purpose {text}: COLUMN=REASON is expected, such as email='to answer the customer'")
    return name, purpose
