"""From a config to a recorded model version: evidence, folds, fits, judging, baselines, registry."""
