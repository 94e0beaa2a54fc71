from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
from modelyard.runtime.quickscorer import QuickScorer
from modelyard.training.estimators import Inputs
from modelyard.training.export import quick, to_onnx
from sklearn.base import is_regressor
from sklearn.compose import make_column_transformer
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Lasso, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    OneHotEncoder,
    StandardScaler,
)
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from threadpoolctl import threadpool_limits

from flight_delays.model import linear

QUANTITIES, CATEGORIES = [0, 2, 4], [1, 3]
SEEN = [0, 2, 3, 5, 8, 12], [1, 4]  # the categories that training sees, of each categorical feature


@pytest.fixture(autouse=True)
def one_thread():
    with threadpool_limits(1):
        yield


def table(seed, rows=600, missing=0.1):
    """Quantities and, in the middle columns, categories."""
    random = np.random.default_rng(seed)
    made = random.normal(size=(rows, 5))
    for position, seen in zip(CATEGORIES, SEEN, strict=True):
        made[:, position] = random.choice(seen, size=rows)
    made[random.random(made.shape) < missing] = np.nan
    return made


def numbers(features):
    """A target to learn from categories, quantities and what is missing."""
    known = np.nan_to_num(features, nan=-2.0)
    return np.sin(2 * known[:, 0]) + known[:, 1] % 3 - known[:, 2] * known[:, 3] / 4 + np.abs(known[:, 4])


def classes(features, count):
    target = numbers(features)
    return np.searchsorted(np.quantile(target, np.linspace(0, 1, count + 1)[1:-1]), target)


def unseen(features):
    """Rows of every value there can be: categories that training never saw, huge numbers, nothing at all."""
    random = np.random.default_rng(1)
    made = features.copy()
    for position in CATEGORIES:
        made[:, position] = random.integers(0, 15, size=len(made))
    made[0], made[1], made[2] = np.nan, 1e30, -1e30
    made[3:9, 1] = [254, 255, 256, 300, 5_000, np.nan]
    return made


def session(model):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # several add up in an order of their own
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def answer(model, features):
    return session(model.SerializeToString()).run(["prediction"], {"features": features})[0]


def quick_answer(model, features):
    """What the tables of a QuickScorer answer, or None where the model has none."""
    quick = QuickScorer.from_metadata({one.key: one.value for one in model.metadata_props})
    if quick is None:
        return None
    return session(quick.link.tobytes()).run(["prediction"], {"sums": quick.sums(features)})[0]


def assert_same(estimator, features):
    if is_regressor(estimator):
        expected = estimator.predict(features)[:, None]
    else:
        expected = estimator.predict_proba(features)
        expected = expected[:, 1:] if expected.shape[1] == 2 else expected
    model = to_onnx(estimator, features.shape[1])
    found = answer(model, features)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)
    is_boosting = isinstance(estimator, (HistGradientBoostingClassifier, HistGradientBoostingRegressor))
    quick = quick_answer(model, features)
    asks = is_boosting and any(len(tree.nodes) > 1 for trees in estimator._predictors for tree in trees)
    assert (quick is not None) == asks
    if asks:
        np.testing.assert_array_equal(quick, found)  # to the last bit


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "quantile", "poisson", "gamma"])
def test_boosting_of_a_number_is_the_same(loss, seed):
    settings = {"quantile": 0.7} if loss == "quantile" else {}
    model = HistGradientBoostingRegressor(loss=loss, categorical_features=CATEGORIES, max_iter=30, **settings)
    target = numbers(table(seed))
    model.fit(table(seed), target - target.min() + 0.1)
    assert_same(model, unseen(table(seed)))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("count", [2, 3, 5])
def test_boosting_of_classes_is_the_same(count, seed):
    model = HistGradientBoostingClassifier(categorical_features=CATEGORIES, max_iter=30)
    model.fit(table(seed), classes(table(seed), count))
    assert_same(model, unseen(table(seed)))


def test_boosting_without_categories_is_the_same():
    model = HistGradientBoostingRegressor(max_iter=30).fit(table(0), numbers(table(0)))
    assert_same(model, unseen(table(0)))


