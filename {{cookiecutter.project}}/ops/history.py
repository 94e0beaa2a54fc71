"""Say which version was live in which stage, from the tags alone."""

from .github.history import main

__all__ = ["main"]
