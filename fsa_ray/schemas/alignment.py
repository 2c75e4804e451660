"""Arrow schemas of the alignment phase."""

import pyarrow as pa

ALIGNMENT = pa.schema(
    [
        ("id", pa.string()),
        ("parent", pa.string()),  # the review's id, or that of another task's record
        ("task", pa.string()),
        ("variant", pa.string()),  # its format as JSON; null for another task
        ("text", pa.string()),  # the review, or the other task's input
        ("prompt", pa.string()),  # the user turn
    ]
)
"""A few-shot task prompt about a review, or one of another task."""

OTHER_TASK = pa.schema(
    [
        ("id", pa.string()),
        ("task", pa.string()),
        ("text", pa.string()),  # the input
        ("record", pa.string()),  # JSON: instruction and solved examples
    ]
)
"""A query of a task other than sentiment, from a user's file."""
