"""What two or more packages use, and nothing else."""
