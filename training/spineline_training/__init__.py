"""Models of spineline's three stages in PyTorch, their configuration, and their export to ONNX bundles."""
