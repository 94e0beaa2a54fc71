"""What workflows and `make` call. It may use the package; nothing of the package uses it."""
