"""Score reviews with a bundle: onnxruntime over tables, no torch."""
