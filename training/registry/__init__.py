"""MLflow: runs, versions, aliases, archives, locks, the decision log."""
