"""A notebook: what the sources of a country hold and what is known of its land: CONFIG."""

# %% [markdown]
# # Explore a country
# What the sources hold, what is known of the land, and how features look where ordnance was found.

# %%
import sys

import mlrisk

CONFIG = sys.argv[1] if len(sys.argv) > 1 else "outputs/demo/country/config.yaml"
country = mlrisk.open_country(CONFIG)
for report in country.reports:
    print(f"{report.source:20} {report.rows_kept:>7,} of {report.rows_read:>7,} kept")

# %% [markdown]
# Three states, never two: unknown is no label. `found` is missing on every cell that a model must not learn from.

# %%
labels = country.labels()
print(labels.groupby("status", observed=True)["weight"].agg(["size", "sum"]))

# %%
features = country.features()
print(f"{features.shape[1]} features of {len(features):,} cells")
found = labels["found"].fillna(value=False).to_numpy(dtype=bool)
searched = labels["found"].eq(other=False).fillna(value=False).to_numpy(dtype=bool)
halves = features.loc[:, features.nunique() > 1]
apart = ((halves[found].median() - halves[searched].median()) / halves.std()).sort_values(key=abs, ascending=False)
print("where found and searched land differ most, in standard deviations:")
print(apart.head(8).to_string(float_format="{:+.2f}".format))
