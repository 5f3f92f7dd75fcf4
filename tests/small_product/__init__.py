"""A product of a few lines, to try starting and stopping: `python -m tests.small_product`."""
