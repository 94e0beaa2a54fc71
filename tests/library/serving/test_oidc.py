from __future__ import annotations

import json
import time

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from modelyard.serving.access import jwks
from modelyard.serving.access import oidc as module
from modelyard.serving.access.access import Access
from modelyard.serving.access.oidc import KeysMissing, Oidc, TokenRefused
from modelyard.serving.config import AccessConfig, OidcConfig
from modelyard.serving.log.metrics import Metrics
from modelyard.serving.log.shared import Shared
from modelyard.serving.process.readiness import OidcReadiness
from modelyard.serving.refusal import Refusal

# claims that are no time, some of which no float can hold; a token that has one is not for us
ABSURD = (10**400, -(10**400), 10**300, 1e300, -1, float("inf"), float("nan"), [], {}, "9" * 5000, True, 2**63)
ISSUER, AUDIENCE = "https://login.example.org", "flights"


def jwk(key, algorithm, **more):
    kind = jwt.get_algorithm_by_name(algorithm)
    return json.loads(kind.to_jwk(key.public_key())) | {"kid": algorithm, "alg": algorithm, "use": "sig"} | more


@pytest.fixture(scope="session")
def keys():
    """Private keys by their algorithm."""
    return {
        "RS256": rsa.generate_private_key(65537, 2048),
        "ES256": ec.generate_private_key(ec.SECP256R1()),
        "EdDSA": ed25519.Ed25519PrivateKey.generate(),
    }


@pytest.fixture
def path(tmp_path, keys):
    """The provider's key set, in a file."""
    written = tmp_path / "jwks.json"
    written.write_text(json.dumps({"keys": [jwk(key, algorithm) for algorithm, key in keys.items()]}))
    return written


@pytest.fixture
def oidc(path):
    return Oidc(OidcConfig(ISSUER, AUDIENCE, str(path), "realm.roles"))


def token(key, algorithm="ES256", headers=None, **claims):
    said = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "ada",
        "exp": int(time.time()) + 600,
        "realm": {"roles": ["predict"]},
    }
    said |= claims
    said = {name: value for name, value in said.items() if value is not None}
    return jwt.encode(said, key, algorithm, headers={"kid": algorithm} if headers is None else headers).encode()


def why(oidc, given):
    with pytest.raises(TokenRefused) as refused:
        oidc.verify(given)
    assert given.decode(errors="replace") not in str(refused.value).split()
    return str(refused.value)


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
def test_a_token_says_who_asks_and_what_they_may_do(oidc, keys, algorithm):
    assert oidc.verify(token(keys[algorithm], algorithm)) == ("oidc:ada", {"predict"})


def test_a_key_without_an_algorithm_checks_all_that_fit_its_kind(tmp_path, keys):
    path = tmp_path / "jwks.json"
    listed = jwk(keys["RS256"], "RS256")
    del listed["alg"]
    path.write_text(json.dumps({"keys": [listed]}))
    given = jwt.encode(
        {"iss": ISSUER, "aud": [AUDIENCE, "x"], "sub": "ada", "exp": 2**33, "roles": "read predict boss"},
        keys["RS256"],
        "PS256",
        headers={"kid": "RS256"},
    )
    found = Oidc(OidcConfig(ISSUER, AUDIENCE, str(path))).verify(given.encode())
    assert found == ("oidc:ada", {"read", "predict"})


def test_a_token_that_names_no_key_is_checked_by_the_only_one_that_fits(oidc, keys):
    assert oidc.verify(token(keys["ES256"], headers={}))[0] == "oidc:ada"


@pytest.mark.parametrize(
    ("claims", "told"),
    [
        ({"exp": 1}, "the token has ended"),
        ({"nbf": 2**33}, "not valid yet"),
        ({"aud": "others"}, "another audience"),
        ({"iss": "https://evil.example.org"}, "another issuer"),
        ({"exp": None}, "lacks one of the claims"),
        ({"aud": None}, "lacks one of the claims"),
        ({"iss": None}, "lacks one of the claims"),
        ({"sub": None}, "lacks one of the claims"),
        ({"sub": 7}, "the token is not valid"),
        ({"exp": "soon"}, "the token is not valid"),
        *(({name: value}, "") for name in ("exp", "nbf", "iat") for value in ABSURD),
    ],
)
def test_a_token_that_is_not_for_us_or_not_now_is_refused(oidc, keys, claims, told):
    assert told in why(oidc, token(keys["ES256"], **claims))


