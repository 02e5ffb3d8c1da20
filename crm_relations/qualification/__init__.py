"""Worth it: points with reasons, and the handover from marketing to sales. Alone writes Relation Handover."""
