"""ERPNext's CRM as the back-end of the pipeline: Lead, Prospect and Opportunity. No other package names them."""
