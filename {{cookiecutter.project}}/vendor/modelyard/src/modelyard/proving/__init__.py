"""Whether a commit holds what its source gives: retraining it, and comparing."""
