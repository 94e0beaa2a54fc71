"""Clones of a project, and a GitHub."""

from library.clones import clone, first_commit, new_clone  # noqa: F401 - fixtures
from library.github_server import client, github  # noqa: F401
