from __future__ import annotations

import hashlib

import pytest

from components.io.digest import model_digest


@pytest.fixture
def model(tmp_path):
    (tmp_path / "variables").mkdir()
    (tmp_path / "saved_model.pb").write_bytes(b"graph")
    (tmp_path / "variables" / "variables.index").write_bytes(b"index")
    return tmp_path


def test_digest_does_not_depend_on_what_lies_beside(model):
    before = model_digest(model)
    (model / "assets.extra").mkdir()
    (model / "assets.extra" / "model_card.md").write_text("words")
    assert model_digest(model) == before
    assert len(before) == 64
    int(before, 16)


@pytest.mark.parametrize("change", ["content", "name", "more", "moved bytes"])
def test_digest_depends_on_names_and_bytes(model, change):
    before = model_digest(model)
    if change == "content":
        (model / "saved_model.pb").write_bytes(b"Graph")
    elif change == "name":
        (model / "variables" / "variables.index").rename(model / "variables" / "variables.other")
    elif change == "more":
        (model / "fingerprint.pb").write_bytes(b"")
    else:
        (model / "saved_model.pb").write_bytes(b"graphi")
        (model / "variables" / "variables.index").write_bytes(b"ndex")
    assert model_digest(model) != before


def test_digest_is_the_same_in_any_place(model, tmp_path_factory):
    import shutil

    copy = tmp_path_factory.mktemp("other") / "place"
    shutil.copytree(model, copy)
    assert model_digest(copy) == model_digest(model)


def test_digest_of_no_model(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"saved_model.pb"):
        model_digest(tmp_path)


def test_digest_by_hand(model):
    said = b"saved_model.pb\x005\x00graph" + b"variables/variables.index\x005\x00index"
    assert model_digest(model) == hashlib.sha256(said).hexdigest()
