"""A notebook: what one team more would bring to a season, after a training: CONFIG."""

# %% [markdown]
# # Plan a season
# What one team more would bring. Nothing is written; `mlrisk rank` writes the planner package of the config.

# %%
import sys

import mlrisk

CONFIG = sys.argv[1] if len(sys.argv) > 1 else "outputs/demo/country/config.yaml"
country = mlrisk.open_country(CONFIG)
for teams in ({"nts_teams": 1, "dogs": 1}, {"nts_teams": 2, "dogs": 1}):
    tasks = country.plan(teams)
    totals = tasks.attrs["totals"]
    names = ", ".join(f"{number} {kind.replace('_', ' ')}" for kind, number in teams.items())
    print(f"{names}: {totals['tasks_planned']} tasks, {totals['expected_found_cells']:.1f} cells expected to be found")

# %% [markdown]
# The tasks are polygons with everything that the sheets say.

# %%
planned = tasks[tasks["planned"]].sort_values("plan_order")
print(planned[["work", "asset", "team_days", "expected_found", "reason_1"]].head().to_string(index=False))
