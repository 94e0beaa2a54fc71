"""Test the service's image before it is pushed: run it as it will be deployed, and send it requests.

Contract: the answers to the bundle's probe rows equal the pipeline's, to the last bit, and for each rule of each column
a row that breaks it is refused with field and rule. Load: all requests over several connections are answered correctly.
OpenAPI: requests that schemathesis generates from the service's own description, valid and invalid ones, get no 5xx and
no answer that it does not describe. The test stops at the first part that fails.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence

from ..errors import ContractError
from ..runtime.bundle import Bundle, read_bundle
from ..runtime.project import Project
from ..training import layout
from .accepting.container import running
from .accepting.fuzz import check_openapi
from .accepting.load import check_load
from .accepting.probe import read_probe
from .accepting.rules import check_contract
from .accepting.service import RunningService
from .packaging.build import UNRELEASED, read_release
from .packaging.engine import find_docker
from .packaging.images import image_name

REQUESTS, CONNECTIONS, EXAMPLES, SEED = 2000, 8, 20, 2013


def accept(
    project: Project, service: RunningService, bundle: Bundle, options: argparse.Namespace, say: Callable[[str], None]
) -> None:
    """Report the result of each part of the test. Raises ContractError where one fails."""
    probe = read_probe(project, bundle)
    parts = {
        "contract": lambda: check_contract(service, bundle, probe),
        "load": lambda: check_load(service, probe, options.requests, options.connections),
        "openapi": lambda: check_openapi(service, options.examples, options.seed),
    }
    for name, part in parts.items():
        try:
            say(f"{name}: {part()}")
        except ContractError as error:
            raise ContractError(f"{name}: {error}") from None


def main(arguments: Sequence[str], project: Project) -> None:
    """The verb `accept`."""
    parser = argparse.ArgumentParser(
        prog="accept", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", default=UNRELEASED, help=f"of the image that `package` built ({UNRELEASED})")
    parser.add_argument("--image", help="another image of the service")
    parser.add_argument("--requests", type=_above_0, default=REQUESTS, help=f"of the load test ({REQUESTS})")
    parser.add_argument("--connections", type=_above_0, default=CONNECTIONS, help=f"of the load test ({CONNECTIONS})")
    parser.add_argument(
        "--examples", type=_above_0, default=EXAMPLES, help=f"requests generated for an operation ({EXAMPLES})"
    )
    parser.add_argument("--seed", type=int, default=SEED, help=f"of the generated requests ({SEED})")
    options = parser.parse_args(arguments)
    bundle, release = read_bundle(layout.BUNDLE), read_release(options.version)
    image = options.image or image_name(release, "service")
    try:
        with running(find_docker(), image, release.name) as service:
            accept(project, service, bundle, options, lambda line: print(line, flush=True))
    except ContractError as error:
        raise ContractError(f"the image {image} may not be pushed: {error}") from None
    print(f"the image {image} may be pushed")


def _above_0(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r}: a whole number above 0 is needed")
    return int(text)
