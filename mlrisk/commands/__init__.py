"""Every command as a function that returns a value."""
