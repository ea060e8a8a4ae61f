"""How often ``thumbs score`` is right on IMDB's test reviews, and whether its confidence is.

    python -m benchmarks.accuracy [--model BUNDLE] [--reviews N]

The reviews are written to a CSV file, scored by the command itself without a cache, and
the labels read back from its output.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.reviews import imdb_folder
from score.calibration import expected_calibration_error

_LABELS = ["negative", "positive"]


def score_by_command(frame: pd.DataFrame, model: Path | None) -> pd.DataFrame:
    """The frame as it comes back from ``thumbs score --scores``."""
    with tempfile.TemporaryDirectory() as folder:
        source, output = Path(folder) / "test.csv", Path(folder) / "out.csv"
        frame.to_csv(source, index=False)
        command = [sys.executable, "-m", "thumbs", "score", str(source), "-o", str(output)]
        more = [
            "--prefix",
            "t_",
            "--scores",
            "--no-cache",
            *(["--model", str(model)] if model else []),
        ]
        subprocess.run([*command, *more], check=True)
        return pd.read_csv(output, keep_default_na=False)


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--reviews", type=int, help="a shuffled sample of so many")
    options = parser.parse_args()
    frame = pd.read_parquet(imdb_folder() / "test.parquet")
    if options.reviews:
        frame = frame.sample(options.reviews, random_state=1)
    scored = score_by_command(frame, options.model)
    answered = scored[scored["t_label"] != ""]
    columns = [f"t_score_{label}" for label in _LABELS]
    probabilities = answered[columns].to_numpy(np.float64)
    classes = answered["label"].to_numpy(np.int64)
    # A review without an answer counts as wrong: it is the user who looks for one.
    right = (answered["t_label"] == np.take(_LABELS, classes)).sum()
    chosen = probabilities[np.arange(len(classes)), classes].clip(1e-4, 1)
    print(f"reviews       {len(scored):,} ({len(scored) - len(answered)} without an answer)")
    print(f"accuracy      {right / len(scored):.2%}")
    print(f"ECE           {expected_calibration_error(probabilities, classes):.2%}")
    print(f"log loss      {-np.log(chosen).mean():.4f}")


if __name__ == "__main__":
    main()
