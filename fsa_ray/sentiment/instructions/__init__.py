"""Instructions that are made from clusters of attributes: how a teacher is asked for them, and what of it is valid."""
