"""Champion and challenger: what is new, contest, gate, decision."""
