"""The combinations with `oidc-provider` that held, with the token requests of each as the provider counted them."""

from __future__ import annotations

told: list[tuple[str, str]] = []  # the combination, what was counted


def table() -> str:
    """One combination a line, and how many there are."""
    width = max(len(combination) for combination, _ in told)
    lines = [f"{combination.ljust(width)}  {counted}" for combination, counted in told]
    return "\n".join([*lines, f"{len(told)} combinations"])
