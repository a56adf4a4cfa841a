"""SOLOFusion in PyTorch: the model, its training and its export to a bundle.

Modules, lowest first: ``command`` (options and errors of the command lines), ``config``
(numbers of a model), ``model`` (its networks, under the reference's parameter names),
``geometry`` (frustums, stereo points, warps), ``stereo`` and ``bev`` (what lies between
the networks), ``foreign``, ``checkpoint`` and ``fit`` (files of others, the weights in
them, and whether they are the model's), ``depth`` and ``dataset`` (nuScenes-format
folders), ``targets`` and ``losses``, ``train``, ``export`` (ONNX graphs and the bundle's
folder), ``convert``.
"""

import sys
from importlib.util import find_spec

_NEEDED = ("numpy", "onnx", "PIL", "safetensors", "torch", "yaml")

_absent = [name for name in _NEEDED if find_spec(name) is None]
if _absent:
    raise SystemExit(
        f"solofusion: {sys.executable} lacks {', '.join(_absent)}: "
        "make .venv/.installed makes .venv/bin/python, which has them"
    )
