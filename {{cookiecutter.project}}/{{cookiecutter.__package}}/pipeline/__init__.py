"""The stages of dvc.yaml, a module each: what makes a bundle from the source."""
