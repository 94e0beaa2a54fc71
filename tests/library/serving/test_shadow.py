from __future__ import annotations

import threading

import numpy as np
import pytest
from modelyard.serving.answers import shadow as module
from modelyard.serving.answers.shadow import Shadow

from flight_delays import project


@pytest.fixture
def shadow(made):
    running = Shadow(project.predictor(made.root / "bundle"), "abc")
    yield running
    running.close()


@pytest.fixture
def table(shadow):
    return np.ones((3, len(shadow.predictor.manifest["training"]["features"])))


def test_it_answers_as_its_bundle_does_and_nobody_waits(shadow, table):
    found = []
    shadow.offer(table, lambda scores, ms: found.append((scores, ms, threading.current_thread().name)))
    shadow.close()
    ((scores, ms, thread),) = found
    assert scores.tolist() == shadow.predictor.model.answer(table).tolist()
    assert ms > 0
    assert thread == "shadow"


def test_what_it_cannot_take_up_is_dropped_and_said(made, table, monkeypatch):
    monkeypatch.setattr(module, "WAITING", 2)
    shadow = Shadow(project.predictor(made.root / "bundle"), "abc")
    busy, go_on = threading.Event(), threading.Event()

    def wait(*_):
        busy.set()
        go_on.wait(20)

    shadow.offer(table, wait)
    assert busy.wait(20)
    answered = []
    assert [shadow.offer(table, lambda scores, _ms: answered.append(len(scores))) for _ in range(5)] == [
        *(True, True),
        *(False, False, False),
    ]
    go_on.set()
    shadow.close()
    assert answered == [3, 3]


def test_a_failing_shadow_goes_on_and_is_said_once(shadow, table, caplog):
    found = []
    for _ in range(3):
        shadow.offer(table[:, :2], lambda scores, _ms: found.append(scores))
    shadow.offer(table, lambda *_: 1 / 0)
    shadow.offer(table, lambda scores, _ms: found.append(len(scores)))
    shadow.close()
    assert found == [None, None, None, 3]
    assert caplog.text.count("the shadow abc fails") == 1


def test_an_answer_that_is_no_number_is_none(shadow, table, monkeypatch):
    found = []
    monkeypatch.setattr(shadow.predictor.model, "answer", lambda given: np.full(len(given), np.nan))
    shadow.offer(table, lambda scores, _ms: found.append(scores))
    shadow.close()
    assert found == [None]


def test_it_ends_even_where_it_is_stuck(made, table):
    shadow = Shadow(project.predictor(made.root / "bundle"), "abc")
    go_on = threading.Event()
    shadow.offer(table, lambda *_: go_on.wait(20))
    shadow.close(timeout=0.01)
    go_on.set()
