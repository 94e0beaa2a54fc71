from __future__ import annotations

import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from modelyard.github import api
from modelyard.github.api import Client, GitHubError, checked_repository

FAILED = (502, {"message": "Server Error"}, {})


def refused(client: Client, github, status: int, answer: object, headers: dict | None = None) -> GitHubError:
    github.scripted = [(status, answer, headers or {})]
    with pytest.raises(GitHubError) as error:
        client.request("POST", "/repos/acme/flights/rulesets", {"name": "x"})
    assert error.value.status == status
    assert str(error.value).startswith(f"POST /repos/acme/flights/rulesets: GitHub answered {status}")
    return error.value


def test_a_request_carries_token_version_and_body(client, github):
    github.scripted = [(200, {"id": 1}, {})]
    assert client.request("PUT", "/a/b", {"c": 1}) == {"id": 1}
    (asked,) = github.asked
    assert (asked.method, asked.path, asked.body) == ("PUT", "/a/b", {"c": 1})
    assert asked.headers["authorization"] == "Bearer a-secret-token"
    assert asked.headers["x-github-api-version"] == "2022-11-28"


def test_an_empty_answer_is_none(client, github):
    github.scripted = [(204, None, {})]
    assert client.request("PUT", "/a") is None


def test_all_pages_are_read(client, github):
    github.comments = [{"id": number} for number in range(250)]
    assert [one["id"] for one in client.pages("/repos/acme/flights/issues/7/comments")] == list(range(250))
    assert len(github.asked) == 3


def test_a_next_page_on_another_host_is_not_followed(client, github):
    github.scripted = [(200, [1], {"Link": '<https://elsewhere.example/x>; rel="next"'})]
    with pytest.raises(GitHubError, match=r"another host, elsewhere\.example"):
        list(client.pages("/a"))


def test_pages_without_end_are_not_followed_without_end(client, github):
    github.scripted = [(200, [], {"Link": f'<{github.url}/a>; rel="next"'})] * 101
    with pytest.raises(GitHubError, match="more than 100 pages"):
        list(client.pages("/a"))


def test_a_failure_of_the_server_is_tried_again(client, github):
    github.scripted = [FAILED, FAILED, (200, "well", {})]
    assert client.request("GET", "/a") == "well"


def test_attempts_have_an_end(client, github):
    github.scripted = [FAILED] * 9
    with pytest.raises(GitHubError, match="answered 502"):
        client.request("PATCH", "/a", {})
    assert len(github.asked) == 3


def test_a_post_that_may_have_been_carried_out_is_not_sent_twice(client, github):
    refused(client, github, 502, {"message": "Server Error"})
    assert len(github.asked) == 1


def test_a_secondary_rate_limit_is_waited_for(client, github):
    github.scripted = [(403, {"message": "secondary rate limit"}, {"Retry-After": "0"}), (201, {"id": 2}, {})]
    assert client.request("POST", "/a", {}) == {"id": 2}


def test_a_long_rate_limit_is_told(client, github):
    error = refused(client, github, 403, {"message": "API rate limit exceeded"}, {"Retry-After": "3600"})
    assert "API rate limit exceeded" in str(error)
    assert "wait for the limit to reset" in str(error)


def test_a_bad_token_is_told(client, github):
    assert "put a new one into GH_TOKEN" in str(refused(client, github, 401, {"message": "Bad credentials"}))


def test_a_missing_permission_is_named(client, github):
    headers = {"X-Accepted-GitHub-Permissions": "administration=write"}
    error = refused(client, github, 403, {"message": "Resource not accessible by personal access token"}, headers)
    assert "(Resource not accessible by personal access token)" in str(error)
    assert "the token lacks a permission, which would be administration: write" in str(error)


def test_a_plan_that_lacks_something_is_not_called_a_lack_of_rights(client, github):
    error = refused(client, github, 403, {"message": "Upgrade to GitHub Pro or make this repository public"})
    assert str(error).endswith("(Upgrade to GitHub Pro or make this repository public)")


def test_nothing_there_says_that_a_token_may_be_needed(client, github):
    assert "or the token may not see it" in str(refused(client, github, 404, {"message": "Not Found"}))
    anonymous = Client(github.url)
    with pytest.raises(GitHubError, match="or a token is required, in GH_TOKEN"):
        anonymous.request("GET", "/repos/acme/flights")


@pytest.mark.parametrize(
    ("errors", "told"),
    [
        (["Name must be unique"], "Validation Failed: Name must be unique"),
        ([{"resource": "R", "field": "body", "code": "invalid"}], "Validation Failed: body invalid"),
        ([{"message": "body is too long"}], "Validation Failed: body is too long"),
        ("one sentence", "Validation Failed: one sentence"),
    ],
)
def test_what_was_invalid_is_told(client, github, errors, told):
    assert f"({told})" in str(refused(client, github, 422, {"message": "Validation Failed", "errors": errors}))


