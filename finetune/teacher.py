"""Labels for unlabelled texts: a trained model and the baseline together say how sure they are.

The two err in different places, one reads sentences and the other counts words of the
whole review, so together they are better than either. What they say is the mean of their
log probabilities, weighed and sharpened on held-back reviews. (Self-training and
distillation in one; Hinton et al. 2015, "Distilling the Knowledge in a Neural Network".)
Of a single sentence the model alone speaks: there are too few words in it to be counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from finetune.answers import log_probabilities
from finetune.baseline import Baseline
from finetune.lessons import Lessons
from score.calibration import fit_weights, softmax

if TYPE_CHECKING:
    from finetune.splits import Split


@dataclass(frozen=True, slots=True)
class Teacher:
    """A model and the baseline, and how much each is believed.

    Attributes:
        model: a model as :func:`finetune.answers.log_probabilities` takes it.
        labels: the class names, in class order.
        baseline: fitted on the same training split.
        weights: what the log probabilities of the two are multiplied with.
    """

    model: str
    labels: tuple[str, ...]
    baseline: Baseline
    weights: tuple[float, float]

    @classmethod
    def fit(
        cls, model: str, labels: tuple[str, ...], baseline: Baseline, held_back: Split
    ) -> Teacher:
        """Weigh the two by a logistic regression on held-back reviews.

        That the baseline was not trained on them is seen to by the caller. That the model was
        not is taken for granted, since a model does not tell on what texts it was trained. One
        that knows these reviews looks better than it is: it is believed more than the baseline
        and than it deserves, and the labels come out surer than they are.

        Args:
            model: as above.
            labels: as above.
            baseline: as above.
            held_back: cleaned reviews and their classes, none of which taught either.

        Raises:
            NoInputError: ``model`` is no model of thumbs.
            BundleError, DataError: it is damaged, or tells other classes apart.
        """
        first = log_probabilities(model, labels, held_back.texts)
        second = baseline.log_probabilities(held_back.texts)
        weights = fit_weights(np.stack([first, second]), np.asarray(held_back.classes, np.int64))
        return cls(model, labels, baseline, (float(weights[0]), float(weights[1])))

    def teach(self, texts: Sequence[str]) -> Lessons:
        """Whole reviews, each with the probabilities that the two together give it."""
        first = log_probabilities(self.model, self.labels, texts)
        second = self.baseline.log_probabilities(texts)
        weighed = self.weights[0] * first + self.weights[1] * second
        return Lessons(tuple(texts), softmax(weighed).astype(np.float32))

    def teach_sentences(self, texts: Sequence[str]) -> Lessons:
        """Sentences, each with the probabilities that the model gives it."""
        first = log_probabilities(self.model, self.labels, texts)
        return Lessons(tuple(texts), softmax(first).astype(np.float32))
