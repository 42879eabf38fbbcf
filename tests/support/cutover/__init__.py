"""The cut-over of a shop with ten years of history, run through its first day and checked document by document."""
