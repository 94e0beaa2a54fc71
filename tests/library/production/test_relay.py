"""Alertmanager's webhooks become events of the repository: one an incident, whatever GitHub answers first."""

from __future__ import annotations

import http.client
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest
from library.github_server import REPOSITORY, TOKEN
from modelyard.github.alarms import read_alert
from modelyard.production.alert_messages import read_message
from modelyard.production.relay import Relay, RelayError, listen
from modelyard.production.relay_http import AT_ONCE, LARGEST

WEBHOOK = "a-webhook-token"
BEARER = {"Authorization": f"Bearer {WEBHOOK}", "Content-Type": "application/json"}


def message(name="ServiceDown", status="firing", alerts=1, **changes):
    """A message as Alertmanager 0.25 sends it."""
    labels = {"alertname": name, "stage": "production"}
    annotations = {
        "summary": f"{name} happened",
        "action": "Look at its log.",
        "runbook": f"docs/runbooks.md#{name.lower()}",
    }
    one = {
        "status": status,
        "labels": {**labels, "instance": "a:8000"},
        "annotations": annotations,
        "startsAt": "2031-09-01T06:00:00Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus/graph",
        "fingerprint": "0123456789abcdef",
    }
    return {
        "receiver": "tickets",
        "status": status,
        "alerts": [one] * alerts,
        "groupLabels": labels,
        "commonLabels": labels,
        "commonAnnotations": annotations,
        "externalURL": "http://alertmanager",
        "version": "4",
        "groupKey": f'{{}}:{{alertname="{name}", stage="production"}}',
        "truncatedAlerts": 0,
        **changes,
    }


@pytest.fixture
def files(tmp_path):
    """The files of a relay: both tokens, and what it keeps."""
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    (tmp_path / "webhook").write_text(f"{WEBHOOK}\n")
    return [tmp_path / name for name in ("token", "webhook", "state.json")]


@pytest.fixture
def relay(github, files):
    return Relay(REPOSITORY, *files, github.url)


@pytest.fixture
def post(relay):
    """Sends a body to a relay that listens."""
    with listen(relay, "127.0.0.1:0") as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()

        def send(body, path="/alerts", method="POST", **headers):
            connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            connection.request(method, path, content, {**BEARER, **headers})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

        send.port = server.server_port
        yield send
        server.shutdown()
        thread.join()


def take(relay, **given):
    return relay.take(json.dumps(message(**given)).encode())[0]


def counted(relay, sample):
    (value,) = re.findall(rf"^modelyard_relay_{re.escape(sample)} (\d+)$", relay.metrics(), re.MULTILINE)
    return int(value)


def test_an_incident_is_one_event_and_its_end_another(post, github, relay):
    for _ in range(3):
        assert post(message(alerts=2))[0] == 200
    assert post(message("Errors"))[0] == 200
    (first, other) = github.events
    assert first["event_type"] == "alert"
    assert first["client_payload"] == {
        "status": "firing",
        "key": "alert:alertname=ServiceDown,stage=production",
        "kind": "alert",
        "subject": "ServiceDown production",
        "since": "2031-09-01T06:00:00Z",
        "summary": "ServiceDown happened (and 1 more)",
        "lines": [
            *["ServiceDown happened"] * 2,
            "Look at its log.",
            f"https://github.com/{REPOSITORY}/blob/HEAD/docs/runbooks.md#servicedown",
        ],
    }
    assert other["client_payload"]["key"] == "alert:alertname=Errors,stage=production"
    assert counted(relay, "incidents") == 2
    for _ in range(2):
        assert post(message(status="resolved"))[0] == 200
    assert [event["client_payload"]["status"] for event in github.events] == ["firing", "firing", "resolved"]
    assert take(relay) == 200
    assert len(github.events) == 4
    assert {asked.headers["authorization"] for asked in github.asked} == {f"Bearer {TOKEN}"}


@pytest.mark.parametrize("status", [401, 403, 422, 502])
def test_what_github_does_not_take_is_sent_again_and_counted(github, relay, status, capsys):
    github.scripted = [(status, {"message": "no"}, {})] * 2
    assert [take(relay) for _ in range(4)] == [503, 503, 200, 200]
    assert len(github.events) == 1
    assert counted(relay, f'failures_total{{status="{status}"}}') == 2
    assert counted(relay, 'webhooks_total{outcome="known"}') == 1
    said = capsys.readouterr().err
    assert said.count(f"GitHub answered {status} (no)") == 2
    assert TOKEN not in said
    assert WEBHOOK not in said


