"""The registry of versions in Git tags. It needs the standard library only."""
