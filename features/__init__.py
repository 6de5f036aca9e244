"""From sources to one table of features a grid: geometry and time, no learning."""
