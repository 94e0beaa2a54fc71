"""What can be exported: each kind of estimator and transformer, and what writes it."""

from __future__ import annotations

from . import (
    bayes,
    boosting,
    encoding,
    ensembles,
    expanding,
    kernels,
    lightgbm,
    linear,
    neighbours,
    neural,
    prepare,
    scaling,
    selecting,
    trees,
    wrappers,
    xgboost,
)
from .exporter import Converter, Converters

_LEAST_SQUARES = (
    "ARDRegression BayesianRidge ElasticNet ElasticNetCV HuberRegressor Lars LarsCV Lasso LassoCV LassoLars "
    "LassoLarsCV LassoLarsIC LinearRegression LinearSVR OrthogonalMatchingPursuit OrthogonalMatchingPursuitCV "
    "QuantileRegressor Ridge RidgeCV SGDRegressor TheilSenRegressor"
)
_TREES = "DecisionTree ExtraTree ExtraTrees RandomForest"
_SEARCHES = "GridSearchCV HalvingGridSearchCV HalvingRandomSearchCV RandomizedSearchCV"
_SELECTORS = "SelectFdr SelectFpr SelectFwe SelectKBest SelectPercentile GenericUnivariateSelect VarianceThreshold"
_SELECTORS_BY_MODEL = "RFE RFECV SelectFromModel SequentialFeatureSelector"


def _of(names: str, converter: Converter, package: str = "sklearn") -> Converters:
    return {f"{package}.{name}": converter for name in names.split()}


def _both(names: str) -> str:
    return " ".join(f"{name}{task}" for name in names.split() for task in ("Classifier", "Regressor"))


