from __future__ import annotations

import json
import shutil
import subprocess
import zipfile

import pytest
from modelyard.releasing.packaging import signature
from modelyard.releasing.packaging.build import ReleaseBuild
from modelyard.releasing.packaging.inventory import DebianPackage, InstalledDistribution, Inventory
from modelyard.releasing.packaging.mlbom import mlbom
from modelyard.releasing.packaging.sbom import locked_library, sbom
from modelyard.releasing.packaging.sums import write_sums
from modelyard.releasing.verify import main, verify
from modelyard.runtime.bundle import read_bundle
from modelyard.runtime.contract import ContractError
from modelyard.runtime.hashing import sha256

from flight_delays import project

PACKAGE = "flight_delays"
LOCK = '[[package]]\nname = "modelyard"\nversion = "1.0.0"\n'


@pytest.fixture
def folder(made, tmp_path, monkeypatch):
    """A release's files; its executable is no program here, but holds what one would."""
    from email.parser import HeaderParser

    bundle = read_bundle(made.root / "bundle")
    name = PACKAGE.replace("_", "-")
    release = ReleaseBuild(name, "1.2.0", "a" * 40, 1_700_000_000, "https://example.invalid/x")
    made_here = tmp_path / "dist"
    made_here.mkdir()
    wheel = made_here / f"{PACKAGE}-1.2.0-py3-none-any.whl"
    for path, inside in ((wheel, PACKAGE), (made_here / release.executable, f".deps/{PACKAGE}.whl/{PACKAGE}")):
        with zipfile.ZipFile(path, "w") as archive:
            for file in sorted(bundle.folder.iterdir()):
                archive.write(file, f"{inside}/bundle/{file.name}")
    ours = HeaderParser().parsestr(f"Name: {name}\nVersion: 1.2.0\n")
    held = Inventory("3.11.9", {"ID": "debian"}, [InstalledDistribution(ours, frozenset(), "0" * 64)],
                     [DebianPackage("libc6", "2", "amd64", None)])  # fmt: skip
    (made_here / "sbom.cdx.json").write_text(
        sbom(release, held, {}, locked_library(LOCK), sha256(wheel), bundle.digest)
    )
    (made_here / "mlbom.cdx.json").write_text(mlbom(release, bundle))
    (made_here / "image.txt").write_text("x:1.2.0@sha256:1\n")
    shutil.copyfile(bundle.folder / "README.md", made_here / "model-card.md")
    write_sums(made_here)
    monkeypatch.chdir(tmp_path)
    return made_here


def refused(folder, **given):
    with pytest.raises(ContractError) as told:
        verify(folder, folder.parent / "deploy/allowed_signers", given.get("require_signature", False))
    return str(told.value)


def test_a_release_as_it_was_made_is_in_order(folder, capsys):
    main([str(folder)], project)
    told = capsys.readouterr()
    assert "the bills of materials name the bundle inside the wheel\n" in told.out
    assert told.out.endswith(f"{folder} is in order\n")
    assert "is not signed" in told.err


def test_a_signed_release_says_by_whom(folder, tmp_path, monkeypatch, capsys):
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "key"], check=True)
    (tmp_path / "deploy").mkdir()
    public = (tmp_path / "key.pub").read_text()
    (tmp_path / "deploy/allowed_signers").write_text(f'us@example.invalid namespaces="release" {public}')
    monkeypatch.setenv(signature.KEY, (tmp_path / "key").read_text())
    signature.sign(folder)
    main([str(folder), "--require-signature"], project)
    assert "SHA256SUMS is signed by us@example.invalid" in capsys.readouterr().out
    (folder / "SHA256SUMS").write_text((folder / "SHA256SUMS").read_text() + "\n")
    assert "SHA256SUMS was changed after it was signed" in refused(folder)


def test_a_signature_can_be_required(folder):
    assert "SHA256SUMS.sig is missing, and a signature is required" in refused(folder, require_signature=True)


def names(folder):
    return sorted(path.name for path in folder.iterdir() if path.name != "SHA256SUMS")


def test_one_byte_of_any_file_names_that_file(folder):
    for name in names(folder):
        content = (folder / name).read_bytes()
        place = len(content) // 2
        (folder / name).write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        told = refused(folder)
        assert f"\n  {name} was changed: " in told
        assert told.count("was changed") == 1
        (folder / name).write_bytes(content)


def test_a_missing_and_a_further_file_are_named(folder):
    (folder / "image.txt").rename(folder / "images.txt")
    told = refused(folder)
    assert "  image.txt is missing\n" in told
    assert "  images.txt does not belong to this release" in told


def change(path, edit):
    content = json.loads(path.read_text())
    edit(content)
    path.write_text(json.dumps(content))
    write_sums(path.parent)


def test_bills_of_another_bundle_are_found(folder):
    change(folder / "sbom.cdx.json", lambda bill: bill["metadata"]["component"].update(properties=[]))
    change(folder / "mlbom.cdx.json", lambda bill: bill["metadata"]["component"].update(properties=[], hashes=[]))
    told = refused(folder)
    assert "sbom.cdx.json names another bundle" in told
    assert "mlbom.cdx.json names another bundle" in told
    assert "mlbom.cdx.json names another model" in told


def test_a_bill_of_another_wheel_is_found(folder):
    change(folder / "sbom.cdx.json", lambda bill: bill.update(components=[]))
    assert "sbom.cdx.json does not name " in refused(folder)


def test_a_bill_that_is_none_is_found(folder):
    (folder / "sbom.cdx.json").write_text("{")
    write_sums(folder)
    assert "sbom.cdx.json is no bill of materials" in refused(folder)


def test_another_card_is_found(folder):
    (folder / "model-card.md").write_text("the best model ever")
    write_sums(folder)
    assert "model-card.md is not the card of the bundle" in refused(folder)


def test_an_executable_of_another_bundle_is_found(folder):
    (executable,) = folder.glob("*.pyz")
    with zipfile.ZipFile(executable, "a") as archive:
        archive.writestr(f".deps/{PACKAGE}.whl/{PACKAGE}/bundle/more.txt", "more")
    write_sums(folder)
    assert f"{executable.name} holds another bundle than" in refused(folder)


def test_a_wheel_whose_bundle_was_changed_is_found(folder):
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel, "a") as archive:
        archive.writestr(f"{PACKAGE}/bundle/more.txt", "more")
    write_sums(folder)
    assert f"{wheel.name}: more.txt in its bundle is not the file that its manifest lists" in refused(folder)


@pytest.mark.parametrize(
    ("content", "told"), [(b"", "holds no bundle"), (None, "0 wheels and 1 executables are there")]
)
def test_a_wheel_that_is_none_or_not_there_is_found(folder, content, told):
    (wheel,) = folder.glob("*.whl")
    wheel.unlink() if content is None else wheel.write_bytes(content)
    write_sums(folder)
    assert told in refused(folder)


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ContractError, match="there is no such folder; `make package` makes a release"):
        main([str(tmp_path / "none")], project)
