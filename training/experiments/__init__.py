"""Claims of the slide deck (docs/pipeline.md, "How to read this page"), tried on phantoms.

`run` trains the models, `report` writes docs/experiments.md.
"""
