// Pairs of relations that may be the same: the form, and the comparison for their list.

import { compare, decide } from "./duplicates/comparison.js";
import "./duplicates/form.js";

frappe.provide("crm_relations").duplicates = { compare, decide };
