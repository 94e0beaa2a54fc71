"""Figures of production as `make monitor` writes them, made up: three releases, the second of which decays."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

BUNDLES = ("0aa000000001", "0bb000000002", "0cc000000003")
UNTIL = "2031-09-01T06:00:00+00:00"


def figures(
    windows: int = 24,
    metrics: tuple[str, ...] = ("log_loss", "roc_auc"),
    inputs: tuple[str, ...] = ("temp", "carrier", "wind_speed", "visib"),
    unmatured: int = 2,
) -> dict[str, Any]:
    """The content of monitor.json for so many weeks before UNTIL; the first input drifts in the last third of them."""
    last = date.fromisoformat(UNTIL[:10])
    made = [
        window(
            last - timedelta(weeks=windows - place),
            BUNDLES[3 * place // windows],
            place / windows,
            metrics,
            inputs,
            matured=place < windows - unmatured,
        )
        for place in range(windows)
    ]
    drifting = {
        "key": f"drift:{inputs[0]}",
        "kind": "drift",
        "subject": inputs[0],
        "since": made[-min(4, windows)]["start"],
        "summary": f"{inputs[0]} drifts in 3 of the last 3 windows: distance 0.31, at least 0.1 matters",
        "lines": [f"{one['start']}: {one['drift']['inputs'][inputs[0]]['distance']}" for one in made[-3:]],
    }
    return {
        "format": 1,
        "model": "flight-delays",
        "until": UNTIL,
        "logs": {"lines": 123_456, "torn": 2, "duplicates": 7, "days": 7 * windows},
        "windows": made,
        "alarms": [drifting],
        "retrain": {"cause": "drift", "reason": drifting["summary"]},
    }


def window(
    start: date, bundle: str, share: float, metrics: tuple[str, ...], inputs: tuple[str, ...], matured: bool = True
) -> dict[str, Any]:
    """One window; `share` is how much of the time has passed."""
    worse = 0.06 * (bundle == BUNDLES[1]) * (3 * share - 1)
    levels = {metric: 0.47 + 0.01 * place + worse for place, metric in enumerate(metrics)}
    distances = {name: round(0.03 + 0.01 * place, 3) for place, name in enumerate(inputs)}
    if share > 2 / 3:
        distances[inputs[0]] = round(0.2 + 0.4 * (share - 2 / 3), 3)
    return {
        "start": start.isoformat(),
        "end": (start + timedelta(weeks=1)).isoformat(),
        "bundle": bundle,
        "rows": 6_300,
        "labelled": 6_100 if matured else 900,
        "coverage": 0.968 if matured else 0.14,
        "matured": matured,
        "performance": {
            metric: {"value": level, "low": level - 0.012, "high": level + 0.012} for metric, level in levels.items()
        }
        if matured
        else None,
        "slices": {},
        "release": {metric: {"value": 0.47, "low": 0.465, "high": 0.475} for metric in metrics},
        "baseline": dict.fromkeys(metrics, 0.53),
        "drift": {
            "rows": 6_300,
            "needed_rows": 500,
            "independent": False,
            "inputs": {
                name: {
                    "distance": distance,
                    "p": 0.0001 if distance > 0.1 else 0.4,
                    "state": "drift" if distance > 0.1 else "none",
                    "missing": 0.01,
                }
                for name, distance in distances.items()
            },
            "score": {"distance": 0.04, "p": 0.2, "state": "none", "missing": 0.0},
        },
    }
