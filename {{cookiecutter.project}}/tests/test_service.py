"""A bundle answers its probes: yours where it is made by what is here, else a small one made for these tests."""

from __future__ import annotations

from modelyard.testing import service as check


def test_the_predictor_answers_the_probes(project, bundle):
    check.check_predictor(project, bundle)


def test_the_service_answers_the_probes(service, bundle):
    check.check_answers(service, bundle)


def test_the_service_refuses_what_the_contract_does_not_allow(service, bundle, contract):
    check.check_refusal(service, bundle, contract)
