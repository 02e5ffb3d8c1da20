"""Attribution of revenue to campaigns: by dimension, by rule and by attribution model."""