def test_boosting_of_categories_alone_is_the_same():
    model = HistGradientBoostingRegressor(categorical_features=[0, 1], max_iter=30)
    model.fit(table(0)[:, CATEGORIES], numbers(table(0)))
    assert_same(model, unseen(table(0))[:, CATEGORIES])


def test_boosting_that_never_saw_a_missing_value_is_the_same_on_one():
    model = HistGradientBoostingClassifier(categorical_features=CATEGORIES, max_iter=30)
    model.fit(table(0, missing=0), classes(table(0, missing=0), 2))
    assert_same(model, unseen(table(0)))


@pytest.mark.parametrize("missing", [0, 0.3])
def test_boosting_of_as_many_categories_as_it_takes_is_the_same(missing):
    random = np.random.default_rng(0)
    category = 2.0 * random.permutation(np.arange(3000) % 255)
    target = random.normal(size=255)[(category / 2).astype(int)] + random.normal(size=3000) / 10
    category[random.random(3000) < missing] = np.nan
    model = HistGradientBoostingRegressor(categorical_features=[0], min_samples_leaf=5, max_iter=30)
    model.fit(category[:, None], target)
    assert_same(model, np.array([np.nan, *np.arange(600.0)])[:, None])


@pytest.mark.parametrize("leaves", [2, 31, 32, 33, 63, 64])
def test_boosting_of_so_many_leaves_is_the_same(leaves):
    random = np.random.default_rng(leaves)
    model = HistGradientBoostingRegressor(
        categorical_features=CATEGORIES, max_leaf_nodes=leaves, min_samples_leaf=1, max_iter=7
    )
    features = table(leaves, rows=5000)
    model.fit(features, numbers(features) + random.normal(size=len(features)))
    assert max(np.count_nonzero(tree[0].nodes["is_leaf"]) for tree in model._predictors) == leaves
    edges = features[np.arange(600), :].copy()
    for position in QUANTITIES:  # a value that is an edge itself, and its neighbours
        splits = [tree[0].nodes["num_threshold"] for tree in model._predictors]
        edges[:, position] = random.choice(np.concatenate(splits), size=600)
    assert_same(model, np.concatenate([unseen(features), edges, np.nextafter(edges, np.inf)]))


def test_trees_of_more_leaves_than_there_are_bits_have_no_tables():
    features = table(0, rows=5000)
    model = HistGradientBoostingRegressor(max_leaf_nodes=65, min_samples_leaf=1, max_iter=2)
    made = to_onnx(model.fit(features, numbers(features)), 5)
    assert quick_answer(made, features) is None
    assert len(answer(made, features)) == 5000


def test_tables_that_no_cache_holds_are_not_made(monkeypatch):
    model = HistGradientBoostingRegressor(max_iter=2).fit(table(0), numbers(table(0)))
    size = QuickScorer.from_metadata({one.key: one.value for one in to_onnx(model, 5).metadata_props}).masks.nbytes
    monkeypatch.setattr(quick, "MOST_BYTES", size - 1)
    assert quick_answer(to_onnx(model, 5), table(0)) is None
    monkeypatch.setattr(quick, "MOST_BYTES", size)
    assert quick_answer(to_onnx(model, 5), table(0)) is not None


def test_boosting_of_prepared_features_has_no_tables_of_the_features():
    model = make_pipeline(SimpleImputer(), HistGradientBoostingRegressor(max_iter=3))
    assert_same(model.fit(table(0), numbers(table(0))), table(0))


FORESTS = [RandomForestRegressor, ExtraTreesRegressor, RandomForestClassifier, ExtraTreesClassifier]
TREES = [DecisionTreeRegressor, DecisionTreeClassifier]


def fitted_forest(kind, count, features):
    settings = {"n_estimators": 8} if kind in FORESTS else {}
    model = kind(max_depth=7, random_state=0, **settings)
    return model.fit(features, numbers(features) if is_regressor(model) else classes(features, count))


@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize("kind", [*FORESTS, *TREES])
def test_trees_are_the_same(kind, count):
    assert_same(fitted_forest(kind, count, table(0)), unseen(table(0)))