ESTIMATORS: Converters = {
    # Trees
    **_of(_both("HistGradientBoosting"), Converter(trees.add_boosting, scores=trees.add_boosting_scores)),
    **_of(_both(_TREES), Converter(trees.add_forest, labels=trees.add_forest_label)),
    **_of(
        _both("GradientBoosting"),
        Converter(
            boosting.add_gradient_boosting,
            scores=boosting.add_gradient_boosting_scores,
            refuse=boosting.refuse_gradient_boosting,
        ),
    ),
    **_of("AdaBoostClassifier", Converter(boosting.add_adaboost, scores=boosting.add_adaboost_scores)),
    **_of("AdaBoostRegressor", Converter(boosting.add_adaboost_regressor)),
    **_of(_both("LGBM"), Converter(lightgbm.add_lightgbm, refuse=lightgbm.refuse), "lightgbm"),
    **_of(_both("XGB"), Converter(xgboost.add_xgboost, refuse=xgboost.refuse), "modelyard"),
    # Linear
    **_of(_LEAST_SQUARES, Converter(linear.add_scores)),
    **_of("LinearSVC RidgeClassifier RidgeClassifierCV", Converter(scores=linear.add_scores)),
    **_of("LogisticRegression LogisticRegressionCV", Converter(linear.add_probabilities, scores=linear.add_scores)),
    **_of("LinearDiscriminantAnalysis", Converter(linear.add_probabilities, scores=linear.add_scores)),
    **_of("SGDClassifier", Converter(linear.add_one_against_rest, scores=linear.add_scores, refuse=linear.refuse_sgd)),
    **_of("GammaRegressor PoissonRegressor TweedieRegressor", Converter(linear.add_exp)),
    **_of("QuadraticDiscriminantAnalysis", Converter(linear.add_quadratic)),
    # Kernels, neighbours, probabilities, layers
    **_of("SVC NuSVC", Converter(scores=kernels.add_svc_scores, refuse=kernels.refuse_svc)),
    **_of("SVR NuSVR", Converter(kernels.add_svr, refuse=kernels.refuse_kernel)),
    **_of("KernelRidge", Converter(kernels.add_kernel_ridge, refuse=kernels.refuse_kernel)),
    **_of(_both("KNeighbors"), Converter(neighbours.add_neighbours, refuse=neighbours.refuse), "modelyard"),
    **_of("GaussianNB", Converter(bayes.add_gaussian)),
    **_of("MultinomialNB", Converter(bayes.add_multinomial)),
    **_of("ComplementNB", Converter(bayes.add_complement)),
    **_of("BernoulliNB", Converter(bayes.add_bernoulli)),
    **_of("CategoricalNB", Converter(bayes.add_categorical)),
    **_of(_both("MLP"), Converter(neural.add_perceptron)),
    **_of("IsotonicRegression", Converter(wrappers.add_isotonic, refuse=wrappers.refuse_isotonic)),
    **_of(_both("Dummy"), Converter(wrappers.add_constant, refuse=wrappers.refuse_dummy)),
    # Around others
    **_of("Pipeline", Converter(prepare.add_steps, through=wrappers.through_pipeline)),
    **_of(_both("Bagging"), Converter(ensembles.add_bagging)),
    **_of("VotingClassifier", Converter(ensembles.add_voting, refuse=ensembles.refuse_hard)),
    **_of("VotingRegressor", Converter(ensembles.add_voting)),
    **_of(_both("Stacking"), Converter(through=ensembles.through_stacking)),
    **_of("OneVsRestClassifier", Converter(ensembles.add_one_against_rest)),
    **_of("CalibratedClassifierCV", Converter(wrappers.add_calibrated)),
    **_of("TransformedTargetRegressor", Converter(wrappers.add_transformed_target, refuse=wrappers.refuse_target)),
    **_of(_SEARCHES, Converter(through=wrappers.through_search, refuse=wrappers.refuse_search)),
    **_of("FixedThresholdClassifier TunedThresholdClassifierCV", Converter(through=wrappers.through_fitted)),
    **_of("FrozenEstimator", Converter(through=wrappers.through_frozen)),
}
TRANSFORMERS: Converters = {
    "builtins.str": Converter(prepare.add_as_it_is),  # "passthrough"
    **_of("ColumnTransformer", Converter(prepare.add_columns)),
    **_of("FeatureUnion", Converter(prepare.add_union)),
    **_of("FunctionTransformer", Converter(prepare.add_function, refuse=prepare.refuse_function)),
    **_of("SimpleImputer", Converter(prepare.add_imputer, refuse=prepare.refuse_other_missing)),
    **_of("MissingIndicator", Converter(prepare.add_indicator, refuse=prepare.refuse_other_missing)),
    **_of("StandardScaler", Converter(scaling.add_standard)),
    **_of("RobustScaler", Converter(scaling.add_robust)),
    **_of("MinMaxScaler", Converter(scaling.add_min_max)),
    **_of("MaxAbsScaler", Converter(scaling.add_max_abs)),
    **_of("Binarizer", Converter(scaling.add_binarizer)),
    **_of("Normalizer", Converter(scaling.add_normalizer)),
    **_of("PowerTransformer", Converter(scaling.add_power)),
    **_of("QuantileTransformer", Converter(scaling.add_quantile)),
    **_of("OneHotEncoder", Converter(encoding.add_one_hot)),
    **_of("OrdinalEncoder", Converter(encoding.add_ordinal)),
    **_of("TargetEncoder", Converter(encoding.add_target)),
    **_of("KBinsDiscretizer", Converter(encoding.add_bins)),
    **_of("PolynomialFeatures", Converter(expanding.add_polynomial)),
    **_of("SplineTransformer", Converter(expanding.add_spline, refuse=expanding.refuse_spline)),
    **_of("RBFSampler", Converter(expanding.add_rbf_sampler)),
    **_of("PCA", Converter(selecting.add_pca)),
    **_of("TruncatedSVD", Converter(selecting.add_svd)),
    **_of(_SELECTORS, Converter(selecting.add_selector)),
    **_of(_SELECTORS_BY_MODEL, Converter(selecting.add_selector, inside=False)),
}
CONVERTERS: Converters = {**ESTIMATORS, **TRANSFORMERS}
# Those that a class of ours with the same name stands for
REFUSED: Converters = {
    **_of(_both("XGB"), Converter(refuse=xgboost.refuse_single), "xgboost"),
    **_of(_both("KNeighbors"), Converter(refuse=neighbours.refuse_unordered)),
}


def names(converters: Converters) -> list[str]:
    """The names of the kinds, in order."""
    return sorted({kind.rpartition(".")[2] for kind in converters if not kind.startswith("builtins.")})
