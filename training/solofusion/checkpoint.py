"""Checkpoints as trainers write them: the sets of weights in a file, and the choice of one.

A file may hold its weights under any key, under prefixes such as ``module.``, as they
are after the last step (raw) and averaged over the steps (averaged). A set is found by
the model's own names, wherever they stand. Published scores are the averages'.

    content, said = read(path)
    weights = choose(sets_in(content, names), path, "auto", names, print)
"""

import pickle
import re
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from . import foreign
from .command import Refused

Weights = dict[str, Tensor]

AVERAGED = re.compile(r"(^|[._])(ema|averaged?|avg|swa|shadow|teacher)([._]|$)")
COUNTERS = {"n_averaged", "steps", "updates", "num_updates", "step", "epoch", "iter"}
"""Entries beside a set's weights that count something."""
DEEPEST = 5
"""Levels of a file that are searched."""
SHARE = 0.1
"""Of the model's names that a prefix must have to be one, if it names no averages."""

SAFE = {
    "collections": {"OrderedDict", "defaultdict"},
    "builtins": {"set", "frozenset", "list", "dict", "int", "float", "str", "complex", "bytearray", "slice"},
    "torch": {"Size", "device"},
    "torch.nn.parameter": {"Parameter"},
    "torch.storage": {"UntypedStorage", "TypedStorage"},
    "torch._tensor": {"_rebuild_from_type_v2"},
    "torch._utils": {
        "_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_tensor_v3", "_rebuild_parameter",
        "_rebuild_parameter_with_state", "_rebuild_qtensor", "_rebuild_sparse_tensor",
    },
    "numpy": {"dtype", "ndarray"},
    "numpy.core.multiarray": {"_reconstruct", "scalar"},
    "numpy._core.multiarray": {"_reconstruct", "scalar"},
    "_codecs": {"encode"},
}
"""What a pickle may call; it makes tensors, arrays and plain values."""


class StandIn(dict):
    """An object whose class is neither a tensor's nor a plain value's: what the file
    says of it, and none of its code."""

    __hash__ = object.__hash__

    def __init__(self, *_args: object, **_kwargs: object):
        super().__init__()

    def __call__(self, *_args: object, **_kwargs: object) -> "StandIn":
        return StandIn()

    def __setstate__(self, state: object) -> None:
        for part in state if isinstance(state, tuple) else (state,):
            if isinstance(part, dict):
                self.update(part)

    def append(self, _item: object) -> None:
        pass

    def extend(self, _items: object) -> None:
        pass


def unpickler(left_out: set[str]) -> type[pickle.Unpickler]:
    """A reader of pickles that runs nothing but SAFE; the names of the classes that it
    replaces go to left_out."""

    class Reader(pickle.Unpickler):
        def find_class(self, module: str, name: str) -> object:
            if name in SAFE.get(module, ()) or module == "torch" and is_torch_value(name):
                return super().find_class(module, name)
            left_out.add(f"{module}.{name}")
            return type(name.rpartition(".")[2], (StandIn,), {})

    return Reader


def is_torch_value(name: str) -> bool:
    kinds = (torch.dtype, torch.layout, torch.memory_format, torch.qscheme)
    return isinstance(getattr(torch, name, None), kinds) or name.endswith("Storage")


def read(path: Path, trust: bool = False) -> tuple[object, set[str]]:
    """The content of a file, and with trust the classes that were left out of it: files
    that hold more than tensors and plain values are refused without."""
    if path.is_dir():
        raise Refused(f"{path} is {foreign.kind_of_folder(path)}")
    if not path.exists():
        raise Refused(f"{path} does not exist")
    if kind := foreign.kind_of(path):
        raise Refused(f"{path} is {kind}")
    left_out: set[str] = set()
    try:
        with path.open("rb") as file:
            if foreign.is_safetensors(file.read(16)):
                return load_file(path), left_out
        return load(path, trust, left_out), left_out
    except pickle.UnpicklingError as e:
        found = re.search(r"(?:Unsupported (?:global|class)|global): (?:GLOBAL )?([\w.]+)", str(e))
        if trust or "weights_only" not in str(e):
            raise Refused(f"{path} is not a PyTorch file: {first_line(e)}") from None
        what = found[1] if found else "other kinds"
        raise Refused(
            f"{path} holds objects of {what} beside tensors and plain values; "
            "--trust reads it without them"
        ) from None
    except (RuntimeError, EOFError, OSError, ValueError, TypeError, AttributeError, KeyError, IndexError,
            ImportError, AssertionError, SafetensorError) as e:
        raise Refused(f"{path} is no PyTorch file, or cut short: {first_line(e)}") from None


def load(path: Path, trust: bool, left_out: set[str]) -> object:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if not trust:
            return torch.load(path, map_location="cpu", weights_only=True)
        reader = unpickler(left_out)
        module = SimpleNamespace(
            __name__=__name__, Unpickler=reader, load=lambda file, **how: reader(file, **how).load()
        )
        return torch.load(path, map_location="cpu", weights_only=False, pickle_module=module)