@pytest.mark.parametrize("answer", [b"<html>no</html>", b"[1]"])
def test_a_refusal_in_other_words_is_told_by_its_status(client, github, answer):
    assert str(refused(client, github, 422, answer)).endswith("GitHub answered 422")


def test_an_answer_that_is_no_json_is_told(client, github):
    github.scripted = [(200, b"<html>", {})]
    with pytest.raises(GitHubError, match="the answer is no JSON; is GITHUB_API_URL the address of the API"):
        client.request("GET", "/a")


def test_an_answer_without_end_is_not_read(client, github, monkeypatch):
    monkeypatch.setattr(api, "LARGEST", 10)
    github.scripted = [(200, "a" * 11, {})]
    with pytest.raises(GitHubError, match="larger than 10 bytes"):
        client.request("GET", "/a")


def test_a_host_that_does_not_answer_is_told():
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        base = f"http://127.0.0.1:{nobody.getsockname()[1]}"
    with pytest.raises(GitHubError, match=r"127\.0\.0\.1:\d+ did not answer: .*refused; try again") as error:
        Client(base, pause=0).request("GET", "/a")
    assert error.value.status == 0


def test_find_gives_none_for_nothing_and_tells_everything_else(client, github):
    github.scripted = [(404, {}, {}), (200, {"a": 1}, {}), (403, {}, {})]
    assert client.find("/a") is None
    assert client.find("/a") == {"a": 1}
    with pytest.raises(GitHubError, match="403"):
        client.find("/a")


def test_exists_tells_nothing_from_something(client, github):
    github.scripted = [(404, {}, {}), (204, None, {}), (403, {}, {})]
    assert not client.exists("/a")
    assert client.exists("/a")
    with pytest.raises(GitHubError, match="403"):
        client.exists("/a")


def test_a_repository_that_moved_is_followed_with_method_body_and_token(client, github):
    github.scripted = [(307, None, {"Location": f"{github.url}/repositories/1"}), (200, {"id": 1}, {})]
    assert client.request("PATCH", "/repos/old/name", {"a": 1}) == {"id": 1}
    followed = github.asked[1]
    assert (followed.method, followed.path, followed.body) == ("PATCH", "/repositories/1", {"a": 1})
    assert followed.headers["authorization"] == "Bearer a-secret-token"


@pytest.fixture
def elsewhere():
    """Another host, and the headers of what it is asked."""
    seen: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append({name.lower(): value for name, value in self.headers.items()})
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"from": "elsewhere"}')

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://localhost:{server.server_address[1]}", seen
    server.shutdown()
    thread.join()
    server.server_close()


def test_another_host_never_gets_the_token(client, github, elsewhere):
    url, seen = elsewhere
    github.scripted = [(302, None, {"Location": f"{url}/file"})]
    assert client.request("GET", "/a") == {"from": "elsewhere"}
    assert len(seen) == 1
    assert "authorization" not in seen[0]


def test_nothing_is_written_to_another_host(client, github, elsewhere):
    url, seen = elsewhere
    github.scripted = [(307, None, {"Location": f"{url}/file"})]
    with pytest.raises(GitHubError, match="answered 307"):
        client.request("POST", "/a", {"secret": 1})
    assert seen == []


def test_the_token_is_in_no_text(client, github):
    github.scripted = [(403, {"message": "no"}, {})]
    with pytest.raises(GitHubError) as error:
        client.request("GET", "/a")
    assert "a-secret-token" not in f"{client!r} {error.value} {error.value!r}"


def test_an_address_that_is_none_of_the_web_is_refused():
    with pytest.raises(GitHubError, match="GITHUB_API_URL is 'file:///etc'"):
        Client("file:///etc")


@pytest.mark.parametrize(
    ("environment", "token"),
    [({"GH_TOKEN": "a", "GITHUB_TOKEN": "b"}, "a"), ({"GITHUB_TOKEN": "b"}, "b"), ({"GH_TOKEN": ""}, None)],
)
def test_the_environment_gives_address_and_token(monkeypatch, environment, token):
    for name in ("GH_TOKEN", "GITHUB_TOKEN", "GITHUB_API_URL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert api.client() == Client("https://api.github.com", token)


@pytest.mark.parametrize("name", ["", "flights", "a/b/c", "a/..", "a b/c", "../x", "a/b?x=1"])
def test_a_name_that_is_no_repositorys_is_refused(name):
    with pytest.raises(GitHubError, match="owner/name is needed"):
        checked_repository(name)


def test_the_name_of_a_repository_passes():
    assert checked_repository("acme/flight-delays.v2") == "acme/flight-delays.v2"
