"""The slides' claims, in kind, on phantoms: `run` trains them, `report` writes docs/experiments.md."""
