"""Requests and responses: routes, limits, descriptions."""
