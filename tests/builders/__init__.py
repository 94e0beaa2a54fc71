"""Estimators as teams build them, each fitted on real data and exported: whether the export answers as they do."""