@pytest.mark.parametrize("raw", [b"1e400", b"-1e400", b"NaN", b"Infinity", b"1" * 4000, b"[" * 3000 + b"]" * 3000])
@pytest.mark.parametrize("claim", ["exp", "nbf", "iat", "sub", "aud", "realm"])
def test_whatever_a_provider_signs_is_no_fault_of_the_service(path, keys, claim, raw):
    """The claims as bytes, for Python writes no such JSON."""
    access = Access.from_config(AccessConfig(oidc=OidcConfig(ISSUER, AUDIENCE, str(path), "realm.roles")), open_=False)
    said = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ada", "exp": 2**33} | {claim: "HERE"}
    payload = json.dumps(said).encode().replace(b'"HERE"', raw)
    given = jwt.PyJWS().encode(payload, keys["ES256"], "ES256", headers={"kid": "ES256"})
    with pytest.raises(Refusal) as refused:
        access.check([(b"authorization", b"Bearer " + given.encode())], "predict")
    assert refused.value.status == (403 if claim == "realm" and b"[" not in raw else 401)


@pytest.mark.parametrize("header", [{"kid": {"a": 1}}, {"kid": 7}, {"kid": ["x"]}, {"crit": ["exp"]}, {"b64": False}])
def test_whatever_is_in_a_header_is_no_fault_of_the_service(oidc, keys, header):
    head = json.dumps({"alg": "ES256", "typ": "JWT"} | header).encode()
    parts = [jwt.utils.base64url_encode(head), *token(keys["ES256"]).split(b".")[1:]]
    assert why(oidc, b".".join(parts))


def test_two_clocks_may_differ_by_some_seconds(oidc, keys):
    now = int(time.time())
    assert oidc.verify(token(keys["ES256"], exp=now - 10, nbf=now + 10))


def test_a_token_of_another_key_is_refused(oidc):
    assert why(oidc, token(ec.generate_private_key(ec.SECP256R1()))) == "the token's signature is wrong"


def test_a_changed_token_is_refused(oidc, keys):
    head, body, signature = token(keys["ES256"]).split(b".")
    for other in (b".".join((head, body[:-2] + b"xx", signature)), head + b"." + body + b"."):
        assert why(oidc, other)


@pytest.mark.parametrize("given", [b"a", b"a.b.c", b"..", b"\xff.\xff.\xff", b"x" * 20_000])
def test_what_is_no_token_is_refused(oidc, given):
    assert why(oidc, given) in ("the token is no JWT", "the token is longer than 16384 bytes")


def test_nobody_can_sign_with_the_public_key_or_not_at_all(oidc, path):
    """Two attacks on checkers that believe the token's own `alg`."""
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ada", "exp": 2**33}
    shared = jwt.encode(claims, path.read_bytes()[:64], "HS256", headers={"kid": "RS256"})
    unsigned = jwt.encode(claims, None, "none", headers={"kid": "RS256"})
    for given in (shared, unsigned):
        assert why(oidc, given.encode()) == "the token is not signed with a public-key algorithm"


def test_a_token_that_says_another_algorithm_than_the_key_is_made_for_is_refused(oidc, keys):
    assert "does not list" in why(oidc, token(keys["RS256"], "RS512", {"kid": "RS256"}))


@pytest.mark.parametrize("roles", [None, [], ["boss"], [["predict"]], {"predict": 1}, 3])
def test_who_has_no_role_is_known_and_may_do_nothing(path, keys, roles):
    access = Access.from_config(AccessConfig(oidc=OidcConfig(ISSUER, AUDIENCE, str(path))), open_=False)
    with pytest.raises(Refusal) as refused:
        access.check([(b"authorization", b"Bearer " + token(keys["ES256"], roles=roles))], "predict")
    assert (refused.value.status, refused.value.detail) == (403, "oidc:ada has no role predict")


def test_why_a_token_is_refused_is_told_in_the_header(path, keys):
    access = Access.from_config(AccessConfig(oidc=OidcConfig(ISSUER, AUDIENCE, str(path))), open_=False)
    with pytest.raises(Refusal) as refused:
        access.check([(b"authorization", b"Bearer " + token(keys["ES256"], exp=1))], "predict")
    assert refused.value.status == 401
    assert dict(refused.value.headers)[b"www-authenticate"].endswith(
        b'error="invalid_token", error_description="the token has ended (exp)"'
    )


def test_a_decision_is_kept_no_longer_than_the_token_holds(oidc, keys, monkeypatch):
    given = token(keys["ES256"], exp=int(time.time()) + 5)
    oidc.verify(given)
    later = time.monotonic() + 5 + module.LEEWAY + 1
    monkeypatch.setattr(time, "monotonic", lambda: later)
    monkeypatch.setattr(jwt, "decode", lambda *_, **__: pytest.fail("asked again"))
    with pytest.raises(pytest.fail.Exception, match="asked again"):
        oidc.verify(given)


def test_a_kept_decision_is_not_made_again(oidc, keys, monkeypatch):
    given = token(keys["ES256"])
    oidc.verify(given)
    monkeypatch.setattr(jwt, "decode", lambda *_, **__: pytest.fail("asked again"))
    assert oidc.verify(given)[0] == "oidc:ada"


