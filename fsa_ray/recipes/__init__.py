"""Recipes: functions from a spec to a pipeline, in one plain table."""
