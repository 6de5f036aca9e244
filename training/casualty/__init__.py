"""Learning how much harm: units, accidents, exposure, history, fitting, judging."""
