from __future__ import annotations

import numpy as np
import onnx
import pytest
from modelyard.errors import ContractError
from modelyard.training.data.dataset import read_rows
from modelyard.training.export.graph import Graph
from modelyard.training.fit import fit
from modelyard.training.train import export
from onnx import TensorProto, helper
from sklearn.base import BaseEstimator, ClassifierMixin

from flight_delays.model import ESTIMATORS

from .test_train import with_model


class Rule(ClassifierMixin, BaseEstimator):
    """No converter knows it: the probability is higher at a high value of the first feature."""

    def __init__(self, change=lambda model: model, away=0.0):
        self.change, self.away = change, away

    def fit(self, table, target):
        self.classes_, self.edge_ = np.unique(target), np.nanmedian(table[:, 0])
        return self

    def predict_proba(self, table):
        second = np.where(table[:, 0] > self.edge_, 0.75, 0.25)
        return np.column_stack((1 - second, second))

    def to_onnx(self, features):
        graph = Graph(features)
        is_above = graph.add("Greater", graph.columns(graph.input, [0]), graph.constant(self.edge_))
        low, high = graph.constant(0.25), graph.constant(0.75 + self.away)
        return self.change(graph.model(graph.add("Where", is_above, high, low)))


@pytest.fixture
def trained(made, monkeypatch):
    """The rule with these settings, fitted; and how to export it."""

    def make(path, **settings):
        rows = read_rows(made.root, made.contract, made.params, "validation")
        monkeypatch.setitem(ESTIMATORS, "rule", lambda _: Rule(**settings))
        fitted = fit(made.project, rows, made.contract, with_model(made.params, "rule"))
        return export(made.project, fitted, path, made.contract, [rows])

    return make


def test_a_graph_of_ones_own_is_exported_and_checked_as_others_are(trained, tmp_path):
    assert trained(tmp_path / "model.onnx") == 0
    onnx.checker.check_model(onnx.load(tmp_path / "model.onnx"))


def test_a_graph_that_answers_otherwise_than_its_estimator_is_refused(trained, tmp_path):
    with pytest.raises(ContractError, match="away from the estimator, more than 1e-09"):
        trained(tmp_path / "model.onnx", away=0.01)
    assert not (tmp_path / "model.onnx").exists()


def renamed(model):
    model.graph.output[0].name = model.graph.node[-1].output[0] = "answer"
    return model


def single(model):
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.FLOAT
    return model


def narrow(model):
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 2
    return model


def foreign(model):
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    return model


def unfinished(model):
    model.graph.node[-1].input[0] = "nothing"
    return model


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda model: model.SerializeToString(), "to_onnx must return an onnx.ModelProto, not bytes"),
        (renamed, r"has answer \(DOUBLE\) where prediction \(DOUBLE\) must be"),
        (single, r"has features \(FLOAT\) where features \(DOUBLE\) must be"),
        (narrow, "takes 2 features; there are"),
        (foreign, "has operators of com.microsoft, not of ONNX alone"),
        (unfinished, "returned a graph that is not valid"),
    ],
)
def test_a_graph_that_cannot_be_served_is_refused(change, message, trained, tmp_path):
    with pytest.raises(ContractError, match=message):
        trained(tmp_path / "model.onnx", change=change)
