"""Stages, their fingerprints and records, the plan and the runner. Knows nothing of reviews, models or Ray."""
