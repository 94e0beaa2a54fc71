"""Labels that people correct: the suspects that they review, and what they decided."""
