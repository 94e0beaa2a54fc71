from __future__ import annotations

import json

import pytest
from modelyard.errors import ContractError
from modelyard.serving.config import Config, read_config


@pytest.fixture
def read(tmp_path):
    """Reads a configuration that is given as an object or as text."""

    def read(content):
        path = tmp_path / "serving.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return read_config(path)

    return read


def test_one_model_is_enough(read):
    config = read({"models": {"flights": {}}})
    assert config == Config(config.models)
    assert (config.main, config.workers, config.deadline_ms, config.body_mb) == ("flights", 0, 200, 16)


def test_all_keys_are_read(read):
    config = read(
        {
            "models": {
                "a": {
                    "bundle": "/a",
                    "fallback": "/b",
                    "shadow": "/c",
                    "split": {"bundle": "/d", "key": "dest", "share": 0.1},
                },
                "b": {"bundle": None},
            },
            "default": "b",
            "workers": 2,
            "host": "::1",
            "port": 0,
            "deadline_ms": 50,
            "body_mb": 1.5,
            "rows": 10,
            "rate": {"per_second": 5, "burst": 9},
            "access": {
                "keys": "/k",
                "oidc": {"issuer": "https://i", "audience": "a", "jwks": "/j", "roles": "realm.roles"},
            },
            "log": {"folder": "/l", "flush_seconds": 1, "file_mb": 2, "files": 3},
            "variant": "canary",
        }
    )
    assert config.main == "b"
    assert config.models["a"].split.share == 0.1
    assert config.access.oidc.roles == "realm.roles"
    assert (config.log.files, config.rate.burst, config.variant) == (3, 9, "canary")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"models": {"a": {}}, "prot": 1}, "serving.json: prot: there is no such key; there are: models, default, "),
        ({"models": {"a": {"bundel": "x"}}}, "models.a.bundel: there is no such key; there are: bundle, fallback, "),
        ({"models": {"a": {"split": {"x": 1}}}}, "a.split.x: there is no such key; there are: bundle, key, share"),
        ({"models": {"a": {}}, "access": {"oidc": {"y": 1}}}, "access.oidc.y: there is no such key"),
        ({"models": {"a": {}}, "port": "80"}, 'port: Expected `int`, got `str`; given was "80"'),
        ({"models": {"a": {}}, "port": 65536}, "port: Expected `int` <= 65535; given was 65536"),
        ({"models": {"a": {"bundle": 3}}}, "models.a.bundle: Expected `str | null`, got `int`; given was 3"),
        ({"models": {"a": {}}, "deadline_ms": 0}, "deadline_ms: Expected `float` > 0.0; given was 0"),
        ({"models": {"a": {}}, "log": {}}, "log: Object missing required field `folder`"),
        ({"models": {"a": {}, "b": {}}}, "default is missing: it says which of a, b answers /predict"),
        ({"models": {"a": {}}, "default": "c"}, "default: 'c' is none of the models: a"),
        ({"models": {}}, "models is empty"),
        ({"models": {"a/b": {}}}, "models: 'a/b' must be letters"),
        ({"models": []}, "models: Expected `object`, got `array`"),
        ({}, "missing required field `models`"),
        ([], "Expected `object`, got `array`"),
        ("{", "serving.json is no JSON: "),
    ],
)
def test_what_is_wrong_is_named(read, content, said):
    with pytest.raises(ContractError) as refused:
        read(content)
    assert said in str(refused.value)


def test_every_unknown_key_is_named_at_once(read):
    with pytest.raises(ContractError) as refused:
        read({"models": {"a": {"x": 1}}, "y": 2})
    assert len(str(refused.value).splitlines()) == 2


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ContractError, match=r"none\.json: No such file"):
        read_config(tmp_path / "none.json")
