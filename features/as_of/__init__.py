"""What was known at a date, derived once for all tiles: tables, layers, a cell's own records, events."""
