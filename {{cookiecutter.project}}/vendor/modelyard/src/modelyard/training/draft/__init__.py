"""Drafting contract.yaml from data that somebody brings."""
