"""An oracle: the detector in plain PyTorch, written from the model specification.

It runs a folder in nuScenes format with a checkpoint and writes the arrays that
``solofusion trace`` writes, so that the two can be compared stage by stage
(``python -m reference.parity``, or ``make parity``). It is written to be read
beside docs/model.md and takes no short cuts: every pair of cameras is projected,
every plane is resampled before the time convolution, matrices are float64.

Networks come from ``solofusion.model``, whose outputs are tested against arrays of
the reference's own code; everything between them is written out here.

=============  ==============================================================
``frames``     what a key frame holds: images at network size, matrices
``stages``     the mathematics between the networks
``decode``     maps to boxes
``oracle``     the stages in order, with what is kept from frame to frame
``draw``       random weights in the released format that make every stage matter
``compare``    the bounds, and how far two frames' arrays are apart
``parity``     runs the service and the oracle, prints the table
=============  ==============================================================
"""
