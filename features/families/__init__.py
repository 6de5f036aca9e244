"""One module a family of features: `FEATURES` and `build(tile, snapshot)`."""
