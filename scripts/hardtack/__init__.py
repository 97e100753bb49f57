"""What scripts/run and the tests share: disk images, machines, verdicts."""