def first_line(e: Exception) -> str:
    return (str(e).strip().splitlines() or [type(e).__name__])[0]


@dataclass
class Set:
    """Weights that stand together, by the model's names."""

    key: str
    container: str
    averaged: bool
    weights: Weights = field(default_factory=dict)
    strays: Weights = field(default_factory=dict)
    """What stands beside them and is none of the model's, by its own names."""
    why: str = ""
    """Why they count as averaged or raw, if not for their key."""

    def __str__(self) -> str:
        return f"{self.key} ({'averaged, ' if self.averaged else ''}{len(self.weights)} tensors)"


def sets_in(content: object, names: set[str], path: Path) -> list[Set]:
    """All sets of weights in the content of the file, for a model of these names."""
    underscored = {n.replace(".", "_"): n for n in names}
    found = []
    for key, entries in containers(content):
        found += split(key, entries, names, underscored)
    if not found:
        raise Refused(f"{path} holds no weights of this model: {held(content)}; "
                      "want names such as img_backbone.conv1.weight")
    swap(content, found, path)
    return found


def containers(value: object, key: str = "", depth: int = 0) -> Iterator[tuple[str, dict]]:
    """The dicts in a value, each with its key; a whole module as its state dict."""
    if isinstance(value, StandIn) and "_modules" in value:
        yield key, dict(module_state(value))
        return
    if not isinstance(value, dict) or depth > DEEPEST:
        return
    yield key, value
    for name, part in value.items():
        if isinstance(name, str):
            yield from containers(part, f"{key}.{name}".lstrip("."), depth + 1)


def module_state(module: dict, prefix: str = "") -> Iterator[tuple[str, Tensor]]:
    """The state dict of a pickled module."""
    for part in ("_parameters", "_buffers"):
        for name, value in (module.get(part) or {}).items():
            if isinstance(value, Tensor):
                yield prefix + name, value
    for name, child in (module.get("_modules") or {}).items():
        if isinstance(child, dict):
            yield from module_state(child, f"{prefix}{name}.")


def split(key: str, entries: dict, names: set[str], underscored: dict[str, str]) -> list[Set]:
    """The sets in one dict: one for each prefix before the model's names."""
    groups: dict[str, Weights] = {}
    strays: Weights = {}
    for name, value in entries.items():
        if not isinstance(value, Tensor | np.ndarray):
            if name in names:
                raise Refused(f"{key or 'the file'}: {name} is a {type(value).__name__}, want a tensor")
            continue
        value = torch.as_tensor(value).detach()
        prefix, plain = place(str(name), names, underscored)
        if plain:
            groups.setdefault(prefix, {})[plain] = value
        elif str(name).rpartition(".")[2] not in COUNTERS:
            strays[str(name)] = value
    for prefix in [p for p, g in groups.items() if len(g) < SHARE * len(names) and not AVERAGED.search(p)]:
        strays |= {prefix + n: t for n, t in groups.pop(prefix).items()}
    if groups:  # the rest is named as the model's names would be
        common = max(groups, key=lambda p: len(groups[p]))
        strays = {n.removeprefix(common): t for n, t in strays.items()}
    wrapped = "n_averaged" in entries
    return [
        Set(called(key, prefix, len(groups)), key, wrapped or averages(key, prefix), weights, strays)
        for prefix, weights in groups.items()
    ]


def place(name: str, names: set[str], underscored: dict[str, str]) -> tuple[str, str]:
    """What stands before the model's name in a name, and that name; "" if there is none.
    Hooks of mmcv write ema_ and the name with underscores for its dots."""
    head = 0
    while head >= 0:
        tail = name[head:]
        if tail in names:
            return name[:head], tail
        if tail.startswith("ema_"):
            plain = tail[4:] if tail[4:] in names else underscored.get(tail[4:])
            if plain:
                return name[: head + 4], plain
        head = name.find(".", head) + 1 or -1
    return "", ""


def averages(key: str, prefix: str) -> bool:
    return bool(AVERAGED.search(f"{key}.{prefix}"))


def unnamed(content: object) -> list[str]:
    """The keys of averages that are kept as lists, in the order of parameters: without
    names nothing says which is which."""
    return [
        f"{key}.{name}".lstrip(".")
        for key, entries in containers(content)
        for name, value in entries.items()
        if isinstance(value, list | tuple) and any(isinstance(v, Tensor) for v in value)
        and averages(key, str(name))
    ]


def called(key: str, prefix: str, of: int) -> str:
    """A set's key for the user; "plain" for names at the file's top without a prefix."""
    parts = [key, prefix.rstrip(".") if of > 1 else ""]
    return ".".join(filter(None, parts)) or "plain"


