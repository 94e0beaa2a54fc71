"""Answer rows over HTTP with one process for each core; SIGTERM drains, SIGHUP loads the bundles again.

Without --config it serves one bundle: the one inside the installed wheel, or that of --bundle.
"""

from __future__ import annotations

import argparse
import gc
import os
from collections.abc import Sequence

import msgspec

from ...runtime.project import Project
from ..config import Config
from ..served import add_served, served


def configured(options: argparse.Namespace, project: Project) -> Config:
    """What is served, overridden by the command line. Raises ContractError as `served` does."""
    config = served(options, project)
    overrides = {key: value for key in ("host", "port", "workers") if (value := getattr(options, key)) is not None}
    return msgspec.structs.replace(config, **overrides)


def main(arguments: Sequence[str], project: Project) -> None:
    """The verb `serve`."""
    parser = argparse.ArgumentParser(
        prog="serve", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_served(parser, "serving.json: models, limits, access, log")
    parser.add_argument("--open", action="store_true", help="let anyone predict; then nobody is admin")
    parser.add_argument("--host", help="the address to listen at, instead of the file's")
    parser.add_argument("--port", type=int, help="the port to listen at; 0 takes a free one")
    parser.add_argument("--workers", type=int, help="how many processes; 0 is one for each core")
    options = parser.parse_args(arguments)
    # each worker has a core to itself, so more threads would only compete for it
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    gc.disable()  # objects made at the start stay; collecting garbage would take a tenth of the start
    from .workers import serve

    serve(project, configured(options, project), options.config, options.open)
