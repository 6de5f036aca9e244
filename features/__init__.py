"""Sources in, one table of features per grid out: geometry and time, nothing of learning."""
