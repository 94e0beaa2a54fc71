"""Draft contract.yaml and the rest of the settings for a source of your own, to be corrected by you.

contract.yaml and the text of the model card are replaced; params.yaml, policy.yaml and dvc.yaml are adapted to the
data. Drafted again, they keep what a person wrote, as far as the data allows it. All of them are in Git, so
`git diff` shows the changes and `git checkout .` reverts them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from ...errors import ContractError
from ...git import NO_REPOSITORY, ask_git
from ...runtime.contract import Contract
from ...runtime.project import Project
from ..contract_schema import SCHEMA, schema_text
from ..data.sources.decisions import Decisions
from ..data.sources.files import FileSource
from ..data.validate import validate
from ..edit import edit_yaml
from ..layout import CARD
from ..settings import Params, SqlSettings, read_params
from ..tracked import told_of_new
from .address import database_address, file_address
from .command import arguments as as_args
from .guess import guess_contract
from .merge import changes, earlier, merged, owner_of, with_earlier
from .options import given_roles, parsed
from .parts import by_period, column_at_fault, fit_each, read_again, together
from .place import only_here, track
from .profile import write_profile
from .random_split import shown
from .roles import Roles
from .sizes import sized, told_turned, turned
from .split import fitted_split, resampled_by
from .staged import staged
from .told import decided, open_questions
from .types import typed_as
from .untrained import refuse_untrained
from .watched import inside_path, watched_paths
from .writing import NEUTRAL_CARD, watch, write_contract

WRITTEN = [Path("contract.yaml"), Path("params.yaml"), Path("policy.yaml"), Path("dvc.yaml"), CARD]


def draft(
    root: Path,
    table: pa.Table,
    source: dict[str, Any],
    roles: Roles,
    parts: Mapping[str, pa.Table] | None = None,
    check: Callable[[Contract, Params], None] | None = None,
) -> Contract:
    """Write the settings for this table of that source under `root`; return the contract.

    If the data is drafted again, what a person wrote in contract.yaml is kept where the data allows it, and with the
    same target and time the other settings are too.

    parts: the parts in which the source is read, by name; else the table is one, or one a period if it has a time.
    check: is given what is about to be written; else the table is validated.

    Raises ContractError, with nothing written, if no contract can be guessed, or if the data breaks the one guessed.
    """
    old = earlier(root, table)
    watched = watched_paths(source["path"], root) if source["kind"] == "files" else []
    try:
        roles = with_earlier(roles, old, table) if old else roles
        contract = guess_contract(table, root.resolve().name, owner_of(root), roles)
        contract = merged(contract, old, table, roles) if old else contract
        fitted = fitted_params(contract, table, source)
        pieces = list(parts.values()) if parts else by_period(table, contract, fitted.get("period", "month"))
        contract = fit_each(contract, pieces)
    except pa.ArrowException as error:
        raise ContractError(f"{column_at_fault(table)} that no contract can take: {error}") from None
    is_same_task = old is not None and all(
        getattr(old, what) == getattr(contract, what) for what in ("target", "time", "kind")
    )
    with staged(root, [*WRITTEN, SCHEMA]) as folder:
        (folder / SCHEMA).write_text(schema_text(), encoding="utf-8")
        write_contract(folder / "contract.yaml", contract, old is not None)
        if is_same_task:
            evaluate = read_params(folder / "params.yaml").evaluate
            edit_yaml(folder / "params.yaml", {"source": source, **turned(contract, table, evaluate)})
        else:
            edit_yaml(folder / "params.yaml", fitted)
            edit_yaml(folder / "policy.yaml", fitted_policy(contract))
            (folder / CARD).write_text(NEUTRAL_CARD, encoding="utf-8")
        watch(folder / "dvc.yaml", watched)
        params = read_params(folder / "params.yaml")
        if check:
            check(contract, params)
        else:
            validate(table, contract, "the source")
        refuse_untrained(contract, table, params, is_kept=is_same_task)
    return contract


def fitted_policy(contract: Contract) -> dict[str, Any]:
    """The changes to policy.yaml for this data: no bound in the unit of another target."""
    number = contract.kind == "regression"
    return {
        "floors": {},
        "champion": {"metric": None, "margin": 0.0 if number else 0.001},
        "slices": {"margin": 0.0 if number else 0.01},
        "calibration": None if number else {"margin": 0.01},
        "monitor": {"margin": 0.0 if number else 0.01},
    }


def fitted_params(contract: Contract, table: pa.Table, source: dict[str, Any]) -> dict[str, Any]:
    """The changes to params.yaml for this data: its source, its split, and sizes that suit its number of rows."""
    fitted: dict[str, Any] = {
        "source": source,
        "watermark": None,
        "cause": "by_hand",
        "accepted": [],
        "split": {"holdout": 0.2, "validation": 0.2, "window": None},
        **sized(contract, table),
    }
    if contract.time:
        fitted |= fitted_split(contract, table)
        fitted["evaluate"]["resample"] = resampled_by(contract, table, fitted)
    return fitted


def _read(source: str, query: str | None) -> tuple[dict[str, pa.Table], dict[str, Any], Decisions]:
    """The source's files by name, or a query's rows by no name, the settings of the source, and what was decided."""
    if not source:
        raise ContractError("no source is given; for example `make contract SOURCE=my.csv TARGET=price`")
    if query is None:
        source = inside_path(file_address(source), Path())
        reader = FileSource(source)
        parts = {name: reader.read(name) for name in reader.objects()}
        return parts, {"kind": "files", "path": source}, reader.decisions
    from ..data.sources.sql import read_query

    settings = SqlSettings("sql", database_address(source), query)
    return {"": read_query(settings)}, {"kind": "sql", "url": settings.url, "query": query}, Decisions()


def _refuse_unsaved(root: Path, given: Sequence[str]) -> None:
    """Refuse to overwrite settings with changes that are not committed; given: the options to keep beside --force."""
    show = ("status", "--porcelain", "--untracked-files=no", "--", *map(str, WRITTEN))
    if changed := ask_git(root, *show, no=[NO_REPOSITORY]):
        files = ", ".join(line[3:] for line in changed.splitlines())
        raise ContractError(
            f"{files}: changed since the last commit, and drafting would overwrite that; commit it first, or add "
            f"{as_args(['--force', *given])}"
        )


def main(arguments: Sequence[str], _project: Project) -> None:
    """The verb `draft`."""
    options = parsed(arguments, __doc__)
    root = Path()
    if missing := [path for path in WRITTEN if not (root / path).is_file() and path.name != "contract.yaml"]:
        raise ContractError(f"{missing[0]}: no such file; run this in the project's root folder")
    if not options.force:
        words = arguments[: arguments.index("--")] if "--" in arguments else arguments
        _refuse_unsaved(root, [one for one in words if one != options.source and not one.startswith("--target=")])
    parts, source, decisions = _read(options.source, options.query)
    table = together(parts, options.source)
    if not table.num_rows:
        where = "the query" if options.query else options.source
        raise ContractError(f"{where} has no rows to draft a contract from, only the columns' names")
    if table.num_columns == 1:
        raise ContractError(
            f"{options.source} has one column, {table.column_names[0]!r}, so there is nothing to predict from; cells "
            "are separated by commas, semicolons, tabs or bars"
        )
    roles = given_roles(options)
    old = earlier(root, table)
    before = read_params(root / "params.yaml").evaluate if old else None
    contract = draft(root, table, source, roles, parts if options.query is None else None, read_again)
    write_profile(root, typed_as(contract, table), contract)
    counts = {
        role: ", ".join(map(shown, contract.named(role)))
        for role in ("target", "time", "id", "group", "unused")
        if contract.named(role)
    }
    print(f"contract.yaml: {len(contract.columns)} columns of {table.num_rows:,} rows ({contract.kind})")
    print("\n".join(f"  {role}: {names}" for role, names in counts.items()))
    params = read_params(root / "params.yaml")
    for line in decided(contract, table, decisions, params):
        print(f"  {line}")
    if old and before:
        told = changes(old, contract)
        told += told_turned(before, params.evaluate) if old.target == contract.target else []
        print("drafted again: contract.yaml keeps what was written there" + (", but for:" if told else ""))
        print("".join(f"  {line}\n" for line in told), end="")
    is_here = options.query is None and "://" not in options.source.removeprefix("file://")
    files = list(parts) if is_here else []
    if options.track:
        place = track(options.source, files, root)
        print(told_of_new(place, root))
    else:
        print("".join(f"{line}\n" for line in only_here(options.source, files, contract.target, root)), end="")
    questions = open_questions(contract, table, options.source)
    for line in questions:
        print(line)
    first = "Answer it" if questions else "Correct it"
    print(f"{first}, look at `git diff`, then run `make pipeline`.")