@pytest.mark.parametrize("kind", [*FORESTS, *TREES])
def test_trees_that_never_saw_a_missing_value_are_the_same_without_one(kind):
    features = table(0, missing=0)
    assert_same(fitted_forest(kind, 2, features), np.nan_to_num(unseen(features)))


def test_trees_compare_in_single_precision_as_scikit_learn_does():
    features = np.array([[0.1], [0.2]])
    model = DecisionTreeRegressor().fit(features, [0, 1])
    near = np.nextafter(np.float32(model.tree_.threshold[0]), np.float32([-1, 1])).astype(np.float64)
    assert_same(model, np.linspace(*near, 1001)[:, None])


def test_boosting_of_a_category_that_tells_the_class_is_the_same():
    """Some of its trees are one leaf, others ask the first feature, which is the category."""
    kinds = np.arange(600)[:, None] % 3.0
    model = HistGradientBoostingClassifier(categorical_features=[0], max_iter=20, learning_rate=1.0).fit(
        kinds, kinds[:, 0] == 1
    )
    assert {1, 3} <= {len(tree.nodes) for (tree,) in model._predictors}
    assert_same(model, np.append(kinds, [[7.0], [np.nan]], axis=0))


@pytest.mark.parametrize("regression", [True, False])
@pytest.mark.parametrize("kind", ["boosting", "tree", "forest"])
def test_a_tree_of_a_single_leaf_is_the_same(kind, regression):
    model = {
        ("boosting", True): HistGradientBoostingRegressor(max_iter=2, min_samples_leaf=1000),
        ("boosting", False): HistGradientBoostingClassifier(max_iter=2, min_samples_leaf=1000),
        ("tree", True): DecisionTreeRegressor(min_samples_leaf=1000),
        ("tree", False): DecisionTreeClassifier(min_samples_leaf=1000),
        ("forest", True): RandomForestRegressor(3, min_samples_leaf=1000),
        ("forest", False): RandomForestClassifier(3, min_samples_leaf=1000),
    }[kind, regression]
    model.fit(table(0), numbers(table(0)) if regression else classes(table(0), 3))
    assert_same(model, unseen(table(0)))


@pytest.mark.parametrize(("regression", "count"), [(True, 0), (False, 2), (False, 3)])
def test_the_linear_model_is_the_same(regression, count):
    model = linear(Inputs(regression, QUANTITIES, CATEGORIES, seed=0, threads=1))
    model.fit(table(0), numbers(table(0)) if regression else classes(table(0), count))
    features = unseen(table(0))
    assert_same(model, features[np.abs(np.nan_to_num(features)).max(axis=1) < 1e6])


@pytest.mark.parametrize(
    "prepare",
    [
        StandardScaler(with_mean=False),
        StandardScaler(with_std=False),
        SimpleImputer(strategy="mean"),
        make_pipeline(SimpleImputer(strategy="constant", fill_value=-7), StandardScaler()),
        make_column_transformer((OneHotEncoder(), [3]), remainder="passthrough"),
        make_column_transformer((OneHotEncoder(), [3]), ("passthrough", [0]), ("drop", [1]), remainder="drop"),
        make_column_transformer((StandardScaler(), slice(0, 3)), (StandardScaler(), [])),
        make_column_transformer((StandardScaler(), [True, False, False, True, True])),
    ],
)
def test_preparation_is_the_same(prepare):
    features = table(0, missing=0)
    model = make_pipeline(prepare, Lasso(alpha=1e-3)).fit(features, numbers(features))
    assert_same(model, features)


def test_a_pipeline_of_trees_is_the_same():
    model = make_pipeline(SimpleImputer(), "passthrough", DecisionTreeClassifier(max_depth=5, random_state=0))
    assert_same(model.fit(table(0), classes(table(0), 3)), table(0))


@pytest.mark.parametrize(
    "estimator",
    [
        HistGradientBoostingClassifier(categorical_features=CATEGORIES, max_iter=5),
        RandomForestClassifier(5, random_state=0),
        make_pipeline(SimpleImputer(), LogisticRegression()),
    ],
)
def test_the_same_model_gives_the_same_bytes(estimator):
    estimator.fit(table(0), classes(table(0), 3))
    assert to_onnx(estimator, 5).SerializeToString() == to_onnx(estimator, 5).SerializeToString()
