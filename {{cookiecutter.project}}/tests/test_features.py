"""What features.py must keep, whatever it makes. Add the tests of your own features below.

`table`, `rows` and `columns` are the same rows in three forms: made from contract.yaml and, where the pipeline has run,
some of your data too. These fixtures come from modelyard.testing.plugin.
"""

from __future__ import annotations

from datetime import datetime

import numpy as np
from modelyard.testing import features as check


def test_features_are_arrays_of_numbers(features, columns):
    check.check_arrays(features, columns)


def test_no_feature_is_infinite(features, columns):
    check.check_no_infinity(features, columns)


def test_each_row_is_answered_from_that_row_alone(features, columns):
    check.check_rows_alone(features, columns)


def test_the_same_rows_have_the_same_features_again(features, columns):
    check.check_twice(features, columns)


def test_the_inputs_stay_as_they_are(features, columns):
    check.check_inputs_unchanged(features, columns)


def test_the_target_is_not_looked_at(features, columns):
    check.check_inputs_only(features, columns)


def test_training_and_serving_see_the_same_features(features, table):
    check.check_parity(features, table)


def test_a_timestamp_is_the_hour_of_its_day_and_the_day_of_its_week(features, rows, contract):
    """An example for tests of your own; it goes when features.py makes no hours and weekdays any more."""
    made = features.of_rows(rows)
    for name in [name for name in contract.inputs if f"{name}_hour" in made and f"{name}_weekday" in made]:
        moments = [datetime.fromisoformat(row[name]) if row[name] else None for row in rows]
        hours = [moment.hour if moment else np.nan for moment in moments]
        weekdays = [moment.weekday() if moment else np.nan for moment in moments]
        np.testing.assert_array_equal(np.floor(made[f"{name}_hour"]), hours)
        np.testing.assert_array_equal(made[f"{name}_weekday"], weekdays)
