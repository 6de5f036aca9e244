"""The YAML of a country: load, check, explain."""
