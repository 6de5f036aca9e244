"""The output of the command line: pure functions from results to lines and tables, which mlrisk.cli.app prints."""
