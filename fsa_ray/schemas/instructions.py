"""Arrow schemas of what leads from reviews to instructions, and from instructions to records."""

import pyarrow as pa

ATTRIBUTE = pa.schema(
    [
        ("id", pa.string()),
        ("name", pa.string()),
        ("mentions", pa.int64()),
        ("description", pa.string()),  # the most common one
        ("values", pa.list_(pa.string())),  # the most common ones
    ]
)

CLUSTER = pa.schema(
    [
        ("id", pa.string()),
        ("name", pa.string()),  # of its most mentioned attribute
        ("mentions", pa.int64()),
        ("attributes", pa.list_(pa.string())),  # names, the most mentioned first
        ("descriptions", pa.list_(pa.string())),  # of the attributes, in the same order
    ]
)

TASK = pa.schema(
    [
        ("id", pa.string()),
        ("parent", pa.string()),  # the response's id
        ("cluster", pa.string()),  # the cluster's name
        ("kind", pa.string()),
        ("name", pa.string()),
        ("definition", pa.string()),  # JSON of what is known of the task
    ]
)
"""A task that the teacher proposed; later one that it defined."""

DEMONSTRATION = pa.struct(
    [
        ("id", pa.string()),
        ("parent", pa.string()),  # the response's id; null: from a file
        ("references", pa.list_(pa.string())),  # ids of the reviews that the teacher was shown as style
    ]
)
"""Where an example of a task comes from."""

INSTRUCTION = pa.schema(
    [
        ("id", pa.string()),
        ("parent", pa.string()),  # the id of the response that made or defined it; null: from a file
        ("cluster", pa.string()),
        ("kind", pa.string()),  # analysis, or the kind of the task
        ("name", pa.string()),  # null for an analysis
        ("source", pa.string()),  # generated, or the file that it comes from
        ("definition", pa.string()),  # JSON of the task, or the analysis instruction's text
        ("demonstrations", pa.list_(DEMONSTRATION)),  # of the task's examples, in their order; null for an analysis
    ]
)

RECORD = pa.schema(
    [
        ("id", pa.string()),
        ("parent", pa.string()),  # the review's id
        ("instruction", pa.string()),  # its id
        ("cluster", pa.string()),
        ("kind", pa.string()),
        ("domain", pa.string()),
        ("group", pa.string()),  # what per-prompt sampling groups by
        ("text", pa.string()),  # the review
        ("demonstrations", pa.list_(pa.string())),  # ids of those in the prompt, in order
        ("prompt", pa.string()),  # the user turn
        ("schema", pa.string()),  # JSON schema of the answer; null where the answer is text
    ]
)
