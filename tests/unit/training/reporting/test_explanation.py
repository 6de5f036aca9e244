"""What moves the scores over all land: closed forms, pictures that repeat, and pairs that are really there."""

import colorsys
import io

import numpy as np
import pytest

from models.attribution import Families, Interaction, leading_interactions
from models.boosting import BoostingParams, fit
from tests.support.page_reader import FORBIDDEN, Seen
from training.reporting import explanation_figures as figures
from training.reporting.explanation import FEWEST_OF_REGION, Explanation
from training.reporting.explanation_sections import explanation_sections
from training.reporting.html import page

NAMES = ("near", "far", "flat")


@pytest.fixture(scope="module", autouse=True)
def small_pictures():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(figures, "DPI", 60)
        yield


@pytest.fixture(scope="module")
def explained():
    """Two features of one family that cancel, and one that never moves."""
    rng = np.random.default_rng(1)
    values = rng.normal(size=(200, 3)).astype(np.float32)
    values[:, 2] = 7
    values[0, 0] = np.nan
    contributions = np.stack([2 * np.nan_to_num(values[:, 0]), -np.abs(values[:, 1]), np.zeros(200)], axis=1)
    regions = np.array(["north"] * 120 + ["<b>south</b>"] * 70 + [""] * 10, dtype=object)
    families = Families.of(NAMES, {"near": "roads", "far": "roads", "flat": "terrain"})
    pairs = (Interaction("near", "far", 0.3),)
    return Explanation(
        names=NAMES,
        families=families,
        texts={"near": "distance to a road"},
        units={"near": "m"},
        values=values,
        contributions=contributions,
        regions=regions,
        pairs=pairs,
    )


def test_a_family_is_the_sum_of_its_features_and_the_greatest_comes_first(explained):
    families = explained.by_family().set_index("family")
    sums = explained.contributions[:, 0] + explained.contributions[:, 1]
    assert families.index.tolist() == ["roads", "terrain"]
    assert families.loc["roads", "mean_size"] == pytest.approx(np.abs(sums).mean())
    assert families.loc["roads", "mean"] == pytest.approx(sums.mean())
    assert families.loc["terrain", "mean_size"] == 0


def test_a_feature_tells_its_direction_where_it_has_one(explained):
    features = explained.by_feature().set_index("feature")
    assert features.loc["near", "text"] == "distance to a road"
    assert features.loc["near", "direction"] == pytest.approx(1)
    assert abs(features.loc["far", "direction"]) < 0.5
    assert np.isnan(features.loc["flat", "direction"])


def test_regions_are_means_of_their_own_cells_and_small_ones_are_left_out(explained):
    regions = explained.by_region().set_index("region")
    north = explained.regions == "north"
    assert regions["cells"].to_dict() == {"<b>south</b>": 70, "north": 120}
    assert regions.loc["north", "roads"] == pytest.approx(explained.contributions[north, :2].sum(axis=1).mean())
    few = explained.regions.copy()
    few[: 120 - FEWEST_OF_REGION + 1] = ""
    assert "north" not in Explanation(**(vars(explained) | {"regions": few})).by_region()["region"].tolist()


@pytest.mark.slow
@pytest.mark.parametrize("draw", [figures.families_picture, figures.features_picture, figures.dependences_picture])
def test_a_picture_repeats_has_no_green_and_leaves_the_random_numbers_alone(draw, explained):
    from PIL import Image

    before = np.random.get_state()[1].copy()  # noqa: NPY002
    picture = draw(explained)
    assert np.array_equal(before, np.random.get_state()[1])  # noqa: NPY002
    np.random.random(7)  # noqa: NPY002
    assert draw(explained) == picture
    pixels = np.asarray(Image.open(io.BytesIO(picture)).convert("RGB")).reshape(-1, 3)
    for red, green, blue in np.unique(pixels // 16 * 16, axis=0) / 255:
        hue, saturation, value = colorsys.rgb_to_hsv(red, green, blue)
        assert not (70 <= hue * 360 <= 170 and saturation > 0.2 and value > 0.2)


@pytest.mark.slow
def test_the_section_tells_of_everything_and_escapes_it(explained):
    (made,) = explanation_sections(explained)
    title, html = made.heading, page("t", (), "n", [made])
    text = " ".join(Seen(html).words)
    assert title == "What moves the scores"
    for words in ("distance to a road", "Pairs that work together", "<b>south</b>", "not what causes contamination"):
        assert words in text
    assert "<b>" not in html
    assert not FORBIDDEN.search(text)
    assert explanation_sections(None) == []


def test_the_pair_that_makes_the_label_leads():
    rng = np.random.default_rng(5)
    values = rng.normal(size=(3_000, 4)).astype(np.float32)
    found = (values[:, 1] > 0) == (values[:, 3] > 0)
    params = BoostingParams(
        n_trees=30,
        learning_rate=0.2,
        num_leaves=8,
        max_depth=4,
        min_leaf_share=0.01,
        feature_fraction=1.0,
        bagging_fraction=1.0,
        lambda_l2=1.0,
    )
    model = fit(values, found.astype(float), np.ones(3_000), ("a", "b", "c", "d"), "binary", params, seed=0)
    first, *rest = leading_interactions(model, values[:100])
    assert {first.first, first.second} == {"b", "d"}
    assert all(pair.effect < first.effect / 3 for pair in rest)
