"""Champions to scored and ranked cells."""
