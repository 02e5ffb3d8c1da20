"""Demo: runs the main job on given or generated data, from a German company to the balance sheet of a campaign."""
