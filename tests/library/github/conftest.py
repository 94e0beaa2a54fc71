"""A GitHub, and clones of a project."""

from library.clones import clone, first_commit, new_clone  # noqa: F401 - fixtures
from library.github_server import client, github  # noqa: F401
