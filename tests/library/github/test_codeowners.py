from __future__ import annotations

import pytest
from modelyard.github.codeowners import Rule, owners_of, read_rules


@pytest.mark.parametrize(
    ("pattern", "fitting", "other"),
    [
        ("*", ["Makefile", "a/b.py"], []),
        ("*.py", ["a.py", "a/b.py"], ["a.pyc"]),
        ("/vendor/", ["vendor/yard", "vendor/a/b"], ["vendor", "x/vendor/yard", "vendored/a"]),
        ("apps/", ["apps/a", "x/apps/a"], ["apps"]),
        ("docs/*", ["docs/a.md"], ["docs/b/a.md", "x/docs/a.md"]),
        ("/Makefile", ["Makefile"], ["x/Makefile", "Makefile.old"]),
        ("/apps/github", ["apps/github", "apps/github/a"], ["apps/githubs"]),
        ("/flights/__*.py", ["flights/__main__.py"], ["flights/model.py", "flights/x/__init__.py"]),
        ("**/logs", ["logs/a", "build/logs/a"], ["build/log"]),
        ("/a/**/b", ["a/b", "a/x/y/b"], ["a/xb"]),
        ("/abc/**", ["abc/x/y"], ["abc"]),
        ("/a?c", ["abc"], ["a/c"]),
    ],
)
def test_a_pattern_fits_the_files_that_github_says(pattern, fitting, other):
    rule = Rule(pattern, ())
    assert [path for path in [*fitting, *other] if rule.fits(path)] == fitting


def test_the_last_line_that_fits_counts(tmp_path):
    (tmp_path / "CODEOWNERS").write_text(
        "* @ada\n# no line\n/vendor/ @bob @acme/judges # with a remark\n/vendor/yard\n"
    )
    _, rules = read_rules(tmp_path)
    assert owners_of(rules, "params.yaml") == ("@ada",)
    assert owners_of(rules, "vendor/yard.json") == ("@bob", "@acme/judges")
    assert owners_of(rules, "vendor/yard") == ()


def test_the_first_file_that_github_looks_for_counts(tmp_path):
    assert read_rules(tmp_path) == (None, [])
    (tmp_path / ".github").mkdir()
    for folder, owner in (("", "ada"), (".github", "bob")):
        (tmp_path / folder / "CODEOWNERS").write_text(f"* @{owner}\n")
    path, rules = read_rules(tmp_path)
    assert (path.as_posix(), owners_of(rules, "a")) == (".github/CODEOWNERS", ("@bob",))
