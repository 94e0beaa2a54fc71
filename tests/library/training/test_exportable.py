from __future__ import annotations

import re

import lightgbm
import numpy as np
import pytest
import xgboost
from modelyard.errors import ContractError
from modelyard.training.export.check import check_exportable
from modelyard.training.export.registry import ESTIMATORS, TRANSFORMERS, names
from sample import ROOT
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor, make_column_transformer
from sklearn.ensemble import (
    BaggingRegressor,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    StackingRegressor,
    VotingClassifier,
)
from sklearn.feature_selection import SelectFromModel
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.impute import KNNImputer, SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier, SGDClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, PowerTransformer, QuantileTransformer, SplineTransformer
from sklearn.svm import SVC, SVR


def own_function(values):
    return values + 1


@pytest.mark.parametrize(
    ("estimator", "message"),
    [
        (GaussianProcessRegressor(), "GaussianProcessRegressor cannot be exported; ARDRegression, .*XGBRegressor can"),
        (make_pipeline(KNNImputer(), Ridge()), "KNNImputer cannot be exported; Binarizer, .*TruncatedSVD"),
        (make_pipeline(make_column_transformer((KNNImputer(), [0])), Ridge()), "KNNImputer cannot be exported"),
        (GridSearchCV(GaussianProcessRegressor(), {}), "GaussianProcessRegressor cannot"),
        (BaggingRegressor(GaussianProcessRegressor()), "GaussianProcessRegressor cannot"),
        (StackingRegressor([("one", GaussianProcessRegressor())]), "GaussianProcessRegressor cannot"),
        (RidgeClassifier(), "RidgeClassifier gives no probabilities .* CalibratedClassifierCV"),
        (SVC(), "SVC gives no probabilities"),
        (VotingClassifier([("one", LogisticRegression())]), "with voting='soft' only"),
        (SGDClassifier("modified_huber"), "with loss='log_loss' only"),
        (SVR(kernel=own_function), "with the kernels linear, poly, rbf, sigmoid only"),
        (
            KNeighborsClassifier(),
            "KNeighborsClassifier of scikit-learn takes any; import it with `from modelyard import K",
        ),
        (GradientBoostingRegressor(init=Ridge()), "with init=None or 'zero' only"),
        (
            xgboost.XGBClassifier(),
            "XGBClassifier of xgboost adds up in float32.* `from modelyard import XGBClassifier`",
        ),
        (lightgbm.LGBMRegressor(linear_tree=True), "without linear_tree only"),
        (lightgbm.LGBMRegressor(zero_as_missing=True), "without zero_as_missing only"),
        (
            lightgbm.LGBMRegressor(objective="cross_entropy"),
            "with the objectives regression, .*only, not 'cross_entropy'",
        ),
        (lightgbm.LGBMRegressor(objective=own_function), "with the objectives regression"),
        (
            TransformedTargetRegressor(Ridge(), func=np.cbrt, inverse_func=own_function),
            "a target can be transformed back",
        ),
        (TransformedTargetRegressor(Ridge(), transformer=QuantileTransformer()), "a target can be transformed back"),
        (
            make_pipeline(FunctionTransformer(own_function), Ridge()),
            "without a function or with numpy.exp, .*features.py",
        ),
        (make_pipeline(SimpleImputer(missing_values=-1), Ridge()), "SimpleImputer can be exported with missing_values"),
        (make_pipeline(SplineTransformer(extrapolation="periodic"), Ridge()), "SplineTransformer can be exported with"),
    ],
)
def test_what_cannot_be_exported_is_refused_with_what_can_or_how(estimator, message):
    with pytest.raises(ContractError, match=message):
        check_exportable(estimator)


@pytest.mark.parametrize(
    "estimator",
    [
        HistGradientBoostingClassifier(),
        lightgbm.LGBMRegressor(objective="mse", boosting_type="dart"),
        CalibratedClassifierCV(SVC()),
        make_pipeline(SelectFromModel(GaussianProcessRegressor()), Ridge()),  # it only chose columns
        make_pipeline("passthrough", None, make_column_transformer(("drop", [0]), remainder="passthrough"), Ridge()),
        make_pipeline(
            PowerTransformer(), VotingClassifier([("one", LogisticRegression()), ("two", "drop")], voting="soft")
        ),
    ],
)
def test_what_can_be_exported_is_not_refused(estimator):
    check_exportable(estimator)


def test_the_page_lists_what_can_be_exported():
    words = set(re.findall(r"\w+", (ROOT / "docs/estimators.md").read_text(encoding="utf-8")))
    known = {re.sub(r"(Classifier|Regressor)?(CV)?$", "", name) for name in names({**ESTIMATORS, **TRANSFORMERS})}
    assert known - words == set()
