"""Config in, a recorded model version out: evidence, splits, metrics, baselines, fit, tracking."""
