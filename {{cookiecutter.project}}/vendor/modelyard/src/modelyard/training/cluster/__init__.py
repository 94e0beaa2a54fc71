"""Trials on a Dask cluster: where it is, what travels to its workers, and one on this machine."""
