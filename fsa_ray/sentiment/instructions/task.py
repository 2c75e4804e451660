"""A task that students are trained on, and the instruction texts that they see."""

import json
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from fsa_ray.sentiment.answers import Dropped
from fsa_ray.sentiment.instructions.output_format import OutputFormat
from fsa_ray.sentiment.instructions.outputs import output_value, read_text, write_output


class Demonstration(BaseModel):
    """One solved case of a task: an input text on one line and the canonical text of its output.

    In files the output may stand as a JSON value.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    input: str
    output: str

    @field_validator("output", mode="before")
    @classmethod
    def _write(cls, value: Any) -> str:
        return write_output(value)


class TaskDefinition(OutputFormat):
    """A task on one text: what is asked (`description`), what outputs are allowed, and solved examples.

    Errors: ValueError if an example's output contradicts the task or is not in canonical form, or an input is repeated.
    """

    name: str = Field(min_length=1)
    description: str = Field(min_length=1)
    examples: tuple[Demonstration, ...]

    @model_validator(mode="after")
    def _examples_obey(self) -> "TaskDefinition":
        for shown in self.examples:
            output = read_text(self, shown.output, shown.input)
            if isinstance(output, Dropped):
                raise ValueError(f"the example {shown.input[:60]!r} contradicts the task: {output.said}")
            if output != shown.output:
                raise ValueError(f"the output of the example {shown.input[:60]!r} is to be written {output}")
        if len({shown.input for shown in self.examples}) < len(self.examples):
            raise ValueError("an input occurs in more than one example")
        return self

    def instruction(self, demonstrations: Sequence[Demonstration] = ()) -> str:
        """What is asked, how the output is written, and solved cases: all but the text itself."""
        shown = [f"Input: {case.input}\nOutput: {case.output}" for case in demonstrations]
        return "\n\n".join([f"{self.description}\n{self.explain()}", *shown])

    def as_json(self, shown: Demonstration) -> str:
        """A demonstration as the JSON object that teachers write."""
        return json.dumps({"input": shown.input, "output": output_value(self, shown.output)}, ensure_ascii=False)

    def render(self, text: str, demonstrations: Sequence[Demonstration] = ()) -> str:
        """The user turn for one text, which appears in it unchanged. It ends in `Output:`."""
        return render_frame(self.instruction(demonstrations), text)


def render_frame(instruction: str, text: str) -> str:
    """The user turn of an instruction for one text: also that of an analysis instruction, which is a bare sentence."""
    return f"{instruction}\n\nInput: {text}\nOutput:"