def test_a_github_that_is_gone_loses_nothing(github, relay):
    base, relay._base = relay._base, "http://127.0.0.1:9"
    assert take(relay) == 503
    assert counted(relay, 'failures_total{status="0"}') == 1
    relay._base = base
    assert take(relay) == 200
    assert len(github.events) == 1


def test_a_restart_passes_on_nothing_twice_and_no_end_is_lost(github, relay, files):
    assert take(relay) == 200
    again = Relay(REPOSITORY, *files, github.url)
    assert take(again) == 200
    assert len(github.events) == 1
    assert take(again, status="resolved") == 200
    assert [event["client_payload"]["status"] for event in github.events] == ["firing", "resolved"]
    assert json.loads(files[2].read_text()) == {}


@pytest.mark.parametrize(("days", "events"), [(2, 0), (4, 1)])
def test_an_incident_whose_end_was_never_said_is_forgotten_after_days(github, files, days, events):
    files[2].write_text(json.dumps({message()["groupKey"]: time.time() - days * 86_400}))
    assert take(Relay(REPOSITORY, *files, github.url)) == 200
    assert len(github.events) == events


def test_a_group_that_is_being_passed_on_is_not_passed_on_twice(github, relay):
    begun, may_end = threading.Event(), threading.Event()
    answer = github.answer

    def slow(asked):
        begun.set()
        may_end.wait(10)
        return answer(asked)

    github.answer = slow
    first = threading.Thread(target=take, args=(relay,))
    first.start()
    begun.wait(10)
    assert take(relay) == 503
    may_end.set()
    first.join()
    assert take(relay) == 200
    assert len(github.events) == 1


@pytest.mark.parametrize(
    ("status", "body", "headers"),
    [
        (401, message(), {"Authorization": "Bearer another"}),
        (401, message(), {"Authorization": ""}),
        (401, message(), {"Authorization": f"Basic {WEBHOOK}"}),
        (411, message(), {"Transfer-Encoding": "chunked"}),
        (413, b"x" * (LARGEST + 1), {}),
        (415, message(), {"Content-Type": "text/plain"}),
        (400, b"{", {}),
        (400, b"[" * 100_000, {}),
        (400, b'"4"', {}),
        (400, message(version="3"), {}),
        (400, message(status="odd"), {}),
        (400, message(groupKey=""), {}),
        (400, message(groupKey=7), {}),
        (400, message(groupLabels={"alertname": 1}), {}),
        (400, message() | {"alerts": []}, {}),
        (400, message() | {"alerts": ["one"]}, {}),
        (400, message() | {"alerts": [{"labels": {"a": "b"}}]}, {}),
    ],
)
def test_what_is_no_message_of_our_alertmanager_is_refused(post, github, relay, status, body, headers):
    if status == 413:
        headers = {"Content-Length": str(LARGEST + 1)}
        body = b""
    assert post(body, **headers)[0] == status
    assert github.asked == []
    assert counted(relay, 'webhooks_total{outcome="refused"}') == 1


def test_only_one_path_takes_alerts(post):
    assert post(message(), "/other")[0] == 404
    assert post(b"", "/alerts", "GET")[0] == 404
    assert post(b"", "/healthz", "GET")[0] == 200
    status, text = post(b"", "/metrics", "GET")
    assert status == 200
    assert 'modelyard_relay_failures_total{status="502"} 0' in text


def test_a_body_that_ends_too_early_is_refused(post):
    with socket.create_connection(("127.0.0.1", post.port), timeout=10) as one:
        head = "".join(f"{name}: {value}\r\n" for name, value in {**BEARER, "Content-Length": "50"}.items())
        one.sendall(f"POST /alerts HTTP/1.1\r\n{head}\r\n{{".encode())
        one.shutdown(socket.SHUT_WR)
        assert b"400" in one.recv(100).split(b"\r\n")[0]


def test_connections_that_send_nothing_leave_room_after_their_time(post, monkeypatch):
    monkeypatch.setattr("modelyard.production.relay_http.SECONDS", 1.0)
    idle = [socket.create_connection(("127.0.0.1", post.port), timeout=10) for _ in range(AT_ONCE)]
    time.sleep(0.1)
    with pytest.raises((OSError, http.client.HTTPException)):
        post(message())
    assert all(one.recv(1) == b"" for one in idle)  # cut off
    time.sleep(0.2)
    assert post(message())[0] == 200


