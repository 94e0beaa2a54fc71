"""What Alertmanager says of a group of alerts, read strictly, as the payload of an event of the repository."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..markdown import cut

VERSION = "4"  # of Alertmanager's message
LONGEST = 300  # characters of a text
LONGEST_GROUP = 4_000
SHOWN = 20  # alerts of a group


@dataclass(frozen=True)
class Message:
    """A group of alerts. group: Alertmanager's key of it. payload: an alarm as `incident --alert` takes it."""

    group: str
    firing: bool
    payload: dict[str, Any]


def read_message(body: bytes, files: str) -> Message:
    """Read the body of a webhook. files: where the repository's files are shown, for the runbook's address.

    Raises ValueError that says what is wrong.
    """
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        raise ValueError("the body is no JSON") from None
    if not isinstance(content, dict) or content.get("version") != VERSION:
        raise ValueError(f"the body is no message of Alertmanager of version {VERSION}")
    group, status, alerts = content.get("groupKey"), content.get("status"), content.get("alerts")
    if not isinstance(group, str) or not 0 < len(group) <= LONGEST_GROUP:
        raise ValueError(f"groupKey is no text of 1 to {LONGEST_GROUP} characters")
    if status not in ("firing", "resolved"):
        raise ValueError("status is neither firing nor resolved")
    if not isinstance(alerts, list) or not alerts or not all(isinstance(alert, dict) for alert in alerts):
        raise ValueError("alerts is no list of alerts")
    labels = _texts(content, "groupLabels")
    read = [(_texts(alert, "labels"), _texts(alert, "annotations"), alert.get("startsAt")) for alert in alerts]
    if not all(isinstance(since, str) for _, _, since in read):
        raise ValueError("startsAt of an alert is no text")
    named = {cut(name, LONGEST): cut(value, LONGEST) for name, value in labels.items()}
    named = named or {"alertname": cut(read[0][0].get("alertname", ""), LONGEST)}
    payload = {
        "status": status,
        "key": _key(named),
        "kind": "alert",
        "subject": cut(" ".join(_alertname_first(named)), LONGEST),
        "since": cut(min(str(since) for _, _, since in read), LONGEST),
        "summary": _summary(read[0][1], named, len(alerts)),
        "lines": _lines([annotations for _, annotations, _ in read], files),
    }
    return Message(group, status == "firing", payload)


def _texts(found: Mapping[str, Any], key: str) -> dict[str, str]:
    texts = found.get(key, {})
    if not isinstance(texts, dict) or not all(isinstance(value, str) for value in texts.values()):
        raise ValueError(f"{key} is no table of texts")
    return texts


def _key(labels: Mapping[str, str]) -> str:
    """The same for the same group, whatever route its alerts took."""
    key = f"alert:{','.join(f'{name}={value}' for name, value in sorted(labels.items()))}"
    return key if len(key) <= LONGEST else f"alert:{hashlib.sha256(key.encode()).hexdigest()}"


def _alertname_first(labels: Mapping[str, str]) -> list[str]:
    return [labels[name] for name in sorted(labels, key=lambda name: (name != "alertname", name))]


def _summary(annotations: Mapping[str, str], labels: Mapping[str, str], count: int) -> str:
    summary = annotations.get("summary") or " ".join(_alertname_first(labels)) or "an alert without a name"
    return cut(summary, LONGEST) + (f" (and {count - 1} more)" if count > 1 else "")


def _lines(annotations: list[dict[str, str]], files: str) -> list[str]:
    """What happened, once for each alert, then what to do and where it is written."""
    told = [cut(one["summary"], LONGEST) for one in annotations[:SHOWN] if one.get("summary")]
    if len(annotations) > SHOWN:
        told.append(f"and {len(annotations) - SHOWN} more")
    if action := annotations[0].get("action"):
        told.append(cut(action, LONGEST))
    if runbook := annotations[0].get("runbook"):
        told.append(cut(f"{files}/{runbook}" if runbook.startswith("docs/") else runbook, LONGEST))
    return told
