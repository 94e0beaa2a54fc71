from __future__ import annotations

import subprocess
import sys

import pytest
from modelyard.errors import ContractError
from modelyard.serving.access.access import Access
from modelyard.serving.access.key import add
from modelyard.serving.config import AccessConfig, OidcConfig
from modelyard.serving.refusal import Refusal


@pytest.fixture
def shop(tmp_path):
    """A key that may predict and read, in keys.json."""
    return add(tmp_path / "keys.json", "shop", ["predict", "read"]).encode()


@pytest.fixture
def access(tmp_path, shop):  # noqa: ARG001, it writes the file
    return Access.from_config(AccessConfig(keys=str(tmp_path / "keys.json")), open_=False)


def refused(access, headers, role="predict"):
    with pytest.raises(Refusal) as found:
        access.check(headers, role)
    return found.value


@pytest.mark.parametrize("scheme", [b"Bearer ", b"bearer ", b"BEARER  "])
def test_a_key_lets_in_as_bearer_whatever_the_case_of_the_scheme(access, shop, scheme):
    caller = access.check([(b"host", b"x"), (b"authorization", scheme + shop)], "read")
    assert caller.name == "shop"
    assert caller.roles == {"predict", "read"}


def test_a_key_lets_in_as_x_api_key_beside_what_a_proxy_asked_for(access, shop):
    assert access.check([(b"authorization", b"Basic cHJveHk6eA=="), (b"x-api-key", shop)], "predict").name == "shop"


@pytest.mark.parametrize("headers", [[], [(b"host", b"x")], [(b"authorization", b"Basic cHJveHk6eA==")]])
def test_who_gives_nothing_is_asked_who_they_are(access, headers):
    found = refused(access, headers)
    assert (found.status, found.title) == (401, "Unauthorized")
    assert found.headers == [(b"www-authenticate", b'Bearer realm="predictions"')]
    assert "X-API-Key" in found.detail


@pytest.mark.parametrize(
    "headers",
    [
        [(b"x-api-key", b"")],
        [(b"x-api-key", b"hush")],
        [(b"authorization", b"Bearer hush")],
        [(b"authorization", b"Bearer ")],
        [(b"authorization", b"Bearer a.b.c")],
        [(b"x-api-key", b"\xff\x00")],
    ],
)
def test_a_key_that_is_unknown_is_refused_without_a_word_of_it(access, headers):
    found = refused(access, headers)
    assert found.status == 401
    assert b'error="invalid_token"' in dict(found.headers)[b"www-authenticate"]
    assert "hush" not in f"{found} {found.headers}"


def test_a_key_that_is_almost_right_is_refused(access, shop):
    for wrong in (shop[:-1], shop + b"x", shop.swapcase()):
        assert refused(access, [(b"x-api-key", wrong)]).status == 401


def test_two_keys_are_refused_even_where_both_are_right(access, shop):
    for names in ([b"x-api-key", b"x-api-key"], [b"authorization", b"x-api-key"], [b"x-api-key", b"authorization"]):
        given = [(name, b"Bearer " * (name == b"authorization") + shop) for name in names]
        assert refused(access, given).detail == "more than one key or token was given"


def test_a_role_that_the_key_has_not_is_forbidden(access, shop):
    found = refused(access, [(b"x-api-key", shop)], "admin")
    assert (found.status, found.detail) == (403, "shop has no role admin")
    assert b'error="insufficient_scope", scope="admin"' in dict(found.headers)[b"www-authenticate"]


def test_admin_holds_no_other_role(tmp_path):
    key = add(tmp_path / "keys.json", "boss", ["admin"]).encode()
    access = Access.from_config(AccessConfig(keys=str(tmp_path / "keys.json")), open_=False)
    assert access.check([(b"x-api-key", key)], "admin").name == "boss"
    assert refused(access, [(b"x-api-key", key)], "predict").status == 403


def test_an_open_service_lets_anyone_predict_and_read_and_nobody_be_admin():
    access = Access.from_config(None, open_=True)
    assert access.check([], "predict") == access.check([(b"x-api-key", b"whatever")], "read")
    found = refused(access, [], "admin")
    assert found.status == 403
    assert "--open, where nobody has it" in found.detail


@pytest.mark.parametrize("config", [None, AccessConfig()])
def test_a_service_that_nobody_could_call_does_not_start_and_says_what_to_do(config):
    with pytest.raises(ContractError, match=r"nobody could call .* `key NAME` .* `access.oidc`, or say --open"):
        Access.from_config(config, open_=False)


@pytest.mark.usefixtures("shop")
def test_open_and_access_contradict_each_other(tmp_path):
    with pytest.raises(ContractError, match="leave out one of the two"):
        Access.from_config(AccessConfig(keys=str(tmp_path / "keys.json")), open_=True)


@pytest.mark.usefixtures("shop")
def test_without_tokens_their_library_is_not_loaded(tmp_path):
    code = (
        "import sys; from modelyard.serving.access.access import *;"
        f"Access.from_config(AccessConfig(keys={str(tmp_path / 'keys.json')!r}), False);"
        "assert not {'jwt', 'cryptography'} & sys.modules.keys()"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_where_the_library_is_missing_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "jwt", None)
    monkeypatch.delitem(sys.modules, "modelyard.serving.access.oidc", raising=False)
    with pytest.raises(ContractError, match=r"`access.oidc` needs jwt; install \w+\[oidc\]"):
        Access.from_config(AccessConfig(oidc=OidcConfig("i", "a", "j")), open_=False)
