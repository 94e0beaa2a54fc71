from __future__ import annotations

import time

from modelyard.serving.process.board import Board


def test_a_wish_is_counted_by_who_fulfilled_and_who_refused_it():
    board = Board(3)
    board.wish = 4
    board.done(0, 4)
    board.done(1, 4, refused=True)
    board.done(2, 3)
    assert board.took(4) == (1, 1)
    board.done(2, 5)
    assert board.took(4) == (2, 1)
    assert board.took(5) == (1, 0)


def test_who_refused_once_and_fulfils_later_has_fulfilled():
    board = Board(1)
    board.done(0, 1, refused=True)
    board.done(0, 2)
    assert board.took(1) == (1, 0)
    assert board.took(2) == (1, 0)


def test_a_worker_is_ready_until_it_is_not():
    board = Board(2)
    board.ready(1, 4711)
    assert (board.is_ready(0), board.is_ready(1)) == (False, True)
    board.ready(1, 0)
    assert not board.is_ready(1)


def test_when_a_worker_last_made_progress_and_how_often_it_made_none():
    board = Board(2)
    before = time.monotonic()
    board.beat(1)
    assert before <= board.last_beat(1) <= time.monotonic()
    assert board.last_beat(0) == 0.0
    board.give_up(1)
    assert board.last_beat(1) == 0.0
    board.count_stuck(1)
    board.count_stuck(1)
    assert (board.stuck(0), board.stuck(1)) == (0, 2)
