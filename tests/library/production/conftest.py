"""A GitHub, for what talks to it."""

from library.github_server import client, github  # noqa: F401 - fixtures
