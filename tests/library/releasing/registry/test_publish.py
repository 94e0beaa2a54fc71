from __future__ import annotations

import pytest
from modelyard.github.api import Client, GitHubError
from modelyard.releasing.registry.publish import File, main, publish
from modelyard.versions import read_version

NAME = "acme/flights"


@pytest.fixture
def files(tmp_path):
    """The files of a release."""
    folder = tmp_path / "dist"
    folder.mkdir()
    (folder / "flights-1.0.0.whl").write_bytes(b"wheel \x00\xff")
    (folder / "SHA256SUMS").write_text("...\n")
    return sorted(folder.iterdir())


def released(client, files, tag: str = "v1.0.0", notes: str = "# Notes\n") -> str:
    return publish(client, NAME, read_version(tag), notes, files)


def names(release) -> list[str]:
    return sorted(one["name"] for one in release["assets"])


def test_a_release_is_a_draft_until_all_its_files_are_there(github, client, files):
    url = f"{github.url}/repos/{NAME}/releases/1"
    assert released(client, files) == f"released: {url}"
    assert github.written == [
        f"POST /repos/{NAME}/releases",
        f"POST /repos/{NAME}/releases/1/assets",
        f"POST /repos/{NAME}/releases/1/assets",
        f"PATCH /repos/{NAME}/releases/1",
    ]
    drafted = next(one for one in github.asked if one.method == "POST")
    assert drafted.body["draft"] is True
    (release,) = github.releases.values()
    assert (release["draft"], release["prerelease"], release["body"]) == (False, False, "# Notes\n")
    assert names(release) == ["SHA256SUMS", "flights-1.0.0.whl"]


@pytest.mark.usefixtures("github", "files")
def test_the_command_takes_folder_and_notes(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(GitHubError, match=r"reports/notes\.md cannot be read: .*; `python3 vendor/yard release notes`"):
        main(["--tag", "v1.0.0"])
    (tmp_path / "notes.md").write_text("Notes\n")
    main(["--tag", "v1.0.0", "--notes", "notes.md"])
    assert "uploaded flights-1.0.0.whl: 8 bytes, sha256:" in capsys.readouterr().out


def test_a_candidate_is_no_latest_release(github, client, files):
    github.tags.add("v1.0.0-rc.1")
    released(client, files, "v1.0.0-rc.1")
    assert github.releases[1]["prerelease"] is True
    assert github.asked[-1].body == {"draft": False, "make_latest": "false"}


def test_once_more_after_it_stopped_it_goes_on(github, client, files):
    github.scripted = []
    release = {"tag_name": "v1.0.0", "draft": True, "body": "old"}
    client.request("POST", f"/repos/{NAME}/releases", release)
    draft = github.releases[1]
    whole = File.read(files[0])
    draft["assets"] = [
        {"id": 91, "name": files[0].name, "size": whole.size, "state": "uploaded", "digest": whole.digest},
        {"id": 92, "name": files[1].name, "size": 0, "state": "starter", "digest": None},
        {"id": 93, "name": "older.whl", "size": 3, "state": "uploaded", "digest": "sha256:0"},
    ]
    released(client, files)
    assert draft["draft"] is False
    assert names(draft) == ["SHA256SUMS", "flights-1.0.0.whl"]
    assert [one for one in github.written if "DELETE" in one] == [
        f"DELETE /repos/{NAME}/releases/assets/92",
        f"DELETE /repos/{NAME}/releases/assets/93",
    ]
    assert {one["id"] for one in draft["assets"]} & {91, 92, 93} == {91}


def test_a_public_release_is_never_changed(github, client, files):
    released(client, files)
    before = len(github.written)
    assert released(client, files).startswith("released already: ")
    files[0].write_text("another\n")
    with pytest.raises(GitHubError, match=r"is public with other files than these: SHA256SUMS\. What"):
        released(client, files)
    assert len(github.written) == before


def test_an_upload_that_fails_leaves_a_draft(github, client, files):
    github.scripted = [(200, [], {}), (200, {}, {})]
    made = {"id": 1, "assets": [], "tag_name": "v1.0.0", "draft": True, "upload_url": f"{github.url}/up{{?name}}"}
    github.scripted += [(201, made, {}), (502, {"message": "Server Error"}, {})]
    with pytest.raises(GitHubError, match="GitHub answered 502"):
        released(client, files)
    assert github.written[-1] == "POST /up"


def test_an_upload_that_arrives_otherwise_is_found(github, client, files):
    github.scripted = [(200, [], {}), (200, {}, {})]
    made = {"id": 1, "assets": [], "tag_name": "v1.0.0", "draft": True, "upload_url": f"{github.url}/up{{?name}}"}
    asset = {"name": "SHA256SUMS", "state": "uploaded", "size": 4, "digest": "sha256:bad"}
    github.scripted += [(201, made, {}), (201, asset, {})]
    with pytest.raises(GitHubError, match="GitHub has SHA256SUMS as SHA256SUMS, uploaded, sha256:bad, and"):
        released(client, files)


def test_github_makes_no_tag_for_a_release(github, client, files):
    github.tags.clear()
    with pytest.raises(GitHubError, match=r"the tag v1\.0\.0 is not on GitHub any more; nothing is released"):
        released(client, files)
    assert github.written == []


@pytest.mark.usefixtures("github")
def test_two_drafts_are_for_a_person_to_sort_out(client, files):
    for _ in range(2):
        client.request("POST", f"/repos/{NAME}/releases", {"tag_name": "v1.0.0", "draft": True})
    with pytest.raises(GitHubError, match=r"there are 2 drafts of a release v1\.0\.0; delete all but one"):
        released(client, files)


def test_nothing_and_empty_files_are_not_released(github, client, tmp_path):
    with pytest.raises(GitHubError, match="there are 0 files to release"):
        released(client, [])
    (tmp_path / "empty").touch()
    with pytest.raises(GitHubError, match="empty has 0 bytes"):
        released(client, [tmp_path / "empty"])
    assert github.asked == []


@pytest.mark.parametrize(
    ("base", "url", "sent"),
    [
        ("https://api.github.com", "https://uploads.github.com/x", True),
        ("https://ghe.example.com/api/v3", "https://ghe.example.com/api/uploads/x", True),
        ("https://api.acme.ghe.com", "https://uploads.acme.ghe.com/x", True),
        ("https://api.github.com", "https://uploads.github.com.evil.example/x", False),
        ("https://api.github.com", "http://uploads.github.com/x", False),
        ("https://ghe.example.com/api/v3", "https://uploads.github.com/x", False),
    ],
)
def test_files_and_token_go_to_the_server_of_the_api_only(base, url, sent, monkeypatch):
    monkeypatch.setattr(Client, "_send", lambda *_: (True, {}))
    if sent:
        assert Client(base, "token").upload(url, b"x")
        return
    with pytest.raises(GitHubError, match="which is not the server of"):
        Client(base, "token").upload(url, b"x")
