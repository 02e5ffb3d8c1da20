"""ERPNext's own CRM as back-end: Lead, Prospect and Opportunity. No other package names them."""
