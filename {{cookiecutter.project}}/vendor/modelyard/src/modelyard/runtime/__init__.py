"""Answering rows with a bundle: contract, rows, model. It needs numpy and onnxruntime only."""
