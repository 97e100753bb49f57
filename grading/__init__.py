"""Graders: build a submission, boot it, judge it by values. See README.md."""
