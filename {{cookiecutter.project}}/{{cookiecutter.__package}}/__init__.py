"""The model: its features and its estimators. Everything else is the library's."""

from modelyard import Project

from .features import features

project = Project(__name__, features)
Predictor = project.predictor