def held(content: object) -> str:
    """What a file holds, in a few of its own words."""
    if isinstance(content, StandIn):
        return f"it holds an object of {type(content).__name__}, save its state_dict()"
    if not isinstance(content, dict):
        return f"it holds a {type(content).__name__}"
    for key, entries in containers(content):
        tensors = [str(n) for n, v in entries.items() if isinstance(v, Tensor)]
        if tensors:
            where = f"{key} holds" if key else "it holds"
            return f"{where} {len(tensors)} tensors, {', '.join(tensors[:3])}"
    return f"it holds {', '.join(sorted(map(str, content))[:10]) or 'nothing'}, and no tensors by name"


def swap(content: object, sets: list[Set], path: Path) -> None:
    """Corrects which sets are averaged, for trainers that exchange the two as they save."""
    top = content if isinstance(content, dict) else {}
    meta = top["meta"] if isinstance(top.get("meta"), dict) else {}
    if "mmengine_version" in meta or "message_hub" in top:
        why, raw = "mmengine saves the averages as state_dict", in_container(sets, "ema_state_dict")
    elif "current_model_state" in top:
        why, raw = "Lightning saves the averages as state_dict", in_container(sets, "current_model_state")
    else:
        why, raw = "an epoch-based runner of mmcv saves the averages under the plain names", []
        if by_epochs(meta, path):
            raw = [s for s in sets if s.key.endswith("ema_")]
    for s in in_container(sets, "state_dict") + raw if raw else []:
        s.averaged, s.why = all(s is not r for r in raw), why


def in_container(sets: list[Set], container: str) -> list[Set]:
    return [s for s in sets if s.container == container]


def by_epochs(meta: dict, path: Path) -> bool:
    """Whether the file is an epoch-based runner's: by its configuration, or its name."""
    config, messages = str(meta.get("config", "")), meta.get("hook_msgs")
    if "IterBasedRunner" in config or "EpochBasedRunner" in config:
        return "IterBasedRunner" not in config
    last = str(messages.get("last_ckpt", "")) if isinstance(messages, dict) else ""
    return any(re.match(r"epoch_\d+", Path(p).name) for p in (path, last))


def choose(sets: list[Set], wanted: str, parameters: set[str], say: Callable[[str], None]) -> Set:
    """One of the sets: wanted is auto (averaged if there are any), averaged, raw or a
    key. What it lacks that is no parameter comes from the set beside it. Says what was
    chosen and why."""
    listed = ", ".join(map(str, sets))
    if wanted == "auto":
        fits = [s for s in sets if s.averaged] or sets
    elif wanted in ("averaged", "raw"):
        fits = [s for s in sets if s.averaged == (wanted == "averaged")]
    else:
        fits = [s for s in sets if s.key == wanted] or [
            s for s in sets if s.key.endswith(f".{wanted}") or s.container == wanted]
    if not fits:
        raise Refused(f"there are no weights {wanted} in the file, but {listed}")
    if len(fits) > 1:
        raise Refused(f"the file holds {listed}: choose one by its key, such as --weights {fits[0].key}")
    chosen = fits[0]
    say(f"weights: {chosen}, {reason(chosen, sets, wanted)}")
    return complete(chosen, sets, parameters, say)


def reason(chosen: Set, sets: list[Set], wanted: str) -> str:
    others = [str(s) for s in sets if s is not chosen]
    if not others:
        return "the only ones in the file"
    why = chosen.why or "by their key"
    if wanted == "auto" and chosen.key.endswith("ema_") and not chosen.why:
        why += "; if an epoch-based runner of mmcv exchanged the two, --weights raw takes the averages"
    because = {
        "auto": f"as averages are what is published ({why})", "averaged": f"as asked ({why})",
        "raw": f"as asked ({why})",
    }
    return f"{because.get(wanted, 'as asked')}; not {', '.join(others)}"


def complete(chosen: Set, sets: list[Set], parameters: set[str], say: Callable[[str], None]) -> Set:
    """The set with what trainers do not average, running statistics and constants, from
    the fullest other one. Never a parameter: raw and averaged ones do not mix."""
    others = sorted((s for s in sets if s is not chosen), key=lambda s: -len(s.weights))
    if not others:
        return chosen
    lacks = [n for n in others[0].weights if n not in chosen.weights]
    mixed = [n for n in lacks if n in parameters]
    if mixed:
        raise Refused(
            f"{chosen.key} lacks {len(mixed)} parameters that {others[0].key} has, "
            f"{', '.join(mixed[:3])}: raw and averaged parameters are not mixed, "
            f"--weights {others[0].key} takes the others"
        )
    if lacks:
        say(f"weights: {len(lacks)} running statistics and constants, which have no average, "
            f"from {others[0].key}")
    filled = {n: others[0].weights[n] for n in lacks}
    return Set(chosen.key, chosen.container, chosen.averaged, chosen.weights | filled, chosen.strays)
