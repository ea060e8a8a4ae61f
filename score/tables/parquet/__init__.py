"""Parquet files: looked at before pyarrow reads them, written column by column as they were."""
