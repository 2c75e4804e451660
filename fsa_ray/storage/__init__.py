"""Where bytes lie: a folder on any fsspec file system, and the claim that keeps two drivers off one stage."""
