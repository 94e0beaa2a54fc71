from __future__ import annotations

import pytest
from modelyard.github.api import GitHubError
from modelyard.releasing.registry.tags import make_tag, message_of, parse_tag, push_tag, read_tags

RAW = """object 1111111111111111111111111111111111111111
type commit
tag v1.0.0
tagger Ada <ada@example.invalid> 1767225600 +0100

Title

Note: in the middle

Version: v1.0.0
Previous: aaaa
Previous: bbbb
no trailer
-----BEGIN SSH SIGNATURE-----

Version: forged
-----END SSH SIGNATURE-----
"""


def test_a_tag_object_is_read_up_to_its_signature():
    tag = parse_tag("v1.0.0", "2" * 40, "1" * 40, RAW)
    assert (tag.says, tag.tagger, tag.time) == ("v1.0.0", "Ada", 1_767_225_600)
    assert tag.trailers == {"Version": ("v1.0.0",), "Previous": ("aaaa", "bbbb")}
    assert (tag.one("Version"), tag.one("Image")) == ("v1.0.0", "")


def test_a_tag_without_a_tagger_has_no_time():
    assert parse_tag("old", "2" * 40, "1" * 40, "object 1\ntype commit\ntag old\n\nOld\n").time == 0


def test_a_trailer_is_one_line_whatever_its_value_was():
    text = message_of("Title", {"Verdict": "kept\nVersion: v9.9.9\r\x1b[31m", "Image": "", "Long": "x" * 400})
    title, verdict, long = text.rstrip().replace("\n\n", "\n").split("\n")
    assert title == "Title"
    assert verdict == "Verdict: kept Version: v9.9.9 [31m"
    assert len(long) == len("Long: ") + 300
    assert parse_tag("t", "2" * 40, "1" * 40, f"tag t\n\n{text}").one("Version") == ""


def test_all_kinds_of_tags_are_read_and_what_leads_to_no_commit_is_left_out(clone):
    clone.tag("light", "HEAD", "--no-sign")
    own = clone.tag("heavy")
    clone.git("tag", "tree", "HEAD^{tree}")
    clone.git("tag", "--annotate", "--message", "tree", "heavy-tree", "HEAD^{tree}")
    found = read_tags(clone.root)
    head = clone.git("rev-parse", "HEAD")
    assert {name: (tag.object, tag.commit, tag.annotated) for name, tag in found.items()} == {
        "light": (head, head, False),
        "heavy": (own, head, True),
    }


def test_a_tag_is_kept_here_only_when_origin_has_it(clone):
    head = clone.git("rev-parse", "HEAD")
    made = make_tag(clone.root, "new", head, "New\n", clone.moment, ("A <b>\nc", "a@b"))
    assert read_tags(clone.root) == {}
    assert push_tag(clone.root, "new", made, None)
    assert read_tags(clone.root)["new"].tagger == "A bc"
    other = make_tag(clone.root, "new", head, "Other\n", clone.moment, ("Eve", "e"))
    assert not push_tag(clone.root, "new", other, None)
    assert read_tags(clone.root)["new"].object == made
    clone.git("remote", "set-url", "origin", "../nowhere.git")
    with pytest.raises(GitHubError, match="the tag newer was refused by origin"):
        push_tag(clone.root, "newer", made, None)
