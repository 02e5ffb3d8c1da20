"""The main job on data that is given or made: a German company, a campaign, its way to the balance sheet."""
