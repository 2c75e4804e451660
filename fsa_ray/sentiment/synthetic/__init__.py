"""Invented, labelled user reviews: what the embedded default trains its teacher on and measures with."""
