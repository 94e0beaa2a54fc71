from __future__ import annotations

import subprocess

import pytest
from modelyard.releasing.packaging.signature import KEY, sign, signer
from modelyard.releasing.packaging.sums import SIGNATURE, SUMS, write_sums
from modelyard.runtime.contract import ContractError


def key(folder, name):
    path = folder / name
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", path], check=True)
    return path.read_text(), path.with_suffix(".pub").read_text()


@pytest.fixture
def ours(tmp_path, monkeypatch):
    secret, public = key(tmp_path, "releaser")
    monkeypatch.setenv(KEY, secret.strip())  # as a secret arrives, without its last line's end
    signers = tmp_path / "allowed_signers"
    signers.write_text(f'releases@example.invalid namespaces="release" {public}')
    folder = tmp_path / "dist"
    folder.mkdir()
    (folder / "a.whl").write_text("a")
    write_sums(folder)
    return folder, signers


def test_who_signed_is_told(ours):
    folder, signers = ours
    assert sign(folder)
    assert signer(folder, signers) == "releases@example.invalid"


def test_without_a_key_nothing_is_signed_and_an_old_signature_goes(ours, monkeypatch):
    folder, signers = ours
    sign(folder)
    monkeypatch.delenv(KEY)
    assert not sign(folder)
    assert not (folder / SIGNATURE).exists()
    assert signer(folder, signers) is None


def test_sums_changed_afterwards_are_found(ours):
    folder, signers = ours
    sign(folder)
    with (folder / SUMS).open("a") as opened:
        opened.write(f"{'0' * 64}  b\n")
    with pytest.raises(ContractError, match="SHA256SUMS was changed after it was signed"):
        signer(folder, signers)


def test_the_signature_of_another_key_is_refused(ours, tmp_path, monkeypatch):
    folder, signers = ours
    monkeypatch.setenv(KEY, key(tmp_path, "stranger")[0])
    sign(folder)
    with pytest.raises(ContractError, match=r"is of a key that .*allowed_signers does not list"):
        signer(folder, signers)


def test_without_a_list_of_signers_a_signature_says_nothing(ours, tmp_path):
    folder, _ = ours
    sign(folder)
    with pytest.raises(ContractError, match="cannot be checked: there is no "):
        signer(folder, tmp_path / "none")


def test_what_is_no_key_is_said_and_not_shown(ours, monkeypatch):
    folder, _ = ours
    monkeypatch.setenv(KEY, "hunter2")
    with pytest.raises(ContractError, match=f"{KEY} does not sign: a private key of OpenSSH") as refused:
        sign(folder)
    assert "hunter2" not in str(refused.value)
