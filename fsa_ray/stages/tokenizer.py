"""Learn a small byte-pair tokenizer from texts, for models that are made from a config."""

from typing import ClassVar

from fsa_ray.core.artifact import Artifact, DataFile, Rows
from fsa_ray.core.stage import Stage, StageContext
from fsa_ray.core.tables import iter_parts, write_file

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
        tokenizer.save_pretrained(ctx.scratch)
        files = sorted(path for path in ctx.scratch.iterdir() if path.is_file())
        return Tokenizer(files=tuple(write_file(ctx.root, ctx.out, path.name, path.read_bytes()) for path in files))
