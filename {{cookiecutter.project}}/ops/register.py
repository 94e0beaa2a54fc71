"""Register a released version, or assign one to a stage, by a tag."""

from .github.register import main

__all__ = ["main"]
