"""From a ranked map to jobs: who surveys what, for how long, what for, and what is expected of it."""
