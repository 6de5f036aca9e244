"""The map as a value: package, columns, priority classes, reasons, languages."""
