"""Rows from a stream of messages, answered into another one."""
