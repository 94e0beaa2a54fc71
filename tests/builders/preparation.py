"""Builders of a linear model after each kind of preparation."""

from __future__ import annotations

import numpy as np
from sklearn import decomposition, feature_selection, kernel_approximation, preprocessing
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.pipeline import make_pipeline, make_union

from .kind import Kind
from .prepared import after, fill, linear, prepare


def _unknown() -> preprocessing.OrdinalEncoder:
    return preprocessing.OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2)


PREPARATION: dict[str, Kind] = {
    "imputer with indicator": Kind(
        lambda inputs: make_pipeline(SimpleImputer(add_indicator=True), preprocessing.StandardScaler(), linear(inputs))
    ),
    "MinMaxScaler": Kind(lambda inputs: after(inputs, preprocessing.MinMaxScaler())),
    "MaxAbsScaler": Kind(lambda inputs: after(inputs, preprocessing.MaxAbsScaler())),
    "RobustScaler": Kind(lambda inputs: after(inputs, preprocessing.RobustScaler())),
    "Normalizer": Kind(lambda inputs: after(inputs, preprocessing.Normalizer())),
    "Binarizer": Kind(lambda inputs: after(inputs, preprocessing.Binarizer(threshold=3))),
    "PowerTransformer": Kind(
        lambda inputs: after(inputs, preprocessing.MinMaxScaler(clip=True), preprocessing.PowerTransformer())
    ),
    "QuantileTransformer": Kind(lambda inputs: after(inputs, preprocessing.QuantileTransformer(n_quantiles=50))),
    "QuantileTransformer, normal": Kind(
        lambda inputs: after(inputs, preprocessing.QuantileTransformer(n_quantiles=50, output_distribution="normal"))
    ),
    "PolynomialFeatures": Kind(
        lambda inputs: after(inputs, preprocessing.MinMaxScaler(clip=True), preprocessing.PolynomialFeatures(2))
    ),
    "SplineTransformer": Kind(lambda inputs: after(inputs, preprocessing.SplineTransformer())),
    "SplineTransformer, linear": Kind(
        lambda inputs: after(inputs, preprocessing.SplineTransformer(extrapolation="linear", include_bias=False))
    ),
    "KBinsDiscretizer": Kind(
        lambda inputs: after(inputs, preprocessing.KBinsDiscretizer(4, quantile_method="averaged_inverted_cdf"))
    ),
    "OneHotEncoder, grouped": Kind(
        lambda inputs: after(
            inputs,
            categories=preprocessing.OneHotEncoder(
                min_frequency=30, handle_unknown="infrequent_if_exist", sparse_output=False, drop="first"
            ),
        )
    ),
    "OrdinalEncoder": Kind(lambda inputs: after(inputs, categories=_unknown())),
    "TargetEncoder": Kind(
        lambda inputs: after(inputs, categories=preprocessing.TargetEncoder(random_state=0, shuffle=True))
    ),
    "FunctionTransformer, numpy": Kind(
        lambda inputs: after(inputs, preprocessing.MinMaxScaler(clip=True), preprocessing.FunctionTransformer(np.log1p))
    ),
    "FeatureUnion": Kind(
        lambda inputs: after(inputs, make_union(preprocessing.StandardScaler(), decomposition.PCA(2, random_state=0)))
    ),
    "PCA": Kind(
        lambda inputs: after(inputs, preprocessing.StandardScaler(), decomposition.PCA(3, whiten=True, random_state=0))
    ),
    "TruncatedSVD": Kind(lambda inputs: after(inputs, decomposition.TruncatedSVD(3, random_state=0))),
    "RBFSampler": Kind(
        lambda inputs: after(
            inputs,
            preprocessing.MinMaxScaler(clip=True),
            kernel_approximation.RBFSampler(n_components=10, random_state=0),
        )
    ),
    "SelectKBest": Kind(
        lambda inputs: make_pipeline(
            prepare(inputs),
            feature_selection.SelectKBest(
                feature_selection.f_regression if inputs.regression else feature_selection.f_classif, k=4
            ),
            linear(inputs),
        )
    ),
    "RFE": Kind(
        lambda inputs: make_pipeline(prepare(inputs), feature_selection.RFE(linear(inputs), step=5), linear(inputs))
    ),
    "MissingIndicator": Kind(
        lambda inputs: make_pipeline(make_union(fill(), MissingIndicator(features="all")), linear(inputs))
    ),
    "VarianceThreshold": Kind(lambda inputs: after(inputs, feature_selection.VarianceThreshold(1e-4))),
}
