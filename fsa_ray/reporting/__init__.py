"""Scorecards and records become things to read: one self-contained HTML page, terminal tables, a model card."""
