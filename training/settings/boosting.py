"""Settings of boosted trees, whichever model they serve."""

from typing import Annotated

from pydantic import Field

from features.base import Settings

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]


class BoostingSettings(Settings):
    """Parameters of LightGBM that matter here; shallow trees with large leaves transfer best to new regions."""

    n_trees: int = Field(300, ge=1, le=5000, description="boosted trees")
    learning_rate: float = Field(0.03, gt=0, le=1, description="share of each tree that is added")
    num_leaves: int = Field(8, ge=2, le=256, description="leaves of a tree")
    max_depth: int = Field(6, ge=1, le=16, description="splits between root and leaf at the most")
    min_leaf_weight_share: Share = Field(0.002, description="least share of the rows in a leaf")
    feature_fraction: Share = Field(0.5, description="share of the features that each tree may use")
    bagging_fraction: Share = Field(0.7, description="share of the rows that each tree learns from")
    lambda_l2: float = Field(10.0, ge=0, description="penalty on the squares of the leaf values")
    extra_trees: bool = Field(False, description="draw one threshold a feature: steadier trees, more of them needed")
