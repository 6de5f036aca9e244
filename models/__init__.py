"""Table in, probabilities and reasons out: LightGBM and its contributions, nothing of files and tracking."""
