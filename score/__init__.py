"""Score tables, streams and texts with a bundle; needs neither torch nor the network."""

import os

# The official builds of onnxruntime 1.32 tell Microsoft over HTTPS, from the import on, on
# what machine and with which models they run, and keep a device id in the user's cache
# folder. This has to stand in the environment before the first import of onnxruntime. Who
# wants it all the same says ORT_DISABLE_TELEMETRY=0.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
