"""A notebook: what each feature adds to the score of a cell, after a training: CONFIG."""

# %% [markdown]
# # Why this cell
# SHAP values of the model that ranks. They say what moved the score: associations, not causes. Train first.

# %%
import sys

import pandas as pd

import mlrisk

CONFIG = sys.argv[1] if len(sys.argv) > 1 else "outputs/demo/country/config.yaml"
country = mlrisk.open_country(CONFIG)
model = country.model()
predicted = model.predict()
first = predicted[predicted["in_domain"]].nlargest(1, "score").index
print(predicted.loc[first].to_string(float_format="{:.3f}".format))

# %%
explanation = model.explain(first)
added = pd.Series(explanation.values[0], index=explanation.feature_names).sort_values(key=abs, ascending=False)
print("log-odds that each feature adds:")
print(added.head(8).to_string(float_format="{:+.2f}".format))

# %% [markdown]
# In a notebook: `shap.plots.waterfall(explanation[0])`, or `shap.plots.beeswarm(model.explain())` for all cells.
# `mlrisk explain CONFIG --cell ID` has the records of the cell too, and whether a reason holds on resampled land.
