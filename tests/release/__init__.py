"""Releases and deployments, with the real engine."""
