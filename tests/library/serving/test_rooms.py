"""Imports between the rooms of the service go down."""

from __future__ import annotations

from library.import_graph import LIBRARY, Library

FLOORS = [
    {"config", "refusal"},
    {"access", "forms"},
    {"log"},
    {"answers"},
    {"http"},
    {"served"},
    {"process", "streaming"},
]
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}


def room(module):
    return module.split(".")[1]


def test_each_room_of_the_service_imports_only_rooms_on_floors_below():
    arrows = {
        (room(module), room(one.target))
        for module, imported in Library(LIBRARY).imports.items()
        if module.startswith("serving.")
        for one in imported
        if one.inside and one.target.startswith("serving.")
    }
    assert {source for source, _ in arrows} | {target for _, target in arrows} == FLOOR.keys()
    assert [(source, target) for source, target in arrows if source != target and FLOOR[target] >= FLOOR[source]] == []