@pytest.mark.parametrize("status", ["firing", "resolved"])
def test_an_event_is_what_the_verb_incident_takes(tmp_path, status):
    payload = read_message(json.dumps(message(status=status)).encode(), "https://github.com/a/b/blob/HEAD").payload
    (tmp_path / "event.json").write_text(json.dumps({"action": "alert", "client_payload": payload}))
    source = read_alert(tmp_path / "event.json")
    if status == "resolved":
        assert source.over == {payload["key"]}
    else:
        (alarm,) = source.alarms
        assert (alarm.key, alarm.summary) == (payload["key"], "ServiceDown happened")
        assert alarm.lines[-1] == "https://github.com/a/b/blob/HEAD/docs/runbooks.md#servicedown"


def test_any_text_fits_into_an_event(github, relay):
    long = {"alertname": "x" * 5_000, "stage": "ü\n\ud800" * 900}
    one = {"labels": long, "annotations": {"summary": "s" * 99_999, "runbook": "r" * 9_999}, "startsAt": "t" * 999}
    assert relay.take(json.dumps(message() | {"alerts": [one] * 500, "groupLabels": long}).encode())[0] == 200
    (event,) = github.events
    assert len(event["client_payload"]["key"]) <= 300
    assert "and 480 more" in event["client_payload"]["lines"]


def test_no_message_is_a_fault_of_the_relay(github, relay):
    seeded = random.Random(7)  # noqa: S311 - no secret
    odd = [None, 7, [], {}, "", "\ud800", {"a": 1}, [[]], True, 1e400, "x" * 500]
    for _ in range(2_000):
        one = json.loads(json.dumps(message()))
        place = seeded.choice([one, one["alerts"][0], one["groupLabels"], one["alerts"][0]["labels"]])
        place[seeded.choice(list(place))] = seeded.choice(odd)
        body = json.dumps(one).encode()
        status, _ = relay.take(body if seeded.random() < 0.8 else body[: seeded.randrange(len(body))])
        assert status in (200, 400)
    assert all(set(event["client_payload"]) == set(github.events[0]["client_payload"]) for event in github.events)


@pytest.mark.skipif(
    not (shutil.which("promtool") or os.environ.get("CI")), reason="needs promtool of Debian's prometheus"
)
def test_promtool_finds_nothing_wrong_with_the_metrics(relay):
    assert take(relay) == 200
    checked = subprocess.run(["promtool", "check", "metrics"], input=relay.metrics(), text=True, capture_output=True)
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")


def test_a_group_without_labels_has_the_name_of_its_alert():
    payload = read_message(json.dumps(message(groupLabels={})).encode(), "").payload
    assert payload["key"] == "alert:alertname=ServiceDown"


@pytest.mark.parametrize("text", ["", "two words\n", "two\nlines\n", "ünï\n"])
def test_a_file_without_a_token_is_named_and_its_text_is_not(files, text):
    files[0].write_text(text)
    with pytest.raises(RelayError, match=re.escape(str(files[0]))) as raised:
        Relay(REPOSITORY, *files, "http://127.0.0.1:9")
    assert not text.strip() or text.strip() not in str(raised.value)


@pytest.mark.usefixtures("github")
def test_a_token_that_is_renewed_is_used_at_once(relay, files):
    files[0].write_text("an-old-token\n")
    assert take(relay) == 503
    files[0].write_text(f"{TOKEN}\n")
    assert take(relay) == 200


@pytest.mark.parametrize("state", ["{", "[1]", '{"a": "b"}'])
def test_a_state_that_is_none_is_refused(files, state):
    files[2].write_text(state)
    with pytest.raises(RelayError, match="remove it to begin anew"):
        Relay(REPOSITORY, *files, "http://127.0.0.1:9")


def test_the_verb_listens_until_it_is_ended(github, files):
    command = [sys.executable, "-c", "from modelyard.cli import run_bare; run_bare('yard')", "relay"]
    given = ["--token", files[0], "--webhook-token", files[1], "--listen", "127.0.0.1:0"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen([*command, *given], stderr=subprocess.PIPE, text=True, env=environment) as process:
        line = process.stderr.readline()
        port = int(re.findall(r"listening on http://127\.0\.0\.1:(\d+)/alerts for acme/flights", line)[0])
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("POST", "/alerts", json.dumps(message()), BEARER)
        assert connection.getresponse().status == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        assert process.stderr.read() == 'passed on: firing "alert:alertname=ServiceDown,stage=production"\n'
    assert len(github.events) == 1


def test_a_port_that_is_taken_is_said(relay, post):
    with pytest.raises(RelayError, match="cannot listen on"):
        listen(relay, f"127.0.0.1:{post.port}")
    with pytest.raises(RelayError, match="give host:port"):
        listen(relay, "nowhere")
