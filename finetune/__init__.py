"""Train BERT on labelled reviews: from IMDB or a table to a checkpoint."""
