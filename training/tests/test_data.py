"""Prepared folders are read as one dataset, checked, and split by study."""

import json
import shutil

import numpy as np
import pytest
from synthetic import write_prepared

from spineline_training.data import Prepared, fold_of, samples_of
from spineline_training.data.prepared import PreparedError


def test_folds_depend_on_the_study_alone_and_are_of_like_size():
    ids = [str(100_000 + one) for one in range(5000)]
    folds = [fold_of(one) for one in ids]
    assert [fold_of(one) for one in reversed(ids)] == folds[::-1]
    assert all(900 < folds.count(one) < 1100 for one in range(5))
    # Fixed values: the folds of shipped bundles must not change.
    assert [fold_of(one) for one in ("4003253", "4646740", "7143189", "8785691", "s00001")] == [0, 3, 1, 2, 3]


def test_all_samples_of_a_study_are_on_one_side(prepared):
    for stage, task in ((1, "nfn"), (2, "ss"), (3, "nfn")):
        samples = samples_of(prepared, stage, task)
        train, held_out = samples.split(1)
        assert len(train) + len(held_out) == len(samples)
        assert not set(samples.study[train]) & set(samples.study[held_out])
        assert {fold_of(samples.studies[one]) for one in samples.study[held_out]} == {1}


def test_samples_are_the_labelled_ones(prepared):
    severity = prepared.array("severity").whole()
    present = prepared.array("stage3.axial_sides.present").whole()
    samples = samples_of(prepared, 3, "ss")
    assert len(samples) == sum(
        severity[study, 5 + row if row < 5 else 10 + row] >= 0 and present[study, row] > 0
        for study in range(10)
        for row in range(10)
    )
    for study, row, label in zip(samples.study, samples.row, samples.label):
        assert label == severity[study, 5 + row if row < 5 else 10 + row]
    # scs and nfn: one view is enough.
    there = [prepared.array(f"stage3.{one}.present").whole() > 0 for one in ("sagittal_t2", "axial_middle")]
    assert len(samples_of(prepared, 3, "scs")) == ((severity[:, 20:] >= 0) & (there[0] | there[1])).sum()


def test_mapped_and_loaded_images_are_the_same(prepared_folder):
    mapped, loaded = (samples_of(Prepared([prepared_folder]), 3, "scs") for _ in range(2))
    assert loaded.load(1e9) and not mapped.load(10)
    index = np.array([len(mapped) - 1, 0, 7])
    for first, second, view in zip(mapped.images(index), loaded.images(index), mapped.views):
        assert np.array_equal(first, second)
        assert first.shape[1:] == view.array.shape[2:]
    # The last sample lies in the last shard.
    last = np.load(prepared_folder / "shard-00002" / "stage3.sagittal_t2.npy")
    assert np.array_equal(mapped.images(index)[0][0], last[mapped.study[index[0]] - 8, mapped.row[index[0]]])


def test_several_folders_are_one_dataset(tmp_path, prepared_folder):
    more = write_prepared(tmp_path / "more", studies=3, seed=1, first=100)
    both = Prepared([prepared_folder, more])
    assert len(both.studies) == 13 and both.studies[-1] == "s00102"
    counts = both.class_counts()
    assert sum(sum(level) for one in counts.values() for level in one.values()) == (
        both.array("severity").whole() >= 0
    ).sum()
    for condition, levels in json.loads((more / "prepare.json").read_text())["classShares"].items():
        for level, shares in levels.items():
            own = Prepared([more]).class_counts()[condition][level]
            assert [one / max(1, sum(own)) for one in own] == pytest.approx(shares)


def test_folders_that_do_not_belong_together_are_refused(tmp_path, prepared_folder):
    with pytest.raises(PreparedError, match="more than one shard"):
        Prepared([prepared_folder, prepared_folder])
    other = write_prepared(tmp_path / "other", studies=2, first=50, xy_room_slices=0)
    with pytest.raises(PreparedError, match="other.*xyRoomSlices"):
        Prepared([prepared_folder, other])


def test_an_unfinished_shard_is_named_with_the_remedy(tmp_path, prepared_folder):
    shutil.copytree(prepared_folder, tmp_path / "copy")
    (tmp_path / "copy" / "shard-00001" / "shard.json").unlink()
    with pytest.raises(PreparedError, match="shard-00001.*spineline prepare"):
        Prepared([tmp_path / "copy"])
    with pytest.raises(PreparedError, match="prepare.json is missing"):
        Prepared([tmp_path])
