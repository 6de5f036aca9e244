"""Families to one table: in memory, on a scheduler, as a folder of GeoParquet, as a catalogue."""
