"""Tokenizers: a small one learned from texts, and a given one to which line breaks are added."""

from typing import Any, ClassVar

from fsa_ray.core.artifact import Artifact, DataFile, Rows
from fsa_ray.core.stage import Stage, StageContext
from fsa_ray.core.tables import iter_parts, write_file
from fsa_ray.sentiment.pair_format import with_newlines
from fsa_ray.stages.model import Model, local_path

CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
PAD, START, END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"


class Tokenizer(Artifact):
    """The files of a Hugging Face fast tokenizer with a chat template."""

    files: tuple[DataFile, ...]


class LearnTokenizer(Stage[Tokenizer]):
    """Byte-level BPE of `vocabulary` tokens over prompts and answers of the given example tables."""

    name: ClassVar[str] = "tokenizer"
    version: ClassVar[int] = 2

    examples: tuple[Stage[Rows], ...]
    vocabulary: int
    max_length: int

    def run(self, ctx: StageContext) -> Tokenizer:
        from tokenizers import Tokenizer as Backend
        from tokenizers import decoders, models, pre_tokenizers, trainers
        from transformers import PreTrainedTokenizerFast

        backend = Backend(models.BPE())
        # A word has the same tokens at the start of a line as within it, as `positive` has in an answer's two places.
        backend.pre_tokenizer = pre_tokenizers.Sequence(
            [pre_tokenizers.Split("\n", "merged_with_previous"), pre_tokenizers.ByteLevel(add_prefix_space=True)]
        )
        backend.decoder = decoders.ByteLevel()
        trainer = trainers.BpeTrainer(
            vocab_size=self.vocabulary,
            special_tokens=[PAD, START, END],
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        )
        texts = (
            text
            for stage in self.examples
            for part in iter_parts(ctx.root, ctx.load(stage).kept, ["prompt", "answer"])
            for column in part.columns
            for text in column.to_pylist()
        )
        backend.train_from_iterator(texts, trainer)
        tokenizer = PreTrainedTokenizerFast(
            tokenizer_object=backend, eos_token=END, pad_token=PAD, model_max_length=self.max_length
        )
        tokenizer.chat_template = CHAT_TEMPLATE
        return _stored(ctx, tokenizer)


class LineTokenizer(Stage[Tokenizer]):
    """A model's tokenizer, with a token for line breaks if it loses them (FSA-Distillation's `[NL]`)."""

    name: ClassVar[str] = "tokenizer"
    version: ClassVar[int] = 2

    model: Stage[Model]

    def run(self, ctx: StageContext) -> Tokenizer:
        from transformers import AutoTokenizer

        model = ctx.load(self.model)
        path = local_path(ctx.root, model)
        tokenizer = AutoTokenizer.from_pretrained(path, trust_remote_code=model.trust_remote_code)
        with_newlines(tokenizer)
        return _stored(ctx, tokenizer)


def _stored(ctx: StageContext, tokenizer: Any) -> Tokenizer:
    tokenizer.save_pretrained(ctx.scratch)
    files = sorted(path for path in ctx.scratch.iterdir() if path.is_file())
    return Tokenizer(files=tuple(write_file(ctx.root, ctx.out, path.name, path.read_bytes()) for path in files))
