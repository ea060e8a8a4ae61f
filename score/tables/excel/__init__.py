"""Excel workbooks (.xlsx, .xlsm): read as a stream, written as a copy of their own bytes."""
