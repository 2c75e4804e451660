"""DeepSpeed: its settings, built from a run's identity and its placement, and its engine."""

from typing import Any

import deepspeed
import torch

from fsa_ray.engine.train import TrainPlacement
from fsa_ray.training.rms_adamw import RmsAdamW, tensor_groups
from fsa_ray.training.settings import TrainSettings


def zero_settings(settings: TrainSettings, *, stage: int, workers: int, micro_batch: int) -> dict[str, Any]:
    """DeepSpeed's configuration for ZeRO stage 0 to 3.

    Gradient accumulation stays outside: the loop normalises by the global batch's answer tokens and marks the
    boundary itself, so DeepSpeed is told of one micro-batch a step.
    """
    return {
        "train_micro_batch_size_per_gpu": micro_batch,
        "gradient_accumulation_steps": 1,
        "train_batch_size": micro_batch * workers,
        "gradient_clipping": settings.clip,
        "bf16": {"enabled": settings.precision == "bf16"},
        "zero_optimization": {
            "stage": stage,
            "contiguous_gradients": True,
            "overlap_comm": False,
            "reduce_bucket_size": 50_000_000,
            "allgather_bucket_size": 50_000_000,
        },
        "zero_allow_untested_optimizer": True,
    }


def start_engine(
    model: torch.nn.Module, settings: TrainSettings, placement: TrainPlacement, device: torch.device
) -> Any:
    """DeepSpeed's engine around `model`. Collective. Nothing is compiled: DeepSpeed would build
    its shared-memory all-reduce and its own Adam with a C++ compiler at the first start."""
    deepspeed.ops.__compatible_ops__["deepspeed_shm_comm"] = False
    # To learn whether it knows our optimiser, DeepSpeed would import one that drags in torch's compiler: seconds.
    deepspeed.runtime.engine.is_zero_supported_optimizer = lambda _: True
    deepspeed.init_distributed(auto_mpi_discovery=False, verbose=False)
    optimizer = _optimizer(model, settings)
    workers, micro_batch = torch.distributed.get_world_size(), placement.micro_batch
    config = zero_settings(settings, stage=placement.zero_stage, workers=workers, micro_batch=micro_batch)
    engine, *_ = deepspeed.initialize(
        model=model.to(device), optimizer=optimizer, config=config, dist_init_required=False
    )
    if type(engine.optimizer).__name__ == "FP16_UnfusedOptimizer":
        _undo_first_step(engine)
    return engine


def _undo_first_step(engine: Any) -> None:
    """Under stage 0 in bf16 DeepSpeed makes room for the moments with a step of its own, by which weights decay and
    which counts in Adam's correction of its bias."""
    for weights, masters in zip(engine.optimizer.fp16_groups, engine.optimizer.fp32_groups, strict=True):
        for weight, master in zip(weights, masters, strict=True):
            master.data.copy_(weight.data)
    engine.basic_optimizer.state.clear()


def _optimizer(model: torch.nn.Module, settings: TrainSettings) -> torch.optim.Optimizer:
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    options: dict[str, Any] = {
        "lr": settings.learning_rate,
        "betas": settings.betas,
        "eps": settings.epsilon,
        "weight_decay": settings.weight_decay,
    }
    if settings.optimizer == "rms_adamw":
        return RmsAdamW(tensor_groups(trained), **options)
    return torch.optim.AdamW(trained, **options, fused=True)
