"""What the command line says: pure functions from results to lines and tables; mlrisk.cli.app prints them."""
