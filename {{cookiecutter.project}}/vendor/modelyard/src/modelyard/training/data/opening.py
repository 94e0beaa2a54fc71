"""Opens the source that `params.yaml` names; the libraries of other sources are not imported."""

from __future__ import annotations

from ...runtime.contract import Contract
from ..settings import Params
from .ledger import StreamLedger
from .sources import Source


def open_source(params: Params, contract: Contract) -> Source:
    """The source of the rows, with their features with history."""
    return with_history(open_rows(params, contract), contract)


def with_history(source: Source, contract: Contract) -> Source:
    """A source whose rows have the features with history, if there are any."""
    if not contract.features:
        return source
    from .history.joined import WithHistory

    return WithHistory(source, contract)


def open_rows(
    params: Params, contract: Contract, known: StreamLedger | None = None, reopened: frozenset[str] = frozenset()
) -> Source:
    """The source of the rows alone.

    known: what the ledger knows of a stream. reopened: the periods of a stream that may take what came late.
    """
    settings = params.source
    if settings.kind == "sample":
        from .sources.sample import SampleSource

        return SampleSource(contract)
    if settings.kind == "files":
        from .sources.files import FileSource

        return FileSource(settings.path, contract.columns)
    if settings.kind == "stream":
        from .sources.messages import StreamSource

        return StreamSource(settings, params, contract, known or StreamLedger(), reopened)
    from .sources.sql import SqlSource

    return SqlSource(settings, params, contract)
