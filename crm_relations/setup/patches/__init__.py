"""What an update does once on a site that is there; a new site starts with the result. Named in patches.txt."""
