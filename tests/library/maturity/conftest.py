"""A GitHub that has what runs left."""

from __future__ import annotations

from library.github_server import client, github  # noqa: F401 - fixtures
