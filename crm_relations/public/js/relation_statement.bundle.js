// What the Campaign Statement opens: vouchers and the PDF.

import { print_statement, show_vouchers } from "./reports/statement.js";

frappe.provide("crm_relations").statement = { print_statement, show_vouchers };
