"""Start an engine on a tiny random model: does serving work on this machine at all?"""

import tempfile

from fsa_ray.core.placement import Placement


def trial(placement: Placement) -> str:
    """What was seen, for the reader. Raises what the engine raises."""
    from fsa_ray.engine.application import ModelSettings
    from fsa_ray.engine.placement import EnginePlacement, RayPlacement
    from fsa_ray.engine.session import Session

    with tempfile.TemporaryDirectory() as folder, Session(placement.section("ray", RayPlacement)) as session:
        _save_tiny_model(folder)
        session.start_ray()
        settings = ModelSettings(model=folder, dtype="float32", max_model_len=64)
        session.engine(settings, placement.section("engine", EnginePlacement))
        return "an engine started on a tiny random model"


def _save_tiny_model(folder: str) -> None:
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

    words = {f"w{number}": number for number in range(64)}
    backend = Tokenizer(models.WordLevel(words, unk_token="w0"))  # noqa: S106 - a word, no password
    PreTrainedTokenizerFast(tokenizer_object=backend, eos_token="w1", pad_token="w2").save_pretrained(folder)  # noqa: S106
    config = Qwen3Config(
        vocab_size=64,
        hidden_size=64,
        intermediate_size=64,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=32,
        max_position_embeddings=64,
    )
    Qwen3ForCausalLM(config).save_pretrained(folder)
