"""Say whether a tag may be released, or write its release notes."""

from .github.release import main

__all__ = ["main"]
