"""The settings are valid, fit each other, and name what is there."""

from __future__ import annotations

import runpy
import sys

import pytest
from modelyard.testing import settings, stages


def test_contract_and_params_fit_each_other(contract, params):
    settings.check_fit(contract, params)


def test_the_policy_names_metrics_of_this_target(root, contract):
    settings.check_policy(root, contract)


def test_the_page_of_the_data_is_up_to_date(root, contract):
    settings.check_docs(root, contract)


def test_the_vendored_library_is_the_one_that_runs(root):
    settings.check_library(root)


def test_each_stage_runs_its_verb(root, project):
    stages.check_commands(root, project)


def test_each_stage_depends_on_the_params_that_it_reads(root, project):
    stages.check_params(root, project)


def test_each_stage_depends_on_the_files_that_it_reads(root, project):
    stages.check_deps(root, project)


def test_each_file_that_a_stage_writes_is_an_out(root, project):
    stages.check_outs(root, project)


def test_the_command_line_has_the_stages(project, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [project.name, "--help"])
    with pytest.raises(SystemExit):
        runpy.run_module(project.name, run_name="__main__")
    printed = capsys.readouterr().out
    assert [name for name in ("ingest", "train", "evaluate", "bundle") if name not in printed] == []
