"""Records on cells; the state of every cell at any date; fingerprints of all that."""
