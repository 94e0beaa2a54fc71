"""Test the service's image before it is pushed: run as it will be deployed, it is asked over HTTP.

The contract: the bundle's probe rows are answered as the pipeline did, to the last bit, and a row that breaks a rule is
refused with field and rule, for each rule of each column. Load: requests over several connections are all answered, and
rightly. OpenAPI: requests that schemathesis makes of the service's own description, good and bad ones, get no 5xx and
nothing that it does not describe. The first part that fails ends it.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

from .accepting.container import running
from .accepting.fuzz import check_openapi
from .accepting.load import check_load
from .accepting.probe import read_probe
from .accepting.rules import check_contract
from .accepting.service import Service
from ..runtime.bundle import Bundle, read_bundle
from .packaging.engine import find_docker
from .packaging.images import image_name
from .packaging.release import UNRELEASED, read_release
from ..runtime.contract import ContractError
from ..training import layout

REQUESTS, CONNECTIONS, EXAMPLES, SEED = 2000, 8, 20, 2013


def accept(service: Service, bundle: Bundle, given: argparse.Namespace, say: Callable[[str], None]) -> None:
    """Say what each part of the test found. Raises ContractError where one fails."""
    probe = read_probe(bundle)
    parts = {
        "contract": lambda: check_contract(service, bundle, probe),
        "load": lambda: check_load(service, probe, given.requests, given.connections),
        "openapi": lambda: check_openapi(service, given.examples, given.seed),
    }
    for name, part in parts.items():
        try:
            say(f"{name}: {part()}")
        except ContractError as error:
            raise ContractError(f"{name}: {error}") from None


def main(arguments: list[str] | None = None) -> None:
    """The verb `accept`."""
    parser = argparse.ArgumentParser(
        prog="accept", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", default=UNRELEASED, help=f"of the image that `package` built ({UNRELEASED})")
    parser.add_argument("--image", help="another image of the service")
    parser.add_argument("--requests", type=_above_0, default=REQUESTS, help=f"of the load ({REQUESTS})")
    parser.add_argument("--connections", type=_above_0, default=CONNECTIONS, help=f"of the load ({CONNECTIONS})")
    parser.add_argument("--examples", type=_above_0, default=EXAMPLES, help=f"drawn for an operation ({EXAMPLES})")
    parser.add_argument("--seed", type=int, default=SEED, help=f"of what is drawn ({SEED})")
    given = parser.parse_args(arguments)
    bundle, release = read_bundle(layout.BUNDLE), read_release(given.version)
    image = given.image or image_name(release, "service")
    try:
        with running(find_docker(), image, release.project) as service:
            accept(service, bundle, given, lambda line: print(line, flush=True))
    except ContractError as error:
        raise ContractError(f"the image {image} may not be pushed: {error}") from None
    print(f"the image {image} may be pushed")


def _above_0(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r}: a whole number above 0 is needed")
    return int(text)
