"""The parts of the feature benchmark: a country of any size, good-practice tools, exact answers, tables."""
