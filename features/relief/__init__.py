"""Focal statistics, derivatives and horizons of arrays of heights."""
