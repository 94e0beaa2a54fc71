"""Opens the source that `params.yaml` names."""

from __future__ import annotations

from ...runtime.contract import Contract
from ..settings import Params
from .sources import Source


def open_source(params: Params, contract: Contract) -> Source:
    """The source of the rows with their features with history; the libraries of other sources are not imported."""
    source = _rows(params, contract)
    if not contract.features:
        return source
    from .history.joined import WithHistory

    return WithHistory(source, contract)


def _rows(params: Params, contract: Contract) -> Source:
    settings = params.source
    if settings.kind == "sample":
        from .sources.sample import SampleSource

        return SampleSource(contract)
    if settings.kind == "files":
        from .sources.files import FileSource

        return FileSource(settings.path, contract.columns)
    from .sources.sql import SqlSource

    return SqlSource(settings, params, contract)