def test_no_more_decisions_are_kept_than_there_is_room_for(oidc, keys, monkeypatch):
    monkeypatch.setattr(module, "KEPT", 3)
    for number in range(8):
        oidc.verify(token(keys["EdDSA"], "EdDSA", sub=str(number)))
        assert len(oidc._decisions) <= 3


def test_a_changed_file_is_taken_and_what_was_decided_with_its_keys_is_forgotten(oidc, path, keys, monkeypatch, caplog):
    given = token(keys["ES256"])
    oidc.verify(given)
    monkeypatch.setattr(jwks, "LOOK_EVERY", 0)
    path.write_text("{")
    assert oidc.verify(given)
    assert "the provider's keys from before stay in use" in caplog.text
    path.write_text(json.dumps({"keys": [jwk(keys["RS256"], "RS256")]}))
    assert "does not list" in why(oidc, given)
    path.unlink()
    assert oidc.verify(token(keys["RS256"], "RS256"))


@pytest.mark.filterwarnings("ignore:The RSA key is 1024 bits")
def test_an_rsa_key_that_can_be_broken_is_not_believed(tmp_path):
    weak = rsa.generate_private_key(65537, 1024)  # noqa: S505
    (tmp_path / "jwks.json").write_text(json.dumps({"keys": [jwk(weak, "RS256")]}))
    oidc = Oidc(OidcConfig(ISSUER, AUDIENCE, str(tmp_path / "jwks.json")))
    assert why(oidc, token(weak, "RS256")) == "the token is not valid"


def until(reached, seconds=20.0):
    """Wait until something is so; a test that waits in vain fails."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        try:
            if found := reached():
                return found
        except KeysMissing:
            pass
        time.sleep(0.01)
    pytest.fail("waited in vain")


@pytest.fixture
def remote(provider, path):
    provider.raw = path.read_bytes()
    running = Oidc(OidcConfig(ISSUER, AUDIENCE, provider.address, "realm.roles"))
    yield running
    running.close()


def test_keys_are_fetched_in_the_background(remote, keys):
    oidc = remote
    assert until(lambda: oidc.verify(token(keys["ES256"]))) == ("oidc:ada", {"predict"})


def test_an_unknown_key_is_looked_for_but_not_at_each_token(provider, remote, keys, monkeypatch):
    new = ec.generate_private_key(ec.SECP256R1())
    given = token(new, headers={"kid": "new"})
    oidc = remote
    until(lambda: oidc.verify(token(keys["ES256"])))
    assert "does not list" in why(oidc, given)
    assert provider.asked == 1
    assert jwks.AGAIN <= 5  # seconds, in which a new key is accepted
    provider.raw = json.dumps({"keys": [jwk(new, "ES256", kid="new")]}).encode()
    monkeypatch.setattr(jwks, "AGAIN", 0)
    with pytest.raises(KeysMissing):
        oidc.verify(given)
    assert until(lambda: oidc.verify(given))
    monkeypatch.setattr(jwks, "AGAIN", 60)
    assert provider.asked == 2
    assert "does not list" in why(oidc, token(keys["ES256"]))


def test_no_request_should_come_before_all_workers_have_the_keys(provider, called, made, path, monkeypatch):
    monkeypatch.setattr(jwks, "TIMEOUT", 0.05)
    provider.status = 500
    access = Access.from_config(AccessConfig(oidc=OidcConfig(ISSUER, AUDIENCE, provider.address)), open_=False)
    app, shared = called(made.root / "bundle", access=access), Shared(2)
    one, other = (OidcReadiness(access, Metrics(shared, worker), 2) for worker in range(2))
    for ready in ("/readyz", "/v2/health/ready", "/v2/models/flights/ready"):
        assert app.get(ready).status == 503
    assert app.get("/readyz").json()["status"] == "waiting for the keys of access.oidc"
    assert app.get("/healthz").status == 200
    provider.status, provider.raw = 200, path.read_bytes()
    until(lambda: app.get("/readyz").status == 200)
    assert app.get("/v2/health/ready").json() == {"ready": True}
    assert not one.everywhere()
    other.publish()
    assert one.everywhere()
    access.close()


def test_while_the_provider_gives_no_keys_the_caller_is_asked_to_come_again(provider, keys):
    provider.status = 500
    access = Access.from_config(AccessConfig(oidc=OidcConfig(ISSUER, AUDIENCE, provider.address)), open_=False)
    with pytest.raises(Refusal) as refused:
        access.check([(b"authorization", b"Bearer " + token(keys["ES256"]))], "predict")
    assert refused.value.status == 503
    assert refused.value.headers == [(b"retry-after", b"2")]
    access.close()
