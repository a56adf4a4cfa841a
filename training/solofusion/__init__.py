"""SOLOFusion in PyTorch: the model, its training and its export to a bundle.

Modules, lowest first: ``config`` (numbers of a model), ``model`` (its networks,
under the reference's parameter names), ``geometry`` (frustums, stereo points,
warps), ``stereo`` and ``bev`` (what lies between the networks), ``dataset``
(nuScenes-format folders), ``targets`` and ``losses``, ``train``, ``export``
(ONNX graphs and the bundle's folder).
"""
