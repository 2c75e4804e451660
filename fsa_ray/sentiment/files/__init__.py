"""The files that users have: reading reviews from them, pinning what they are, writing predictions."""
