"""What a run is configured with, and its provenance."""
