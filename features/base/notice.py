"""The sentence that every output carries."""

NOT_EVIDENCE = "Not evidence of absence: an unranked or low-ranked cell may be contaminated."
