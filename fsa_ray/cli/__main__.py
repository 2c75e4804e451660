"""`python -m fsa_ray.cli`, the same as `fsa-ray`."""

from fsa_ray.cli import main

main()
