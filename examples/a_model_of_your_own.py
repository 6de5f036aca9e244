"""A notebook: an estimator of scikit-learn against ours on the folds of a country: CONFIG."""

# %% [markdown]
# # A model of your own against ours
# Any estimator or pipeline of scikit-learn on our folds, features and baselines. Nothing is registered.

# %%
import sys

from sklearn.ensemble import HistGradientBoostingClassifier

import mlrisk

CONFIG = sys.argv[1] if len(sys.argv) > 1 else "outputs/demo/country/config.yaml"
country = mlrisk.open_country(CONFIG)
mine = HistGradientBoostingClassifier(max_iter=60, min_samples_leaf=50)
table = mlrisk.evaluate(mine, country, ["leave_region_out"], name="mine")

# %% [markdown]
# `pooled` has all folds together, with 90 % intervals by blocks of land and what our model gains over each ranking.

# %%
pooled = table[table["fold"] == "pooled"].set_index("ranking")
columns = ["roc_auc", "recall_10", "recall_10_low", "recall_10_high", "recall_10_gain", "recall_10_gain_low"]
print(pooled[columns].sort_values("recall_10", ascending=False).to_string(float_format="{:.2f}".format))

# %% [markdown]
# A feature family left out: features are kept by content, so only the judging is done again.

# %%
without = mlrisk.open_country(mlrisk.load_config(CONFIG, overrides=["contamination.leave_out=[incidents]"]))
again = mlrisk.evaluate(None, without, ["leave_region_out"]).set_index(["fold", "ranking"])
print(f"without accidents: {again.loc[('pooled', 'mlrisk'), 'recall_10']:.2f} of finds in the first 10 % of the area")

# %% [markdown]
# The same folds in scikit-learn's own tools:
# `cross_val_score(mine, country.features(), y, cv=country.folds("leave_region_out"))`
