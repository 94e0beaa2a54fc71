from __future__ import annotations

import sys
from pathlib import Path

import pytest
from modelyard.releasing.accepting.fuzz import check_openapi
from modelyard.runtime.contract import ContractError

QUICK = "examples"  # of the document itself; the release asks much more


def test_a_service_that_does_what_it_says_passes_and_nothing_is_left_behind(serve, tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    found = check_openapi(serve(), examples=1, seed=1, phases=QUICK)
    assert found.endswith("requests that schemathesis made of /openapi.json (seed 1): each answered as it says")
    assert int(found.split()[0]) > 10
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize(("fault", "said"), [("errors", "Server error"), ("shape", "Response violates schema")])
def test_what_the_document_does_not_say_is_shown_with_a_request_for_it(serve, fault, said):
    with pytest.raises(ContractError, match=r"does not do what its /openapi\.json says, or fails") as stopped:
        check_openapi(serve(fault), examples=1, seed=1, phases=QUICK)
    assert said in str(stopped.value)
    assert "curl -X POST" in str(stopped.value)


def test_without_schemathesis_it_is_said(serve, monkeypatch):
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.delitem(sys.modules, "schemathesis", raising=False)
    with pytest.raises(ContractError, match="schemathesis is not installed; `make setup` installs it"):
        check_openapi(serve(), examples=1, seed=1)
