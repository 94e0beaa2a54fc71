"""Packaging a model, testing the packages, and the registry of its versions."""
