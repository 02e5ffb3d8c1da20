"""Report on campaigns: funnel, comparison of campaigns and lift over the control group."""
