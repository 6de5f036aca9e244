"""From sources to the feature table of a grid: geometry and time, no learning."""
