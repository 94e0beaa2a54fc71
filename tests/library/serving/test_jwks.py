from __future__ import annotations

import json
import threading
import time

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from modelyard.errors import ContractError
from modelyard.serving.access import jwks as module
from modelyard.serving.access.jwks import key_set, public_keys


def jwk(**more):
    made = jwt.get_algorithm_by_name("ES256").to_jwk(ec.generate_private_key(ec.SECP256R1()).public_key())
    return json.loads(made) | {"kid": "one"} | more


def raw(*keys):
    return json.dumps({"keys": keys}).encode()


def until(reached, seconds=20.0):
    """Wait until something is so; a test that waits in vain fails."""
    ends = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < ends, "waited in vain"
        time.sleep(0.01)


@pytest.fixture
def remote(provider):
    """Makes the keys at the provider's address, which end with the test."""
    opened = []

    def make():
        opened.append(key_set(provider.address))
        return opened[-1]

    yield make
    for one in opened:
        one.close()


def test_only_keys_that_can_check_a_signature_are_taken():
    keys = public_keys(
        raw(jwk(), jwk(kid="two", use="enc"), {"kty": "oct", "k": "c2VjcmV0"}, jwk(kid="3", alg="RS256"))
    )
    assert list(keys) == [("one", "ES256")]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"{", "no JWK set"),
        (b"[]", "no JWK set"),
        (b"\xff", "no JWK set"),
        (b'{"keys": [1]}', "no JWK set"),
        (b'{"keys": []}', "no public key"),
        (b'{"keys": [{"kty": "oct", "k": "c2VjcmV0", "alg": "HS256"}]}', "no public key"),
        (b'{"keys": [{"kty": "RSA", "n": "x", "e": "AQAB"}]}', "no public key"),
        (b'{"keys": [{"kty": "EC", "crv": "P-256", "use": "enc"}]}', "no public key"),
    ],
)
def test_a_key_set_that_checks_nothing_is_refused(content, told, tmp_path):
    path = tmp_path / "jwks.json"
    path.write_bytes(content)
    with pytest.raises(ContractError, match=rf"access.oidc.jwks: .*jwks.json: .*{told}"):
        key_set(str(path))


def test_a_file_that_is_not_there_is_refused_at_the_start(tmp_path):
    with pytest.raises(ContractError, match="No such file"):
        key_set(str(tmp_path / "none.json"))


def test_a_changed_file_is_taken_and_a_broken_or_vanished_one_is_said_once(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(module, "LOOK_EVERY", 0)
    path = tmp_path / "jwks.json"
    path.write_bytes(raw(jwk()))
    keys = key_set(str(path))
    first = keys.current()
    assert keys.current() is first
    path.write_text("{")
    assert [keys.current() is first for _ in range(3)] == [True] * 3
    path.unlink()
    assert [keys.current() is first for _ in range(3)] == [True] * 3
    assert caplog.text.count("the provider's keys from before stay in use") == 2
    path.write_bytes(raw(jwk(kid="two")))
    assert list(keys.current()) == [("two", "ES256")]
    assert not keys.look_for_more()


@pytest.mark.parametrize("address", ["http://login.example.org/keys", "ftp://127.0.0.1/keys"])
def test_keys_over_an_address_that_anybody_could_answer_are_refused(address):
    with pytest.raises(ContractError, match="could be anybody's; give https, or a file"):
        key_set(address)


def test_keys_at_an_address_are_fetched_in_the_background(provider, remote):
    provider.raw = raw(jwk())
    keys = remote()
    until(lambda: not keys.look_for_more())
    assert list(keys.current()) == [("one", "ES256")]
    assert provider.asked == 1


def test_more_keys_are_looked_for_when_asked_but_not_at_each_request(provider, remote, monkeypatch):
    provider.raw = raw(jwk())
    keys = remote()
    until(lambda: not keys.look_for_more())
    monkeypatch.setattr(module, "AGAIN", 0)
    provider.raw = raw(jwk(), jwk(kid="two"))
    assert keys.look_for_more()
    monkeypatch.undo()
    until(lambda: not keys.look_for_more())
    assert list(keys.current()) == [("one", "ES256"), ("two", "ES256")]
    assert [keys.look_for_more() for _ in range(5)] == [False] * 5
    assert provider.asked == 2


def test_the_same_answer_leaves_the_same_keys(provider, remote, monkeypatch):
    provider.raw = raw(jwk())
    keys = remote()
    until(lambda: not keys.look_for_more())
    first = keys.current()
    monkeypatch.setattr(module, "AGAIN", 0)
    assert keys.look_for_more()
    monkeypatch.undo()
    until(lambda: not keys.look_for_more())
    assert keys.current() is first


@pytest.mark.parametrize(
    ("status", "content"),
    [(500, b""), (302, b""), (200, b"{"), (200, b"x" * 1_000_001)],
    ids=["error", "elsewhere", "broken", "large"],
)
def test_a_provider_that_gives_no_keys_is_said_and_asked_again(provider, remote, status, content, caplog, monkeypatch):
    monkeypatch.setattr(module, "TIMEOUT", 0.1)
    provider.status, provider.raw = status, content
    keys = remote()
    until(lambda: provider.asked >= 2)
    assert f"access.oidc.jwks: {provider.address}: " in caplog.text
    assert keys.look_for_more()
    assert keys.current() == {}
    provider.status, provider.raw = 200, raw(jwk())
    until(keys.current)


def test_nothing_runs_on_after_the_close(provider, remote):
    provider.raw = raw(jwk())
    keys = remote()
    keys.close()
    until(lambda: not [thread for thread in threading.enumerate() if thread.name == "jwks"])
