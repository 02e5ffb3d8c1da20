"""`bench --site S relations …`: the command group. Each command reads its options, calls the package that
owns the matter, prints its answer as text or `--json`, and ends with 0, or 1 with the error on stderr."""
