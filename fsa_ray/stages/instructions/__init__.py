"""CompEffDist: instructions made from the attributes of reviews, and the records that they make with reviews."""
