"""How any ranking of cells is judged: folds, metrics, intervals, baselines; knows no model."""
