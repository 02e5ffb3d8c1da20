"""Match responses to their campaign: replies, clicks, bounces, complaints and imported lists."""
