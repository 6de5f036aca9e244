"""Learning where: data set of cells, recipe, tuning, survey bias, judging."""
