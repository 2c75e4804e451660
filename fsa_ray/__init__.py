"""Distil a large model's understanding of user reviews into a small model that you own."""

__version__ = "0.1.0"
