"""What all rooms speak: errors, settings, the grid and its cell ids, dates of records, what a feature is, array types."""
