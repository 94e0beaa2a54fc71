"""Deploying a version: canary, promotion and rollback, whatever the target."""
