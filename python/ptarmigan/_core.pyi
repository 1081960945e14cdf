"""The Rust half of Ptarmigan; use the names of the package ``ptarmigan`` instead."""

__version__: str
