"""From a table to probabilities and contributions with LightGBM, without files and tracking."""
