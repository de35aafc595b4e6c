"""Models of spineline's three stages in PyTorch, their configuration, training, and export to ONNX bundles."""
