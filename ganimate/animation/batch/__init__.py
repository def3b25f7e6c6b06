"""Many photos, one model: which, what was done already, and what came of each."""
