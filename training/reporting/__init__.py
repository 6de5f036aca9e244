"""What a run leaves for people: report, card, tables."""
