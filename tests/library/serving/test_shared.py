from __future__ import annotations

import os

from modelyard.serving.log.shared import Shared


def in_child(work):
    """Run something in a process of its own; it must end well."""
    process = os.fork()
    if not process:
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 0


def test_what_processes_write_is_summed():
    shared = Shared(3)

    def write(worker):
        cells = shared.region(worker).cells("größe", 2)
        cells[0] += 1 + worker
        cells[1] += 0.5

    for worker in range(3):
        in_child(lambda worker=worker: write(worker))
    assert shared.sums() == {"größe": [6.0, 1.5]}


def test_a_process_goes_on_with_the_numbers_of_the_one_before():
    shared = Shared(1)
    for _ in range(2):
        in_child(lambda: shared.region(0).cells("a").__setitem__(0, shared.region(0).cells("a")[0] + 1))
    assert shared.sums() == {"a": [2.0]}


def test_where_the_region_is_full_nothing_fails():
    shared = Shared(1, 64)
    region = shared.region(0)
    for number in range(10):
        region.cells(f"series {number}")[0] += 1.0
        region.cells(f"series {number}")[0] += 1.0
    assert set(shared.sums().values().__iter__().__next__()) == {2.0}
    assert len(shared.sums()) < 10
