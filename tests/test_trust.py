"""docs/trust.md: each attack in its table is one that these tests try, and the other way round."""

from __future__ import annotations

import ast
import re

import pytest

from projects import ROOT

PAGE = ROOT / "docs/trust.md"
WORKFLOWS = ROOT / "{{cookiecutter.project}}/.github/workflows"
FORGED = "library/deploying/test_forged_tags.py"
COMMENT = "library/github/test_comment.py"
PROVE = "library/proving/test_prove.py"
# Each attack, and the tests in which it is tried
TRIED = {
    "an edited metric": [
        f"{PROVE}::test_an_edited_metric_is_named_with_both_values",
        "workflows/test_main.py::test_a_hand_edited_metric_turns_main_red",
    ],
    "an edited interval or table": [
        "library/judging/test_claims.py::test_a_number_that_was_edited_is_found_and_told",
        "library/judging/test_claims.py::test_an_edited_table_is_found",
    ],
    "edited predictions": ["library/judging/test_claims.py::test_edited_predictions_are_counted"],
    "a forged run-cache or model": [
        "test_prove.py::test_a_poisoned_run_cache_changes_nothing",
        f"{PROVE}::test_a_cache_entry_that_is_not_what_its_hash_says_is_not_believed",
        "workflows/test_main.py::test_a_poisoned_cache_does_not_make_a_forged_model_true",
    ],
    "a model that has learned the holdout": [f"{PROVE}::test_a_model_that_has_learned_the_holdout_is_different"],
    "an easier holdout": ["library/judging/test_gate.py::test_the_verdict_on"],
    "features that look at other rows or the target": [
        "library/judging/test_pure.py::test_features_that_look_at_more_are_named"
    ],
    "a backdoor that no holdout row reaches": [f"{PROVE}::test_a_backdoor_that_no_holdout_row_reaches_is_different"],
    "an update that changes the model unseen": [
        "library/vendoring/test_versions.py::test_updates_that_uv_makes_run_the_stages_again_that_dvc_finds_changed"
    ],
    "a gate that the change's Makefile turns off": [
        "workflows/test_pull_request.py::test_a_gate_that_the_change_itself_turns_off_waits_for_an_owner",
        f"{COMMENT}::test_a_change_of_what_judges_it_stands_first",
    ],
    "a workflow that brings its own green check": [
        "workflows/test_pull_request.py::test_a_workflow_that_the_change_brings_along_does_not_post_the_check_that_main_requires"
    ],
    "a changed library that lets it pass": [
        "library/github/test_status.py::test_what_judges_the_change_waits_for_an_owner",
        "library/github/test_status.py::test_an_approval_counts_while_the_file_is_what_was_approved",
    ],
    "a lock with packages from another host": [
        "library/github/test_status.py::test_a_lock_judges_where_packages_come_from_somewhere_else"
    ],
    "a branch whose workflow judges less": [
        "workflows/test_pull_request.py::test_a_branch_that_judges_less_is_no_way_round",
        "library/github/test_status.py::test_a_commit_that_went_into_another_branch_too_was_judged_by_that_one",
    ],
    "a list of files that says that there is no champion": [
        "library/judging/test_champion.py::test_a_champion_that_somebody_put_there_makes_way",
        "library/github/test_status.py::test_what_judges_the_change_waits_for_an_owner",
    ],
    "a policy made laxer for one's own model": [
        "library/judging/test_mains_policy.py::test_each_policy_alone_can_block"
    ],
    "a report that claims more than its run": [
        f"{COMMENT}::test_a_report_that_says_it_ships_does_not_stand_above_a_run_that_failed",
        f"{COMMENT}::test_what_a_fork_wrote_is_marked_as_its_own",
    ],
    "a forged champion": [
        "library/judging/test_champion.py::test_a_forged_object_in_the_cache_is_not_believed",
        "library/judging/test_champion.py::test_a_forged_list_of_the_bundles_files_is_not_believed",
    ],
    "a changed wheel of the library": ["library/vendoring/test_guard.py::test_a_changed_wheel_stops_every_stage"],
    "wheel and lock changed together": [
        "library/vendoring/test_check.py::test_wheel_and_lock_changed_together_are_named",
        "library/vendoring/test_check.py::test_from_main_a_branch_is_checked_with_mains_library_and_template",
    ],
    "text of a fork that acts on GitHub": [
        "library/github/test_untrusted.py::test_nobody_is_mentioned",
        "library/github/test_untrusted.py::test_a_forged_watermark_is_none",
    ],
    "a fork that trains on your runners": [
        "workflows/test_train_runner.py::test_training_runs_where_the_variable_says_but_for_a_fork"
    ],
    "a fork whose workflow names your runners": [
        "workflows/test_doctor.py::test_own_runners_of_a_public_repository_are_refused_until_outsiders_need_an_approval",
        "library/github/test_runners.py::test_machines_of_ones_own_are_refused_until_outsiders_need_an_approval",
    ],
    "a release tag of a commit that is not on main": ["workflows/test_release.py::test_a_tag_beside_main_is_refused"],
    "a workflow changed in a tagged commit": [
        "library/github/test_settings.py::test_environments_are_read",
        "workflows/test_release.py::test_a_tag_beside_main_is_refused",
    ],
    "a registry tag of a commit that is not on main": [
        f"{FORGED}::test_a_tag_on_a_commit_that_is_not_on_main_is_refused"
    ],
    "a registry tag of another image": [
        f"{FORGED}::test_an_image_of_another_repository_is_refused",
        f"{FORGED}::test_a_pipeline_of_another_repository_is_refused",
    ],
    "a moved, deleted or hand-made tag": [
        "library/releasing/registry/test_history.py::test_a_forgery_is_found_and_said",
        f"{FORGED}::test_a_registry_with_faults_is_followed_nowhere",
    ],
    "an own image that no release made": [
        f"{FORGED}::test_an_image_that_mains_release_workflow_has_not_attested_is_refused",
        f"{FORGED}::test_an_attestation_of_mains_release_workflow_counts_for_its_own_image_only",
    ],
    "changed files of a release": [
        f"{FORGED}::test_where_main_lists_who_signs_releases_only_their_signature_counts",
    ],
}


def test_the_table_has_the_attacks_that_are_tried() -> None:
    table = PAGE.read_text().partition("\n## ")[0]
    rows = [line.strip("|").split("|") for line in table.splitlines() if line.startswith("|")]
    assert [cell.strip() for cell in rows[0]] == ["attack", "stopped by", "when", "means"]
    assert [row[0].strip() for row in rows[2:]] == list(TRIED)
    assert all(cell.strip() for row in rows for cell in row)


def test_a_workflow_that_stops_something_is_there() -> None:
    files = set(re.findall(r"\b[a-z-]+\.yml\b", PAGE.read_text()))
    assert {"train.yml", "release.yml", "deploy.yml", "report.yml"} <= files
    assert all((WORKFLOWS / file).is_file() for file in files)


@pytest.mark.parametrize("test", [test for tests in TRIED.values() for test in tests])
def test_each_attack_is_tried_by_a_test_that_is_there(test: str) -> None:
    file, _, name = test.partition("::")
    tree = ast.parse((ROOT / "tests" / file).read_text())
    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
