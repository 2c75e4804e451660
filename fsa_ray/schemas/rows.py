"""Arrow schemas of the tables that stages exchange. Every table has `id`, unique within the table.

Ids are 128 bits as 32 lower-case hexadecimal characters. A derived row names the row it comes from in `parent`, so
that `verify` can prove that each row that entered a stage left it or is among its rejects.
"""

import pyarrow as pa

from fsa_ray.schemas.opinion import OPINIONS

REVIEW = pa.schema(
    [
        ("id", pa.string()),  # digest of the text and its occurrence number
        ("source_id", pa.string()),  # the user's own id, or file:line
        ("domain", pa.string()),
        ("text", pa.string()),
    ]
)

LABELLED_REVIEW = pa.schema([*REVIEW, ("polarity", pa.string()), ("opinions", OPINIONS)])

REJECT = pa.schema(
    [
        ("id", pa.string()),  # id of the row that was refused
        ("parent", pa.string()),  # id of the row that it came from in the stage's input
        ("source_id", pa.string()),  # the user's own id, where the row still has it
        ("reason", pa.string()),  # one word, for counting
        ("detail", pa.string()),  # for the reader
        ("text", pa.string()),
    ]
)

REQUEST = pa.schema(
    [
        ("id", pa.string()),  # of the response that it will get
        ("parent", pa.string()),  # what it is about
        ("kind", pa.string()),  # which prompt
        ("prompt", pa.string()),  # the user turn
        ("schema", pa.string()),  # JSON schema of the answer; null where the answer is text
        ("labels", pa.list_(pa.string())),  # label words whose probabilities are wanted; null: none
        ("opening", pa.string()),  # how the answer begins before the label word; null: with it
    ]
)

RESPONSE = pa.schema(
    [
        ("id", pa.string()),
        ("parent", pa.string()),  # what was asked about: a review, a cluster, a task, a record
        ("kind", pa.string()),  # which prompt
        ("text", pa.string()),  # what the teacher said, thinking removed
        ("thinking", pa.string()),
        ("finish_reason", pa.string()),
        ("prompt_tokens", pa.int32()),
        ("output_tokens", pa.int32()),
        ("tries", pa.int32()),
        ("temperature", pa.float64()),  # of the round that it comes from
        ("label_logprobs", pa.list_(pa.float32())),  # over the label words of the request; null if not asked
        ("neutralised", pa.bool_()),  # control tokens in the review were broken up for the endpoint
        ("error", pa.string()),  # null when the answer is whole
    ]
)

EXAMPLE = pa.schema(
    [
        ("id", pa.string()),
        ("parent", pa.string()),  # the response's id, or the labelled review's
        ("review_id", pa.string()),
        ("kind", pa.string()),
        ("group", pa.string()),  # what per-prompt sampling groups by
        ("prompt", pa.string()),  # the user turn
        ("answer", pa.string()),  # the assistant turn
        ("polarity", pa.string()),  # null for kinds that have none
        ("opinions", OPINIONS),
        ("labels", pa.list_(pa.string())),  # words with one of which the answer begins; null: none are weighed
        ("label_logprobs", pa.list_(pa.float32())),  # the teacher's log-probability of each
    ]
)

SCORED_EXAMPLE = pa.schema(
    [*EXAMPLE, ("difficulty", pa.float64()), ("answer_tokens", pa.int32()), ("error", pa.string())]
)

PREDICTION = pa.schema(
    [
        ("id", pa.string()),
        ("text", pa.string()),
        ("polarity", pa.string()),
        ("confidence", pa.float32()),
        ("opinions", OPINIONS),
        ("error", pa.string()),
    ]
)

ANNOTATION = pa.schema([*PREDICTION, ("label_logprobs", pa.list_(pa.float32()))])  # over POLARITIES

QUESTION = pa.schema(
    [
        ("id", pa.string()),
        ("task", pa.string()),
        ("seed", pa.int32()),
        ("prior", pa.int8()),  # which content-free text stands for the item's own; null: none
        ("text", pa.string()),
        ("item", pa.string()),  # JSON: id, position, gold, extra
        ("prompt", pa.string()),
        ("shots", pa.int8()),
        ("dropped", pa.int8()),  # demonstrations that did not fit
        ("too_long", pa.bool_()),  # not even the query fits
        ("labels", pa.list_(pa.string())),  # continuations to choose from; null: a free answer
        ("schema", pa.string()),  # of a free answer, as JSON; null: none
        ("max_tokens", pa.int32()),
    ]
)
"""A benchmark item as a prompt."""

ANSWER = pa.schema(
    [
        ("id", pa.string()),
        ("text", pa.string()),
        ("label_logprobs", pa.list_(pa.float64())),  # in the order of the question's labels
        ("finish_reason", pa.string()),
        ("error", pa.string()),
    ]
)
