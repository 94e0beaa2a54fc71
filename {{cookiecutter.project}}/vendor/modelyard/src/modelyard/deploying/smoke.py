"""The smoke test of a variant: requests that only the right model answers correctly."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from .failure import DeployError
from .stage import StageAgent
from .state import DeployedVersion, Name

TOLERANCE = 1e-9  # relative and absolute; another CPU may differ in the last digits


def smoke(
    agent: StageAgent, name: Name, release: DeployedVersion, probe: Mapping[str, Any] | None, headers: Mapping[str, str]
) -> list[str]:
    """What was checked, a line each. Raises DeployError with the first check that failed.

    probe: rows and the bundle's answers to them. headers: the credentials.
    """

    def get(path: str, **task: Any) -> str:
        sent = {**headers, **task.pop("headers", {})}
        answer = agent.ask_routed(name, path=path, headers=sent, **task)
        if answer["status"] != 200:
            raise DeployError(f"smoke test of {name}: {path} answered {answer['status']}: {answer['text'][:300]}")
        text: str = answer["text"]
        return text

    checks = []
    for path in ("/healthz", "/readyz"):
        get(path)
        checks.append(f"{path} answers 200")
    model = json.loads(get("/model"))
    checks.append(check_model(name, release, model))
    if probe is not None:
        body = json.dumps({"rows": probe["rows"]})
        sent = {"content-type": "application/json"}
        text = get("/predict", method="POST", headers=sent, body=body, timeout=30.0)
        checks.append(check_answers(name, release, probe, json.loads(text), str(model.get("bundle", ""))))
    return checks


def check_model(name: Name, release: DeployedVersion, model: Mapping[str, Any]) -> str:
    """Check that the model is the deployed one; returns a line on it. Raises DeployError."""
    bundle = str(model.get("bundle", ""))
    if not same_bundle(bundle, release.bundle):
        raise DeployError(
            f"smoke test of {name}: /model says bundle {bundle[:12] or 'none'}, and {release.version} has "
            f"{release.bundle[:12]}: the image is not the one of this release"
        )
    return f"/model says bundle {bundle[:12]}"


def same_bundle(one: str, other: str) -> bool:
    """Whether two hashes, either of which may be shortened, match. An empty one matches any."""
    return one.startswith(other) or other.startswith(one)


def check_answers(
    name: Name, release: DeployedVersion, probe: Mapping[str, Any], response: Mapping[str, Any], own_bundle: str = ""
) -> str:
    """Check that this variant's model gives the bundle's answers to the probe rows. Raises DeployError.

    own_bundle: the hash of the variant's bundle. If rows are split by a column, those that the other bundle answered
    are ignored; at least one must remain.
    """
    expected = probe["answers"]
    if response.get("variant") != name:
        raise DeployError(f"smoke test of {name}: variant {response.get('variant')!r} answered in its place")
    if response.get("fallback"):
        raise DeployError(f"smoke test of {name}: {response['fallback']} answered, not the model of {release.version}")
    predictions = [one["prediction"] for one in response["predictions"]]
    if len(predictions) != len(expected):
        raise DeployError(f"smoke test of {name}: {len(predictions)} answers to {len(expected)} probe rows")
    bundles = [str(one.get("bundle") or response.get("bundle") or "") for one in response["predictions"]]
    own_rows = [row for row, bundle in enumerate(bundles) if same_bundle(bundle, own_bundle)]
    wrong_rows = [row for row in own_rows if not alike(predictions[row], expected[row])]
    if expected and not own_rows:
        raise DeployError(
            f"smoke test of {name}: the other bundle of the split answered all {len(expected)} probe rows, so nothing "
            f"shows what {release.version} answers; split by another column, or by a header"
        )
    if wrong_rows:
        row = wrong_rows[0]
        raise DeployError(
            f"smoke test of {name}: {len(wrong_rows)} of {len(expected)} probe rows are answered otherwise than the "
            f"bundle says, the first in row {row}: {predictions[row]!r}, and {expected[row]!r} is right"
        )
    other_rows = len(expected) - len(own_rows)
    split = f"; {other_rows} are answered by the other bundle of the split" if other_rows else ""
    return f"/predict answers {len(own_rows)} probe rows as the bundle says{split}"


def alike(one: Any, other: Any) -> bool:
    """Whether two answers are the same: numbers, or the classes' probabilities, within TOLERANCE."""
    if isinstance(one, Mapping):
        one = list(one.values())
    if isinstance(one, Sequence) and isinstance(other, Sequence) and not isinstance(one, str):
        return len(one) == len(other) and all(alike(a, b) for a, b in zip(one, other, strict=True))
    if isinstance(one, int | float) and isinstance(other, int | float):
        return math.isclose(one, other, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    return bool(one == other)
