"""Plan the repository's settings on GitHub, show them as a diff, and apply them with --apply."""

from .github.doctor import main

__all__ = ["main"]
