from __future__ import annotations

import dataclasses

import pytest
from modelyard.releasing.accepting.rules import check_contract
from modelyard.runtime.contract import ContractError


def test_a_service_that_keeps_the_contract_passes(serve, bundle, probe):
    found = check_contract(serve(), bundle, probe)
    assert found.startswith(f"{len(probe.rows)} good rows are answered as the pipeline did; ")
    assert f"for each rule of {len(bundle.contract.inputs)} columns, are refused with field and rule" in found


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("answers", r"^sent as rows, probe row 0 is answered with \[.*\], and the pipeline answered \["),
        ("fallback", "^good rows were answered by baseline, not by the model"),
        ("shape", r"""^good rows, sent as rows, were answered with {'answer': 'yes'}"""),
        ("unnamed", r"requests with a row that breaks the contract were not refused as they must be:\n.*is not said"),
    ],
)
def test_what_is_wrong_is_named(serve, bundle, probe, fault, said):
    with pytest.raises(ContractError, match=said):
        check_contract(serve(fault), bundle, probe)


def test_a_bad_row_that_is_taken_is_named_with_its_rule(serve, bundle, probe):
    with pytest.raises(ContractError) as stopped:
        check_contract(serve("ranges"), bundle, probe)
    lines = str(stopped.value).splitlines()
    numeric = [name for name, one in bundle.contract.inputs.items() if one.is_numeric and one.maximum is not None]
    assert lines[0].startswith(f"{2 * len(numeric)} requests with a row that breaks the contract")
    maximum = bundle.contract.columns[numeric[0]].maximum
    assert f"alone, breaks 'must be at most {maximum}': answered 200, and 422 is right" in lines[1]


def test_the_image_of_another_bundle_is_refused(serve, bundle, probe):
    other = dataclasses.replace(bundle, digest="0" * 64)
    with pytest.raises(ContractError, match=r"says bundle [0-9a-f]{12}, and .* is 000000000000: the image was made of"):
        check_contract(serve(), other, probe)


def test_a_service_that_is_gone_is_said(serve, bundle, probe):
    gone = dataclasses.replace(serve(), port=1)
    with pytest.raises(ContractError, match="/model was not answered: ConnectionRefusedError"):
        check_contract(gone, bundle, probe)
