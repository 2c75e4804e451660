"""The optimiser against its formula, tensor by tensor; under DeepSpeed: tests/ray/test_students.py."""

import pytest

torch = pytest.importorskip("torch")

from fsa_ray.training.rms_adamw import RmsAdamW, tensor_groups  # noqa: E402


@pytest.mark.parametrize("steps", [1, 3])
def test_steps_equal_the_formula(steps):
    generator = torch.Generator().manual_seed(0)
    sizes = {"matrix": (7, 5), "vector": (4,), "one": (1,), "tiny": (3, 3), "zero": (2, 2)}
    scales = {"tiny": 1e-5, "zero": 0.0}
    weights = {n: torch.randn(s, generator=generator, dtype=torch.float64) * scales.get(n, 1) for n, s in sizes.items()}
    tensors = {name: torch.nn.Parameter(value.clone()) for name, value in weights.items()}
    lr, betas, eps, decay = 3e-3, (0.9, 0.999), 1e-6, 0.01
    optimizer = RmsAdamW(tensor_groups(tensors.values()), lr=lr, betas=betas, eps=eps, weight_decay=decay)
    moments = {name: (torch.zeros_like(value), torch.zeros_like(value)) for name, value in weights.items()}
    for step in range(1, steps + 1):
        for name, parameter in tensors.items():
            gradient = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
            parameter.grad = gradient.clone()
            value, (m, v) = weights[name], moments[name]
            m, v = betas[0] * m + (1 - betas[0]) * gradient, betas[1] * v + (1 - betas[1]) * gradient**2
            moments[name] = m, v
            size = max(1e-3, float(value.square().mean().sqrt()))
            direction = (m / (1 - betas[0] ** step)) / ((v / (1 - betas[1] ** step)).sqrt() + eps)
            weights[name] = value - lr * size * direction - lr * decay * value
        optimizer.step()
    for name, parameter in tensors.items():
        torch.testing.assert_close(parameter.data, weights[name], rtol=1e-6, atol=1e-9)
