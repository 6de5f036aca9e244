"""What came later against what the map said: verification, progress, changes."""
