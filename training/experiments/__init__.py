"""The slides' claims, in kind, on phantoms: `experiments.run` trains, `experiments.report` writes docs/experiments.md."""
