"""Checks for the tests of a project that hold for any data, features and estimators.

`plugin` is the pytest plugin with the fixtures. The other modules have the checks, which the files in a project's
`tests/` call. Each check raises an AssertionError that says what is wrong and where to change it.
"""
