"""full.json has the full-size models, and a mistake in a configuration is an error that names it."""

import json

import pytest
from conftest import CONFIGS

from spineline_training.config import EncoderConfig, load_config, model_config_from, model_config_to_json


def test_full_has_these_sizes(full):
    for head in ("cls", "reg"):
        model = full.stages[1].models[head]
        assert (model.stem, model.downsample) == ((1, 2, 2), ((2, 2, 2),))
        assert (model.depths, model.widths, model.kernel) == ((3, 3, 9, 3), (64, 128, 256, 512), (2, 7, 7))
        assert (model.pooling, model.pre_pool) == ("average", (1, 1, 1))
    assert [one.encoder.variant for one in full.stages[2].models.values()] == ["convnext_base", "efficientnet_v2_l"]
    assert [one.encoder.variant for one in full.stages[3].models.values()] == ["convnext_small", "efficientnet_v2_s"]


@pytest.mark.parametrize("size", ["nano", "full"])
def test_every_task_has_its_members(size):
    config = load_config(CONFIGS / f"{size}.json")
    assert {task: names for task, names in config.stages[1].tasks.items()} == {
        "scs": ("cls", "reg"),
        "nfn": ("cls", "reg"),
    }
    for stage in (2, 3):
        assert set(config.stages[stage].tasks.values()) == {("convnext", "effnetv2")}
        assert list(config.stages[stage].tasks) == ["scs", "nfn", "ss"]


def test_a_model_configuration_survives_json(nano):
    for stage in (1, 2, 3):
        for model in nano.stages[stage].models.values():
            assert model_config_from(stage, json.loads(json.dumps(model_config_to_json(model)))) == model


def test_a_misspelt_field_is_an_error_that_names_file_and_field(tmp_path):
    raw = json.loads((CONFIGS / "nano.json").read_text())
    raw["stage1"]["models"]["cls"]["width"] = [1, 2]
    (tmp_path / "odd.json").write_text(json.dumps(raw))
    with pytest.raises(ValueError, match="odd.json.*width"):
        load_config(tmp_path / "odd.json")


def test_values_outside_the_choices_are_refused():
    with pytest.raises(ValueError, match="pooling"):
        model_config_from(1, {"head": "cls", "pooling": "max"})
    with pytest.raises(ValueError, match="variant"):
        EncoderConfig(family="convnext")


def test_recipes_are_overridden_by_task_member_and_both(tmp_path):
    raw = json.loads((CONFIGS / "nano.json").read_text())
    raw["stage1"]["training"] = {
        "lr": 1,
        "batch": 2,
        "augment": {"rotate": 3},
        "overrides": {"nfn": {"lr": 2}, "reg": {"batch": 4}, "nfn-reg": {"augment": {"mirror": 0}}},
        "folds": {"reg": 4},
    }
    file = tmp_path / "one.json"
    file.write_text(json.dumps(raw))
    stage = load_config(file).stages[1]
    found = {key: (one.lr, one.batch, one.augment.rotate, one.augment.mirror) for key, one in stage.recipes.items()}
    assert found == {
        ("scs", "cls"): (1, 2, 3, 0.5),
        ("scs", "reg"): (1, 4, 3, 0.5),
        ("nfn", "cls"): (2, 2, 3, 0.5),
        ("nfn", "reg"): (2, 4, 3, 0),
    }
    assert stage.folds == {"cls": 0, "reg": 4}
    for wrong in ({"lrr": 1}, {"overrides": {"ss": {}}}, {"folds": {"other": 1}}, {"folds": {"cls": 5}}):
        raw["stage1"]["training"] = wrong
        file.write_text(json.dumps(raw))
        with pytest.raises(ValueError, match="one.json"):
            load_config(file)
