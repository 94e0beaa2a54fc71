"""Rows from the source to training: sources, validation, periods, ledger."""
