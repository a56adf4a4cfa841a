"""Experiments with 8-bit graphs: what solofusion model quantize does not do, and why
(docs/quantisation.md)."""
