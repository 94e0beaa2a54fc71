"""Tests of the service's image before it is pushed."""
